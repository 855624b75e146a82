package stages

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/apache/beam/sdks/v2/go/pkg/beam"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/register"

	"semidavil"
	"semidavil/internal/store"
	"semidavil/transforms/pseudo"
	"semidavil/transforms/report/figures"
	"semidavil/transforms/shards"
)

func init() {
	register.DoFn5x1[context.Context, int, func(*LabelPart) bool, func(*shards.Reject) bool, func(string), error](&commitLabelsFn{})
	register.Iter1[LabelPart]()
}

// Names of the files that CommitLabels writes into the output; [LabelsFile] is the last.
const (
	LabelStatsFile = "stats.json"
	SharesPlot     = "classes.svg"
	ThresholdsPlot = "thresholds.svg"
)

// ReadLabelStats reads the statistics of an output of pseudolabel.
func ReadLabelStats(ctx context.Context, output string) (r pseudo.Report, err error) {
	data, err := store.ReadFile(ctx, output+"/"+LabelStatsFile, 0)
	if err == nil {
		err = json.Unmarshal(data, &r)
	}
	if err != nil {
		return r, fmt.Errorf("read the statistics of %s: %w", output, err)
	}
	return r, nil
}

// CommitLabels writes the statistics as JSON and plots, the rejects, and last the list
// of labels, which prepare reads. It returns the path of that.
//
// PCollection<LabelPart>, PCollection<shards.Reject> -> PCollection<string>.
func CommitLabels(s beam.Scope, output string, classes semidavil.ClassSet, parts, rejects beam.PCollection) beam.PCollection {
	s = s.Scope("stages.CommitLabels")
	// One empty element: without it an empty collection would never arrive.
	rejects = beam.Flatten(s, rejects, beam.Create(s, shards.Reject{}))
	return beam.ParDo(s, &commitLabelsFn{output, classes}, beam.CoGroupByKey(s, beam.AddFixedKey(s, parts), beam.AddFixedKey(s, rejects)))
}

type commitLabelsFn struct {
	Output  string
	Classes semidavil.ClassSet
}

// ProcessElement writes the files of the whole run.
func (f *commitLabelsFn) ProcessElement(ctx context.Context, _ int, nextPart func(*LabelPart) bool, nextReject func(*shards.Reject) bool, emit func(string)) error {
	var rows []LabelRow
	stats := pseudo.NewStats(make([]uint32, f.Classes.Len())) // where there is not a single plan
	first := true
	var rejects []shards.Reject
	var part LabelPart
	for nextPart(&part) {
		rows, rejects = append(rows, part.Rows...), append(rejects, part.Rejects...)
		var one pseudo.Stats
		err := json.Unmarshal(part.Stats, &one)
		if err == nil && first {
			first, stats = false, pseudo.NewStats(one.Thresholds)
		}
		if err == nil {
			err = stats.Merge(one)
		}
		if err != nil {
			return fmt.Errorf("stages: commit labels: %w", err)
		}
	}
	slices.SortFunc(rows, func(a, b LabelRow) int { return cmp.Compare(a.Key, b.Key) })
	files, err := labelFiles(f.Classes, rows, stats, readRejects(nextReject, rejects...))
	if err != nil {
		return fmt.Errorf("stages: commit labels: %w", err)
	}
	if err := writeFiles(ctx, f.Output, files); err != nil {
		return fmt.Errorf("stages: commit labels: %w", err)
	}
	if err := f.removeStrays(ctx, rows); err != nil {
		return fmt.Errorf("stages: commit labels: %w", err)
	}
	emit(f.Output + "/" + LabelsFile)
	return nil
}

// labelEndings are those of all files that Label writes.
var labelEndings = []string{TrainIDsEnding, IDsEnding, ColourEnding, ConfidenceEnding}

// OwnLabel reports whether a name in the folder of labels is one that Label gives, so
// that a clean-up touches nothing else.
func OwnLabel(name string) bool {
	return slices.ContainsFunc(labelEndings, func(ending string) bool { return strings.HasSuffix(name, ending) })
}

// removeStrays deletes the labels of images that are gone or were rejected this time:
// whoever reads the folder would take them for current.
func (f *commitLabelsFn) removeStrays(ctx context.Context, rows []LabelRow) error {
	mine := map[string]bool{}
	for _, r := range rows {
		mine[strings.TrimSuffix(r.Label, TrainIDsEnding)] = true
	}
	return store.RemoveFiles(ctx, f.Output+"/"+LabelsFolder, func(rel string) bool {
		for _, ending := range labelEndings {
			if place, ok := strings.CutSuffix(LabelsFolder+"/"+rel, ending); ok && !mine[place] {
				return true
			}
		}
		return false
	})
}

// labelFiles makes the files of a run, the list of labels last.
func labelFiles(classes semidavil.ClassSet, rows []LabelRow, stats pseudo.Stats, rejects []shards.Reject) ([]namedFile, error) {
	report, err := stats.Report(classes)
	if err != nil {
		return nil, err
	}
	data, err := report.Encode()
	if err != nil {
		return nil, err
	}
	rejected, err := lines(rejects)
	if err != nil {
		return nil, err
	}
	out := []namedFile{{RejectsFile, rejected}, {LabelStatsFile, data}}
	if report.Pixels > 0 {
		shares, err := figures.LabelShares(classes, report)
		if err != nil {
			return nil, err
		}
		thresholds, err := figures.LabelThresholds(classes, report)
		if err != nil {
			return nil, err
		}
		out = append(out, namedFile{SharesPlot, shares}, namedFile{ThresholdsPlot, thresholds})
	}
	list, err := lines(rows)
	return append(out, namedFile{LabelsFile, list}), err
}
