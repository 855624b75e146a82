package stages

import (
	"compress/flate"
	"context"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/apache/beam/sdks/v2/go/pkg/beam"

	"semidavil"
	"semidavil/internal/store"
	"semidavil/model/infer"
	"semidavil/stages/counters"
	"semidavil/stages/inference"
	"semidavil/stages/plans"
	"semidavil/stages/predictionfiles"
	"semidavil/stages/rejects"
	"semidavil/transforms/metrics"
	"semidavil/transforms/pixels"
	"semidavil/transforms/pixels/fastpng"
	"semidavil/transforms/pseudo"
	"semidavil/transforms/report/sheet"
	"semidavil/transforms/shards"
)

func init() {
	beam.RegisterType(reflect.TypeFor[metrics.Tally]())
	registerJSON[metrics.Tally]()
	registerJSON[ImageScore]()
	beam.RegisterDoFn(reflect.TypeFor[scoreFn]())
	beam.RegisterDoFn(stemsOf)
	beam.RegisterType(reflect.TypeFor[sumTallies]())
}

// firstPlan ends the name of the first plan of a subset.
const firstPlan = "-00000"

// PredictionFiles is the name of the network under which files are scored.
const PredictionFiles = "predictions"

// ScoreParams say what is compared with the labels: networks, or the label files of
// another program.
type ScoreParams struct {
	Load     inference.LoadParams
	Networks []inference.NetworkParams
	// Predictions is a folder of label PNGs, looked for by the name of the image.
	Predictions string
	// Pictures is the folder of the sheets of the first Pictured images of the first plan.
	Pictures string
	Pictured int
	// Labels, unless empty, is the folder of the label files of what the first network predicts.
	Labels string
}

// Score segments every image, or reads the prediction of another program, and counts
// how it agrees with the label at the label's size. It returns the sum of the counts
// of each network, the scores of each image and network, and the rejects. Where plans have
// further captions, a network counts once more with each kind of them; the key of these sums is
// NETWORK/KIND.
//
// PCollection<Plan> -> PCollection<KV<string, metrics.Tally>>, PCollection<ImageScore>,
// PCollection<shards.Reject>.
func Score(s beam.Scope, p ScoreParams, planned beam.PCollection) (tallies, scores, rejected beam.PCollection) {
	s = s.Scope("stages.Score")
	stems := beam.SideInput{Input: beam.ParDo(s, stemsOf, planned)}
	tallies, scores, rejected = beam.ParDo3(s, &scoreFn{Params: p}, planned, stems)
	return beam.CombinePerKey(s, &sumTallies{}, tallies), scores, rejected
}

// stemsOf names the images of a plan, so that a file is known to be of another one.
func stemsOf(plan plans.Plan, emit func(string)) {
	for _, s := range plan.Samples {
		emit(predictionfiles.Stem(s.Ref.Image))
	}
}

// ImageScore is one line of [ScoresFile].
type ImageScore struct {
	Key     string `json:"key"`
	Image   string `json:"image"`
	Network string `json:"network"`
	// Captions is the kind of captions that the network read, empty for the image's own, and
	// CaptionOf the key of the image that the caption is of, where it is of another one.
	Captions  string `json:"captions,omitempty"`
	CaptionOf string `json:"caption_of,omitempty"`
	// MIoU is over the classes that occur in the image.
	MIoU          metrics.Fraction `json:"miou"`
	PixelAccuracy metrics.Fraction `json:"pixel_accuracy"`
	Pixels        uint64           `json:"pixels"`
	// EXIF says how the EXIF orientations of what is compared differ, where sizes do not show
	// which is meant: of image and label, or of label and prediction.
	EXIF string `json:"exif,omitempty"`
}

type scoreFn struct {
	Params ScoreParams

	segmenter *inference.Segmenter
	files     *predictionfiles.Folder // of Predictions
}

// Setup opens the networks, or lists the predictions.
func (f *scoreFn) Setup(ctx context.Context) (err error) {
	if f.segmenter, err = inference.Open(ctx, f.Params.Load, f.Params.Networks); err != nil {
		return err
	}
	if f.Params.Predictions != "" {
		f.files, err = predictionfiles.Open(ctx, f.Params.Predictions)
	}
	return err
}

