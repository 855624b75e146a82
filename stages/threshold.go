package stages

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"reflect"

	"github.com/apache/beam/sdks/v2/go/pkg/beam"

	"semidavil/internal/store"
	"semidavil/transforms/pseudo"
)

func init() {
	beam.RegisterType(reflect.TypeFor[Thresholds]())
	beam.RegisterType(reflect.TypeFor[sumHistograms]())
	beam.RegisterDoFn(reflect.TypeFor[thresholdFn]())
}

// ThresholdsFile holds the thresholds of the classes.
const ThresholdsFile = "thresholds.json"

// Thresholds are those of the classes in units of 1/65536, and when the file that holds
// them was written, in Unix nanoseconds: labels that are older are remade.
type Thresholds struct {
	Values  []uint32
	Written int64
}

// ThresholdParams say how the thresholds are chosen and where they go.
type ThresholdParams struct {
	// Output is the folder of the output.
	Output string
	Rule   pseudo.Rule
}

// Threshold sums the histograms of all predictions, chooses the thresholds and writes
// them. A file that holds them already stays as it is.
//
// PCollection<pseudo.Histogram> -> PCollection<Thresholds> with one element, or with none
// and no file where there is no histogram.
func Threshold(s beam.Scope, p ThresholdParams, histograms beam.PCollection) beam.PCollection {
	s = s.Scope("stages.Threshold")
	return beam.ParDo(s, &thresholdFn{p}, beam.Combine(s, &sumHistograms{}, histograms))
}

// sumHistograms adds up histograms.
type sumHistograms struct{}

// MergeAccumulators adds two of them; those that do not fit are a fault of the program.
func (sumHistograms) MergeAccumulators(a, b pseudo.Histogram) pseudo.Histogram {
	if len(a.Counts) == 0 { // the sum of nothing
		return b
	}
	if len(b.Counts) == 0 {
		return a
	}
	sum := pseudo.NewHistogram(len(a.Counts)) // neither argument may change
	if err := errors.Join(sum.Merge(a), sum.Merge(b)); err != nil {
		panic(err)
	}
	return sum
}

type thresholdFn struct{ Params ThresholdParams }

// ProcessElement chooses the thresholds of a run.
func (f *thresholdFn) ProcessElement(ctx context.Context, sum pseudo.Histogram, emit func(Thresholds)) error {
	values, err := f.Params.Rule.Thresholds(sum)
	if err != nil {
		return fmt.Errorf("stages: threshold: %w", err)
	}
	data, err := json.Marshal(values)
	if err != nil {
		return fmt.Errorf("stages: threshold: %w", err)
	}
	name := f.Params.Output + "/" + ThresholdsFile
	old, err := store.ReadFile(ctx, name, 0)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("stages: threshold: %w", err)
	}
	if string(old) != string(data) {
		if err := store.WriteFile(ctx, name, data); err != nil {
			return fmt.Errorf("stages: threshold: %w", err)
		}
	}
	info, err := store.Stat(ctx, name)
	if err != nil {
		return fmt.Errorf("stages: threshold: %w", err)
	}
	emit(Thresholds{values, info.ModTime.UnixNano()})
	return nil
}
