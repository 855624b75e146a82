package stages

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/apache/beam/sdks/v2/go/pkg/beam"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/register"

	"semidavil"
	"semidavil/internal/store"
	"semidavil/model/infer"
	"semidavil/transforms/metrics"
	"semidavil/transforms/report/sheet"
	"semidavil/transforms/shards"
)

func init() {
	beam.RegisterType(reflect.TypeFor[metrics.Tally]())
	beam.RegisterCoder(reflect.TypeFor[metrics.Tally](), encodeTally, decodeTally)
	register.DoFn6x1[context.Context, Plan, func(*string) bool, func(string, metrics.Tally), func(string), func(shards.Reject), error](&scoreFn{})
	register.Function2x0(stemsOf)
	register.Iter1[string]()
	register.Emitter2[string, metrics.Tally]()
	register.Combiner1[metrics.Tally](&sumTallies{})
}

// firstPlan ends the name of the first plan of a subset.
const firstPlan = "-00000"

// PredictionFiles is the name of the network under which files are scored.
const PredictionFiles = "predictions"

// ScoreParams say what is compared with the labels: networks, or the label files of
// another program.
type ScoreParams struct {
	Load     LoadParams
	Networks []NetworkParams
	// Predictions is a folder of label PNGs, looked for by the name of the image.
	Predictions string
	// Pictures is the folder of the sheets of the first Pictured images of the first plan.
	Pictures string
	Pictured int
}

// Score segments every image, or reads what another program made of it, and counts
// how it agrees with the label at the label's size. It returns the sum of the counts
// of each network, one line of JSON an image and network, and the rejects.
//
// PCollection<Plan> -> PCollection<KV<string, metrics.Tally>>, PCollection<string>,
// PCollection<shards.Reject>.
func Score(s beam.Scope, p ScoreParams, plans beam.PCollection) (tallies, rows, rejects beam.PCollection) {
	s = s.Scope("stages.Score")
	stems := beam.SideInput{Input: beam.ParDo(s, stemsOf, plans)}
	tallies, rows, rejects = beam.ParDo3(s, &scoreFn{Params: p}, plans, stems)
	return beam.CombinePerKey(s, &sumTallies{}, tallies), rows, rejects
}

// stemsOf names the images of a plan, so that a file is known to be of another one.
func stemsOf(plan Plan, emit func(string)) {
	for _, s := range plan.Samples {
		emit(stemOf(s.Ref.Image))
	}
}

// ImageScore is one line of [ScoresFile].
type ImageScore struct {
	Key     string `json:"key"`
	Image   string `json:"image"`
	Network string `json:"network"`
	// MIoU is over the classes that occur in the image.
	MIoU          metrics.Fraction `json:"miou"`
	PixelAccuracy metrics.Fraction `json:"pixel_accuracy"`
	Pixels        uint64           `json:"pixels"`
}

type scoreFn struct {
	Params ScoreParams

	segmenter *segmenter
	files     map[string][]string // of Predictions, by the begin of their names
}

// Setup opens the networks, or lists the predictions.
func (f *scoreFn) Setup(ctx context.Context) (err error) {
	if f.segmenter, err = newSegmenter(ctx, f.Params.Load, f.Params.Networks); err != nil {
		return err
	}
	if f.Params.Predictions != "" {
		f.files, err = listPredictions(ctx, f.Params.Predictions)
	}
	return err
}