// ProcessElement scores the images of one plan.
func (f *scoreFn) ProcessElement(ctx context.Context, plan plans.Plan, stem func(*string) bool, emit func(string, metrics.Tally), score func(ImageScore), reject func(shards.Reject)) error {
	names := f.names(plan)
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
	var later, byIDs, byTrainIDs atomic.Int64 // counters are for one goroutine; later are rejects of this stage
	scores, rejected := map[int][]ImageScore{}, map[int]shards.Reject{}
	err := f.segmenter.Each(ctx, plan, nil, func(ctx context.Context, n int, image *inference.Image, predictions []infer.Prediction) error {
		fail := func(stage string, err error) error {
			mu.Lock()
			defer mu.Unlock()
			rejected[n] = rejects.Of(image.Ref, stage, err)
			return nil
		}
		if image.Err != nil {
			return fail(image.Stage, image.Err)
		}
		ones := make([]metrics.Tally, len(names))
		var drawn, label []byte
		exif := image.EXIF
		err := rejects.Guard(ctx, "score", image.Ref, func() (err error) {
			if image.Truth == nil {
				return fmt.Errorf("there is no label to compare with")
			}
			if f.Params.Predictions != "" {
				prediction, err := f.files.Read(ctx, image.Ref, image.Truth.W, image.Truth.H, f.Params.Load.Classes, images)
				if err != nil {
					return err
				}
				exif = pixels.Doubtful("label", image.LabelTurned, "prediction", prediction.Turned, image.Truth.W, image.Truth.H)
				if prediction.ByIDs {
					byIDs.Add(1)
				} else {
					byTrainIDs.Add(1)
				}
				predictions = []infer.Prediction{{Label: prediction.Pix}}
			}
			if len(predictions) != len(names) {
				return fmt.Errorf("there are %d predictions of %d kinds: its captions are not those of its plan", len(predictions), len(names))
			}
			for i := range ones {
				ones[i].Confusion = metrics.NewConfusion(k)
				if err := ones[i].Add(image.Truth.Pix, predictions[i].Label, predictions[i].Confidence); err != nil {
					return err
				}
			}
			if n < f.Params.Pictured && strings.HasSuffix(plan.Name, firstPlan) {
				if drawn, err = f.picture(image, predictions[0]); err != nil {
					return err
				}
			}
			if f.Params.Labels != "" {
				if err = checkPlace(placeOf(image.Ref)); err == nil {
					label, err = new(fastpng.Encoder).EncodeGrayPNG(nil, image.Truth.W, image.Truth.H, predictions[0].Label, flate.BestSpeed)
				}
			}
			return err
		})
		if err := rejects.OfRun(ctx, err); err != nil {
			return err
		}
		if err != nil {
			later.Add(1)
			return fail("score", err)
		}
		mu.Lock()
		for i, name := range names {
			network, captions := splitName(name)
			s := scoreOf(image.Ref, network, exif, ones[i].Confusion)
			s.Captions = captions
			if s.Captions != "" {
				s.CaptionOf = image.Further[i%(1+len(image.Further))-1].Of
			}
			scores[n] = append(scores[n], s)
			err = errors.Join(err, sums[i].Merge(ones[i]))
		}
		mu.Unlock()
		if err == nil && drawn != nil {
			err = store.WriteFile(ctx, f.Params.Pictures+"/"+image.Ref.Key+".png", drawn)
		}
		if err == nil && label != nil {
			err = store.WriteFile(ctx, f.Params.Labels+"/"+placeOf(image.Ref)+pseudo.TrainIDsEnding, label)
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("stages: score %s: %w", plan.Name, err)
	}
	counters.Add(ctx, counters.Rejects, int(later.Load()))
	counters.Add(ctx, counters.ByIDs, int(byIDs.Load()))
	counters.Add(ctx, counters.ByTrainIDs, int(byTrainIDs.Load()))
	for i, name := range names {
		emit(name, sums[i])
	}
	for _, n := range slices.Sorted(maps.Keys(scores)) {
		for _, s := range scores[n] {
			score(s)
		}
	}
	for _, n := range slices.Sorted(maps.Keys(rejected)) {
		reject(rejected[n])
	}
	return nil
}

// names are those of the predictions of each image of a plan: the networks, each followed by
// its readings of further captions.
func (f *scoreFn) names(plan plans.Plan) (names []string) {
	if f.Params.Predictions != "" {
		return []string{PredictionFiles}
	}
	for _, n := range f.Params.Networks {
		names = append(names, n.Network)
		if len(plan.Further) == 0 {
			continue
		}
		for _, c := range plan.Further[0].Captions {
			names = append(names, n.Network+"/"+c.Kind)
		}
	}
	return names
}

// splitName parts a name into that of the network and the kind of captions.
func splitName(name string) (network, captions string) {
	network, captions, _ = strings.Cut(name, "/")
	return network, captions
}

func scoreOf(ref semidavil.Ref, network, exif string, c metrics.Confusion) ImageScore {
	all := make([]int, c.Classes)
	occurs := []int{}
	s := ImageScore{Key: ref.Key, Image: ref.Image, Network: network, EXIF: exif}
	for k := range all {
		all[k] = k
		if n := c.Pixels(k); n > 0 {
			occurs = append(occurs, k)
			s.Pixels += n
		}
	}
	s.MIoU, s.PixelAccuracy = c.Over(occurs).MIoU, c.Over(all).PixelAccuracy
	return s
}

// picture draws image, truth, prediction and confidence of one image.
func (f *scoreFn) picture(image *inference.Image, p infer.Prediction) ([]byte, error) {
	row := sheet.Sample{Name: image.Ref.Key, Caption: image.Caption, Image: image.Pixels, Truth: image.Truth, Confidence: p.Confidence,
		Prediction: &semidavil.LabelMap{W: image.Truth.W, H: image.Truth.H, Pix: p.Label}}
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
