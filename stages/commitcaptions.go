package stages

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/apache/beam/sdks/v2/go/pkg/beam"

	"semidavil/internal/store"
	"semidavil/stages/rejects"
	"semidavil/transforms/captions"
	"semidavil/transforms/shards"
)

func init() {
	beam.RegisterDoFn(reflect.TypeFor[commitCaptionsFn]())
}

// Names of the files that CommitCaptions writes into the output; [CaptionStatsFile] is the last.
const (
	SheetFile        = "captions.html"
	CaptionStatsFile = "captions.json"
)

// CaptionStats is [CaptionStatsFile].
type CaptionStats struct {
	captions.Summary
	// Fallbacks are captions that are a sentence of class names, where the image had none; Rejects
	// are images without a caption, Empty those of them whose caption has no text.
	Fallbacks int `json:"fallbacks"`
	Rejects   int `json:"rejects"`
	Empty     int `json:"empty"`
}

// ReadCaptionStats reads the statistics of an output of caption.
func ReadCaptionStats(ctx context.Context, output string) (c CaptionStats, err error) {
	data, err := store.ReadFile(ctx, output+"/"+CaptionStatsFile, 0)
	if err == nil {
		err = json.Unmarshal(data, &c)
	}
	if err != nil {
		return c, fmt.Errorf("read the statistics of %s: %w", output, err)
	}
	return c, nil
}

// CommitCaptionsParams name the output and what the contact sheet tells of it.
type CommitCaptionsParams struct {
	Output string
	// Input names the images.
	Input string
	// Prompt is what captioners were asked, of whose IDs it is only a digest; it may be empty.
	Prompt string
	// Fallback is the ID of captions of images that had none; empty without a fallback.
	Fallback string
}

// CommitCaptions writes the contact sheet, the rejects, and last the statistics: where they
// are, the output is whole. It returns their path.
//
// PCollection<CaptionPart>, PCollection<shards.Reject> -> PCollection<string>.
func CommitCaptions(s beam.Scope, p CommitCaptionsParams, parts, rejected beam.PCollection) beam.PCollection {
	s = s.Scope("stages.CommitCaptions")
	return once(s, &commitCaptionsFn{p}, parts, rejected)
}

type commitCaptionsFn struct{ Params CommitCaptionsParams }

// ProcessElement writes the files of the whole run.
func (f *commitCaptionsFn) ProcessElement(ctx context.Context, _ []byte, nextPart func(*CaptionPart) bool, nextReject func(*shards.Reject) bool, emit func(string)) error {
	var rows []captions.Row
	mine, shown := map[string]bool{}, map[string]Thumbnailed{}
	for part := (CaptionPart{}); nextPart(&part); {
		rows, mine[part.Name] = append(rows, part.Rows...), true
		for _, t := range part.Images {
			shown[t.Key] = t
		}
	}
	slices.SortFunc(rows, func(a, b captions.Row) int { return cmp.Or(cmp.Compare(a.Image, b.Image), cmp.Compare(a.Key, b.Key)) })
	files, err := f.files(rows, shown, rejects.Collect(nextReject))
	if err == nil {
		err = writeFiles(ctx, f.Params.Output, files)
	}
	if err == nil { // captions of images that are gone
		err = store.RemoveFiles(ctx, f.Params.Output+"/captions", func(rel string) bool {
			name, _, _ := strings.Cut(rel, ".")
			return OwnFile(rel) && !mine[name]
		})
	}
	if err != nil {
		return fmt.Errorf("stages: commit captions: %w", err)
	}
	emit(f.Params.Output + "/" + CaptionStatsFile)
	return nil
}

// files makes the files of a run, the statistics last.
func (f *commitCaptionsFn) files(rows []captions.Row, shown map[string]Thumbnailed, rejected []shards.Reject) ([]namedFile, error) {
	stats := CaptionStats{Summary: captions.Summarise(rows), Rejects: len(rejected)}
	for _, r := range rejected {
		if strings.Contains(r.Reason, captions.ErrEmpty.Error()) {
			stats.Empty++
		}
	}
	for _, c := range stats.Captioners {
		if c.Text == f.Params.Fallback {
			stats.Fallbacks = c.Images
		}
	}
	page, err := f.Params.sheet(rows, shown, rejected, stats).HTML()
	if err != nil {
		return nil, err
	}
	rejectRows, err := lines(rejected)
	if err != nil {
		return nil, err
	}
	data, err := shards.EncodeJSON(stats)
	return []namedFile{{SheetFile, page}, {RejectsFile, rejectRows}, {CaptionStatsFile, data}}, err
}
