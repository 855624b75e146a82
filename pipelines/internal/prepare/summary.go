package prepare

import (
	"context"
	"errors"
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"semidavil"
	"semidavil/internal/captioner"
	"semidavil/internal/store"
	"semidavil/pipelines/internal/inputs"
	"semidavil/stages"
	"semidavil/stages/counters"
	"semidavil/transforms/classstats"
	"semidavil/transforms/shards"
	"semidavil/transforms/text/builtin"
)

// summarise prints the results and fails where too many images were rejected. It
// reads the files that the run wrote, so it says the same for every runner.
func summarise(ctx context.Context, r *job, tables []captioner.Fit) error {
	cfg := r.Settings
	manifest, err := stages.ReadManifest(ctx, cfg.Output)
	if err != nil {
		return err
	}
	data, err := store.ReadFile(ctx, cfg.Output+"/"+stages.StatsFile, 0)
	if err != nil {
		return err
	}
	table, err := classstats.Decode(data)
	if err != nil {
		return err
	}
	w := r.Stdout
	fmt.Fprintf(w, "\n%s\n", table.Text())
	writeSubsets(w, manifest)
	tooMany, err := inputs.WriteRejects(ctx, w, cfg.Output, r.Params.Unit(), manifest.Images, cfg.MaxRejects)
	if err != nil {
		return err
	}
	if tooMany == nil {
		tooMany = lostSplit(manifest.Splits, r.Params.Unit(), cfg.MaxRejects)
	}
	inputs.WriteTurned(w, manifest.Turned)
	inputs.WriteTables(w, tables)
	inputs.WriteFallbacks(w, r.Result)
	if n := manifest.Enlarged; n > 0 {
		fmt.Fprintf(w, "sizes      %d images are smaller than what they are stored at, and were enlarged; --source_size and --target_size say otherwise\n", n)
	}
	if n := r.Result.Count(counters.Namespace, counters.Orphans); n > 0 {
		fmt.Fprintf(w, "labels     %d have no image and were left out\n", n)
	}
	if n := r.Result.Count(counters.Namespace, counters.Reused); n > 0 {
		fmt.Fprintf(w, "reused     %d of %d shards were finished already\n", n, len(manifest.Shards))
	}
	parts := "manifest.json, shards, captions, class_stats.svg"
	if manifest.Volumes != nil {
		parts = "manifest.json, shards, class_stats.svg"
	}
	if manifest.Tokenizer.Name == builtin.Name && !cfg.BuiltIn() {
		fmt.Fprintf(w, "tokens     of the small built-in vocabulary; give --tokenizer=FOLDER for CLIP's own\n")
	}
	fmt.Fprintf(w, "output     %s (%s) after %s\n", inputs.Shorten(cfg.Output), parts, r.Result.Wall.Round(100*time.Millisecond))
	return tooMany
}

// lostSplit is the error of a run that lost too many images of one split of a data set: of few
// images that is not seen in the sum.
func lostSplit(splits []shards.Split, unit string, limit float64) error {
	var faults []error
	for _, s := range splits {
		if share := float64(s.Rejects) / float64(max(1, s.Rejects+s.Images)); share > limit {
			faults = append(faults, fmt.Errorf("%d of the %d %s of %s's split %s were rejected, more than --max_rejects=%g allows", s.Rejects, s.Rejects+s.Images, unit, s.Dataset, s.Split, limit))
		}
	}
	return errors.Join(faults...)
}

func writeSubsets(w io.Writer, m shards.Manifest) {
	t := tabwriter.NewWriter(w, 0, 0, 3, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "subset\tsamples\tshards\tMB\t")
	for _, subset := range semidavil.Subsets {
		var n int
		var size int64
		for _, shard := range m.Shards {
			if shard.Subset == subset {
				n++
				size += shard.Bytes
			}
		}
		if n > 0 {
			fmt.Fprintf(t, "%s\t%d\t%d\t%.1f\t\n", subset, m.Samples[subset], n, float64(size)/1e6)
		}
		if subset == semidavil.Labelled && m.Pseudo > 0 {
			fmt.Fprintf(t, "true labels\t%d\t\t\t\npseudo-labels\t%d\t\t\t\n", m.Samples[subset]-m.Pseudo, m.Pseudo)
		}
	}
	t.Flush()
	fmt.Fprintln(w)
}
