package stages

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"reflect"

	"github.com/apache/beam/sdks/v2/go/pkg/beam"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/register"

	"semidavil/internal/store"
	"semidavil/transforms/pseudo"
)

func init() {
	beam.RegisterType(reflect.TypeFor[Thresholds]())
	register.Function1x1(histogramOf)
	register.Combiner1[[]byte](&sumHistograms{})
	register.DoFn3x1[context.Context, []byte, func(Thresholds), error](&thresholdFn{})
	register.Emitter1[Thresholds]()
}

// ThresholdsFile holds the thresholds of the classes.
const ThresholdsFile = "thresholds.json"

// Thresholds are those of the classes in units of 1/65536, and when the file that holds
// them was written, in Unix nanoseconds: labels that are older are made anew.
type Thresholds struct {
	Values  []uint32
	Written int64
}

// Threshold sums the histograms of all predictions, chooses the thresholds and writes
// them. A file that holds them already stays as it is.
//
// PCollection<Predicted> -> PCollection<Thresholds> with one element.
func Threshold(s beam.Scope, output string, rule pseudo.Rule, predicted beam.PCollection) beam.PCollection {
	s = s.Scope("stages.Threshold")
	sum := beam.Combine(s, &sumHistograms{}, beam.ParDo(s, histogramOf, predicted))
	return beam.ParDo(s, &thresholdFn{output, rule}, sum)
}

func histogramOf(p Predicted) []byte { return p.Histogram }

// sumHistograms adds up encoded histograms.
type sumHistograms struct{}

// MergeAccumulators adds two of them; those that do not fit are a fault of the program.
func (sumHistograms) MergeAccumulators(a, b []byte) []byte {
	if len(a) == 0 {
		return b
	}
	if len(b) == 0 {
		return a
	}
	var x, y pseudo.Histogram
	err := errors.Join(x.UnmarshalBinary(a), y.UnmarshalBinary(b))
	if err == nil {
		err = x.Merge(y)
	}
	var out []byte
	if err == nil {
		out, err = x.MarshalBinary()
	}
	if err != nil {
		panic(err)
	}
	return out
}

type thresholdFn struct {
	Output string
	Rule   pseudo.Rule
}

// ProcessElement chooses the thresholds of a run.
func (f *thresholdFn) ProcessElement(ctx context.Context, sum []byte, emit func(Thresholds)) error {
	var h pseudo.Histogram
	err := h.UnmarshalBinary(sum)
	var values []uint32
	if err == nil {
		values, err = f.Rule.Thresholds(h)
	}
	if err != nil {
		return fmt.Errorf("stages: threshold: %w", err)
	}
	data, err := json.Marshal(values)
	if err != nil {
		return fmt.Errorf("stages: threshold: %w", err)
	}
	name := f.Output + "/" + ThresholdsFile
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
