package stages

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"reflect"
	"slices"
	"strings"
	"sync"

	"github.com/apache/beam/sdks/v2/go/pkg/beam"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/register"

	"semidavil"
	"semidavil/internal/store"
	"semidavil/model/infer"
	"semidavil/transforms/pseudo"
	"semidavil/transforms/shards"
)

func init() {
	beam.RegisterType(reflect.TypeFor[Predicted]())
	beam.RegisterType(reflect.TypeFor[PredictedImage]())
	register.DoFn4x1[context.Context, Plan, func(Predicted), func(shards.Reject), error](&predictFn{})
	register.Emitter1[Predicted]()
}

// PredictionsFolder holds, below the output of pseudolabel, what the network said of
// every image: thresholds can be changed without asking it again.
const PredictionsFolder = "predictions"

// Predictions counts images that earlier runs had predicted.
const Predictions = "predictions_reused"

// PredictParams say which network looks at which images.
type PredictParams struct {
	Load    LoadParams
	Network NetworkParams
	// Output is the folder of the output.
	Output string
	// Config is the fingerprint of all that decides a prediction but the image: one of
	// another is made anew.
	Config string
}

// Predicted are the finished predictions of one plan.
type Predicted struct {
	Name   string
	Images []PredictedImage
	// Histogram is the pseudo.Histogram of these images.
	Histogram []byte
}

// PredictedImage is one image whose prediction is stored.
type PredictedImage struct {
	Key   string
	Image string
	// Place is the path of its files below a folder of the output, without their
	// endings.
	Place string
}

// Predict segments every image and keeps the two most probable classes of each pixel
// with their probabilities in one file an image. A file that an earlier run wrote of
// the same image with the same network is not made again.
//
// PCollection<Plan> -> PCollection<Predicted>, PCollection<shards.Reject>.
func Predict(s beam.Scope, p PredictParams, plans beam.PCollection) (predicted, rejects beam.PCollection) {
	s = s.Scope("stages.Predict")
	return beam.ParDo2(s, &predictFn{Params: p}, plans)
}

type predictFn struct {
	Params PredictParams

	segmenter *segmenter
}

// Setup opens the network, once a process.
func (f *predictFn) Setup(ctx context.Context) (err error) {
	f.Params.Network.Second = true
	f.segmenter, err = newSegmenter(ctx, f.Params.Load, []NetworkParams{f.Params.Network})
	return err
}

// predictStage is where an image is rejected whose prediction cannot be kept.
const predictStage = "predict"

// planPrediction is the state of one plan in work.
type planPrediction struct {
	mu        sync.Mutex
	images    []PredictedImage
	rejects   []shards.Reject
	histogram pseudo.Histogram
}

func (p *planPrediction) add(ref semidavil.Ref, prediction pseudo.Prediction) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if err := p.histogram.Add(prediction); err != nil { // before it counts anything
		return err
	}
	p.images = append(p.images, PredictedImage{ref.Key, ref.Image, placeOf(ref)})
	return nil
}

func (p *planPrediction) reject(ref semidavil.Ref, stage string, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.rejects = append(p.rejects, rejectOf(ref, stage, err))
}