// ProcessElement scores the images of one plan.
func (f *scoreFn) ProcessElement(ctx context.Context, plan Plan, stem func(*string) bool, emit func(string, metrics.Tally), row func(string), reject func(shards.Reject)) error {
	var names []string
	for _, n := range f.Params.Networks {
		names = append(names, n.Network)
	}
	if f.Params.Predictions != "" {
		names = []string{PredictionFiles}
	}
	k := f.Params.Load.Classes.Len()
	sums := make([]metrics.Tally, len(names))
	for i := range sums {
		sums[i].Confusion = metrics.NewConfusion(k)
	}
	images := map[string]bool{}
	for name := ""; stem(&name); {
		images[name] = true
	}
	var mu sync.Mutex
	var later atomic.Int64 // rejects of this stage: counters are for one goroutine
	rows, rejects := map[int][]ImageScore{}, map[int]shards.Reject{}
	err := f.segmenter.each(ctx, plan, nil, func(ctx context.Context, n int, image *loaded, predictions []infer.Prediction) error {
		fail := func(stage string, err error) error {
			mu.Lock()
			defer mu.Unlock()
			rejects[n] = rejectOf(image.ref, stage, err)
			return nil
		}
		if image.err != nil {
			return fail(image.stage, image.err)
		}
		ones := make([]metrics.Tally, len(names))
		var drawn []byte
		err := guard(ctx, "score", image.ref, func() (err error) {
			if image.truth == nil {
				return fmt.Errorf("there is no label to compare with")
			}
			if f.Params.Predictions != "" {
				tools := f.segmenter.loader.tools.Get().(*loadTools)
				defer f.segmenter.loader.tools.Put(tools)
				prediction, err := f.read(ctx, tools, image, images)
				if err != nil {
					return err
				}
				predictions = []infer.Prediction{{Label: prediction}}
			}
			for i := range ones {
				ones[i].Confusion = metrics.NewConfusion(k)
				if err := ones[i].Add(image.truth.Pix, predictions[i].Label, predictions[i].Confidence); err != nil {
					return err
				}
			}
			if n < f.Params.Pictured && strings.HasSuffix(plan.Name, firstPlan) {
				drawn, err = f.picture(image, predictions[0])
			}
			return err
		})
		if err := ofRun(ctx, err); err != nil {
			return err
		}
		if err != nil {
			later.Add(1)
			return fail("score", err)
		}
		mu.Lock()
		for i, name := range names {
			rows[n] = append(rows[n], scoreOf(image.ref, name, ones[i].Confusion))
			err = errors.Join(err, sums[i].Merge(ones[i]))
		}
		mu.Unlock()
		if err == nil && drawn != nil {
			err = store.WriteFile(ctx, f.Params.Pictures+"/"+image.ref.Key+".png", drawn)
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("stages: score %s: %w", plan.Name, err)
	}
	beam.NewCounter(Namespace, Rejects).Inc(ctx, later.Load())
	for i, name := range names {
		emit(name, sums[i])
	}
	for _, n := range slices.Sorted(maps.Keys(rows)) {
		for _, r := range rows[n] {
			data, err := json.Marshal(r)
			if err != nil {
				return err
			}
			row(string(data))
		}
	}
	for _, n := range slices.Sorted(maps.Keys(rejects)) {
		reject(rejects[n])
	}
	return nil
}

func scoreOf(ref semidavil.Ref, network string, c metrics.Confusion) ImageScore {
	all := make([]int, c.Classes)
	occurs := []int{}
	s := ImageScore{Key: ref.Key, Image: ref.Image, Network: network}
	for k := range all {
		all[k] = k
		if n := c.Pixels(k); n > 0 {
			occurs = append(occurs, k)
			s.Pixels += n
		}
	}
	s.MIoU, s.PixelAccuracy = metrics.Fraction(metrics.Mean(c.IoU(), occurs)), metrics.Fraction(c.PixelAccuracy(all))
	return s
}

// picture draws image, truth, prediction and confidence of one image.
func (f *scoreFn) picture(image *loaded, p infer.Prediction) ([]byte, error) {
	row := sheet.Sample{Name: image.ref.Key, Caption: image.caption, Image: image.image, Truth: image.truth, Confidence: p.Confidence,
		Prediction: &semidavil.LabelMap{W: image.truth.W, H: image.truth.H, Pix: p.Label}}
	drawn, err := sheet.Draw(sheet.Options{Set: f.Params.Load.Classes}, []sheet.Sample{row})
	if err != nil {
		return nil, err
	}
	return sheet.PNG(drawn)
}

// sumTallies adds up counts.
type sumTallies struct{}

// MergeAccumulators adds two sums. Counts that do not fit together are a fault of the
// program.
func (sumTallies) MergeAccumulators(a, b metrics.Tally) metrics.Tally {
	var sum metrics.Tally // neither argument may change
	for _, t := range []metrics.Tally{a, b} {
		if t.Confusion.Classes == 0 {
			continue
		}
		if err := sum.Merge(t); err != nil {
			panic(err)
		}
	}
	return sum
}

func encodeTally(t metrics.Tally) ([]byte, error) { return json.Marshal(t) }

func decodeTally(data []byte) (t metrics.Tally, err error) { return t, json.Unmarshal(data, &t) }
