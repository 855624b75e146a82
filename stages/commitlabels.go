package stages

import (
	"cmp"
	"context"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/apache/beam/sdks/v2/go/pkg/beam"

	"semidavil"
	"semidavil/internal/store"
	"semidavil/stages/rejects"
	"semidavil/transforms/datasets"
	"semidavil/transforms/pseudo"
	"semidavil/transforms/report/figures"
	"semidavil/transforms/shards"
)

func init() {
	beam.RegisterDoFn(reflect.TypeFor[commitLabelsFn]())
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
		r, err = pseudo.DecodeReport(data)
	}
	if err != nil {
		return r, fmt.Errorf("read the statistics of %s: %w", output, err)
	}
	return r, nil
}

// CommitLabelsParams name the output and the classes of its labels.
type CommitLabelsParams struct {
	Output  string
	Classes semidavil.ClassSet
	// Volumes says that the labels are of volumes.
	Volumes bool
}

// CommitLabels writes the statistics as JSON and plots, the rejects, and last the list
// of labels, which prepare reads. It returns the path of that.
//
// PCollection<LabelPart>, PCollection<shards.Reject> -> PCollection<string>.
func CommitLabels(s beam.Scope, p CommitLabelsParams, parts, rejected beam.PCollection) beam.PCollection {
	s = s.Scope("stages.CommitLabels")
	return once(s, &commitLabelsFn{p}, parts, rejected)
}

type commitLabelsFn struct{ Params CommitLabelsParams }

// ProcessElement writes the files of the whole run.
func (f *commitLabelsFn) ProcessElement(ctx context.Context, _ []byte, nextPart func(*LabelPart) bool, nextReject func(*shards.Reject) bool, emit func(string)) error {
	var rows []LabelRow
	stats := pseudo.NewStats(make([]uint32, f.Params.Classes.Len())) // where there is not a single plan
	first := true
	var inParts []shards.Reject
	for part := (LabelPart{}); nextPart(&part); first = false {
		rows, inParts = append(rows, part.Rows...), append(inParts, part.Rejects...)
		if first {
			stats = pseudo.NewStats(part.Stats.Thresholds)
		}
		if err := stats.Merge(part.Stats); err != nil {
			return fmt.Errorf("stages: commit labels: %w", err)
		}
	}
	slices.SortFunc(rows, func(a, b LabelRow) int { return cmp.Compare(a.Key, b.Key) })
	files, err := labelFiles(f.Params, rows, stats, rejects.Collect(nextReject, inParts...))
	if err != nil {
		return fmt.Errorf("stages: commit labels: %w", err)
	}
	if err := writeFiles(ctx, f.Params.Output, files); err != nil {
		return fmt.Errorf("stages: commit labels: %w", err)
	}
	if err := f.removeStrays(ctx, rows); err != nil {
		return fmt.Errorf("stages: commit labels: %w", err)
	}
	emit(f.Params.Output + "/" + LabelsFile)
	return nil
}

// labelEndings are those of all files that Label writes.
var labelEndings = []string{pseudo.TrainIDsEnding, pseudo.IDsEnding, pseudo.ColourEnding, pseudo.ConfidenceEnding}

// OwnLabel reports whether a name in the folder of labels is one that Label gives, so
// that a clean-up touches nothing else.
func OwnLabel(name string) bool {
	return datasets.IsVolume(name) || slices.ContainsFunc(labelEndings, func(ending string) bool { return strings.HasSuffix(name, ending) })
}

// removeStrays deletes the labels of images that are gone or were rejected this time:
// whoever reads the folder would take them for current.
func (f *commitLabelsFn) removeStrays(ctx context.Context, rows []LabelRow) error {
	mine := map[string]bool{}
	for _, r := range rows {
		mine[strings.TrimSuffix(r.Label, pseudo.TrainIDsEnding)] = true
		mine[confidenceVolume(r.Label)] = true
	}
	return store.RemoveFiles(ctx, f.Params.Output+"/"+LabelsFolder, func(rel string) bool {
		for _, ending := range labelEndings {
			if place, ok := strings.CutSuffix(LabelsFolder+"/"+rel, ending); ok && !mine[place] {
				return true
			}
		}
		return datasets.IsVolume(rel) && !mine[LabelsFolder+"/"+rel]
	})
}

// labelFiles makes the files of a run, the list of labels last.
func labelFiles(p CommitLabelsParams, rows []LabelRow, stats pseudo.Stats, rejected []shards.Reject) ([]namedFile, error) {
	report, err := stats.Report(p.Classes)
	if err != nil {
		return nil, err
	}
	report.Volumes = p.Volumes
	data, err := report.Encode()
	if err != nil {
		return nil, err
	}
	rejectRows, err := lines(rejected)
	if err != nil {
		return nil, err
	}
	out := []namedFile{{RejectsFile, rejectRows}, {LabelStatsFile, data}}
	if report.Pixels > 0 {
		shares, err := figures.LabelShares(p.Classes, report)
		if err != nil {
			return nil, err
		}
		thresholds, err := figures.LabelThresholds(p.Classes, report)
		if err != nil {
			return nil, err
		}
		out = append(out, namedFile{SharesPlot, shares}, namedFile{ThresholdsPlot, thresholds})
	}
	list, err := lines(rows)
	return append(out, namedFile{LabelsFile, list}), err
}