// ProcessElement predicts the images of one plan.
func (f *predictFn) ProcessElement(ctx context.Context, plan Plan, emit func(Predicted), reject func(shards.Reject)) error {
	p := &planPrediction{histogram: pseudo.NewHistogram(f.Params.Load.Classes.Len())}
	var reused int64
	var fault error // of looking at old predictions
	wanted := func(s PlannedSample) bool {
		var old pseudo.Prediction
		var found bool
		if fault != nil {
			return false // the plan fails
		}
		if checkPlace(placeOf(s.Ref)) != nil {
			return true // it is rejected below
		}
		// Whatever is wrong with an old prediction, it is made again.
		broken := guard(ctx, "reuse", s.Ref, func() (err error) {
			var failed error
			if old, found, failed = f.finished(ctx, plan, s); failed != nil {
				fault = cmp.Or(fault, failed)
			}
			if failed == nil && found {
				err = p.add(s.Ref, old)
			}
			return err
		})
		if broken != nil {
			return true
		}
		if found {
			reused++
		}
		return !found
	}
	err := f.segmenter.each(ctx, plan, wanted, func(ctx context.Context, _ int, image *loaded, predictions []infer.Prediction) error {
		if image.err != nil {
			p.reject(image.ref, image.stage, image.err)
			return nil
		}
		var made pseudo.Prediction
		var data []byte
		err := guard(ctx, predictStage, image.ref, func() (err error) {
			if err = checkPlace(placeOf(image.ref)); err == nil {
				made, data, err = f.encode(plan, image, predictions[0])
			}
			return err
		})
		if err != nil {
			p.reject(image.ref, predictStage, err)
			return nil
		}
		if err := store.WriteFile(ctx, predictionFile(f.Params.Output, placeOf(image.ref)), data); err != nil {
			return err
		}
		return p.add(image.ref, made)
	})
	if err = errors.Join(err, fault); err != nil {
		return fmt.Errorf("stages: predict %s: %w", plan.Name, err)
	}
	beam.NewCounter(Namespace, Predictions).Inc(ctx, reused)
	countDone(ctx, reused)
	slices.SortFunc(p.images, func(a, b PredictedImage) int { return cmp.Compare(a.Key, b.Key) })
	slices.SortFunc(p.rejects, func(a, b shards.Reject) int { return cmp.Compare(a.Key, b.Key) })
	for _, r := range p.rejects {
		if r.Stage == predictStage { // the segmenter has counted the others
			beam.NewCounter(Namespace, Rejects).Inc(ctx, 1)
		}
		reject(r)
	}
	histogram, err := p.histogram.MarshalBinary()
	if err != nil {
		return fmt.Errorf("stages: predict %s: %w", plan.Name, err)
	}
	emit(Predicted{plan.Name, p.images, histogram})
	return nil
}

// encode makes the file of a prediction.
func (f *predictFn) encode(plan Plan, image *loaded, p infer.Prediction) (pseudo.Prediction, []byte, error) {
	made, err := pseudo.NewPrediction(image.width, image.height, p.Label, p.Second, p.Confidence, p.SecondConfidence)
	if err != nil {
		return made, nil, fmt.Errorf("%s: %w", image.ref.Image, err)
	}
	made.Tag = f.tag(plan, image.ref, image.caption)
	data, err := pseudo.Encode(made)
	if err != nil {
		return made, nil, fmt.Errorf("%s: %w", image.ref.Image, err)
	}
	return made, data, nil
}

// tag stands for what a prediction depends on, except the contents of an image file of
// the same size.
func (f *predictFn) tag(plan Plan, ref semidavil.Ref, caption string) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%s\x00%s\x00%s\x00%s\x00%d\x00%s", f.Params.Config, plan.Digest, ref.Key, ref.Image, ref.Bytes, caption))
	return hex.EncodeToString(sum[:16])
}

// finished reads the prediction that an earlier run stored. One that is damaged, of
// something else, or older than the image counts for nothing.
func (f *predictFn) finished(ctx context.Context, plan Plan, s PlannedSample) (p pseudo.Prediction, found bool, err error) {
	ref := s.Ref
	name := predictionFile(f.Params.Output, placeOf(ref))
	info, err := store.Stat(ctx, name)
	if errors.Is(err, fs.ErrNotExist) {
		return p, false, nil
	}
	if err != nil || ref.Changed > info.ModTime.UnixNano() {
		return p, false, err
	}
	data, err := store.ReadFile(ctx, name, 0)
	if err != nil {
		return p, false, err
	}
	if tag, err := pseudo.DecodeTag(data); err != nil || tag != f.tag(plan, ref, s.Caption) {
		return p, false, nil
	}
	p, err = pseudo.Decode(data)
	return p, err == nil, nil
}

// checkPlace refuses places below an output that no file system has or that lead out of
// it. The longest of the endings is that of a label.
func checkPlace(place string) error {
	if n := len(path.Base(place)) + len(TrainIDsEnding); n > 255 {
		return fmt.Errorf("the name is too long: with %s it has %d bytes, at most 255 are possible", TrainIDsEnding, n)
	}
	_, err := store.Join("/", place+TrainIDsEnding, store.FollowLinks)
	return err
}

func predictionFile(output, place string) string {
	return output + "/" + PredictionsFolder + "/" + place + ".prediction"
}

// placeOf is where the files of an image go: beside one another as the images are, or,
// of a sample of a shard, under its key.
func placeOf(ref semidavil.Ref) string {
	if ref.Root == "" {
		return ref.Key
	}
	stem := strings.TrimSuffix(ref.Image, path.Ext(ref.Image))
	if ref.Dataset == "cityscapes" { // elsewhere x.png may lie beside x_leftImg8bit.png
		stem = strings.TrimSuffix(stem, "_leftImg8bit")
	}
	return strings.TrimPrefix(stem, "/")
}
