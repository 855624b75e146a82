package prepare

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"text/tabwriter"
	"time"

	"semidavil"
	"semidavil/configs"
	"semidavil/internal/store"
	"semidavil/runners"
	"semidavil/stages"
	"semidavil/transforms/classstats"
	"semidavil/transforms/shards"
	"semidavil/transforms/text/builtin"
)

// maxShownRejects is how many rejects the summary shows; all are in the file.
const maxShownRejects = 10

// summarise prints what came out and fails where too much was rejected. It
// reads the files that the run wrote, so it tells the same for every runner.
func summarise(ctx context.Context, s *runners.Session, cfg configs.Prepare, result runners.Result) error {
	data, err := store.ReadFile(ctx, cfg.Output+"/"+stages.ManifestFile, 0)
	if err != nil {
		return err
	}
	manifest, err := shards.DecodeManifest(data)
	if err != nil {
		return err
	}
	if data, err = store.ReadFile(ctx, cfg.Output+"/"+stages.StatsFile, 0); err != nil {
		return err
	}
	table, err := classstats.Decode(data)
	if err != nil {
		return err
	}
	if data, err = store.ReadFile(ctx, cfg.Output+"/"+stages.RejectsFile, 0); err != nil {
		return err
	}
	w := s.Stdout
	fmt.Fprintf(w, "\n%s\n", table.Text())
	writeSubsets(w, manifest)
	writeRejects(w, data)
	if n := result.Count(stages.Namespace, stages.Fallbacks); n > 0 {
		fmt.Fprintf(w, "captions   %d images had none and got a sentence of class names\n", n)
	}
	if n := result.Count(stages.Namespace, stages.Orphans); n > 0 {
		fmt.Fprintf(w, "labels     %d have no image and were left out\n", n)
	}
	if n := result.Count(stages.Namespace, stages.Reused); n > 0 {
		fmt.Fprintf(w, "reused     %d of %d shards were finished already\n", n, len(manifest.Shards))
	}
	if manifest.Tokenizer.Name == builtin.Name && !cfg.BuiltIn() {
		fmt.Fprintf(w, "tokens     of the small built-in vocabulary; give --tokenizer=FOLDER for CLIP's own\n")
	}
	fmt.Fprintf(w, "output     %s (manifest.json, shards, captions, class_stats.svg) after %s\n", shorten(cfg.Output), result.Wall.Round(100*time.Millisecond))

	total := manifest.Rejects + manifest.Images
	if share := float64(manifest.Rejects) / float64(max(1, total)); share > cfg.MaxRejects {
		return fmt.Errorf("prepare: %.1f %% of the images were rejected, more than --max_rejects=%g allows", 100*share, cfg.MaxRejects)
	}
	return nil
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
	}
	t.Flush()
	fmt.Fprintln(w)
}

// writeRejects shows the first rejects.
func writeRejects(w io.Writer, data []byte) {
	lines := bytes.Split(bytes.TrimSpace(data), []byte("\n"))
	if len(data) == 0 {
		fmt.Fprintln(w, "rejects    0")
		return
	}
	fmt.Fprintf(w, "rejects    %d, all in %s\n", len(lines), stages.RejectsFile)
	for i, line := range lines {
		if i == maxShownRejects {
			fmt.Fprintf(w, "           and %d more\n", len(lines)-i)
			break
		}
		var r shards.Reject
		if json.Unmarshal(line, &r) == nil {
			fmt.Fprintf(w, "           %s: %s\n", r.Path, strings.TrimPrefix(r.Reason, r.Path+": "))
		}
	}
}

// shorten writes a path relative to the working folder where that is shorter.
func shorten(path string) string {
	if wd, err := os.Getwd(); err == nil {
		if rel, err := filepath.Rel(wd, path); err == nil && !strings.HasPrefix(rel, "..") && !store.IsRemote(path) {
			return rel
		}
	}
	return path
}
