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

	"semidavil"
	"semidavil/internal/store"
	"semidavil/model/infer"
	"semidavil/stages/counters"
	"semidavil/stages/inference"
	"semidavil/stages/plans"
	"semidavil/stages/rejects"
	"semidavil/transforms/pseudo"
	"semidavil/transforms/shards"
)

func init() {
	beam.RegisterType(reflect.TypeFor[Predicted]())
	beam.RegisterType(reflect.TypeFor[PredictedImage]())
	beam.RegisterCoder(reflect.TypeFor[pseudo.Histogram](), encodeHistogram, decodeHistogram)
	beam.RegisterDoFn(reflect.TypeFor[predictFn]())
}

// PredictionsFolder holds, below the output of pseudolabel, what the network said of
// every image: thresholds can be changed without asking it again.
const PredictionsFolder = "predictions"

// PredictParams say which network segments which images.
type PredictParams struct {
	Load    inference.LoadParams
	Network inference.NetworkParams
	// Output is the folder of the output.
	Output string
	// Config is the fingerprint of all that decides a prediction but the image: one of
	// another is remade.
	Config string
}

// Predicted are the finished predictions of one plan.
type Predicted struct {
	Name   string
	Images []PredictedImage
}

// PredictedImage is one image whose prediction is stored.
type PredictedImage struct {
	Key   string
	Image string
	// SHA256 is that of the image's file, in hexadecimal digits; empty where it is not known.
	SHA256 string
	// Place is the path of its files below a folder of the output, without their
	// endings.
	Place string
}

// ref is what of the image's reference is known behind Predict.
func (p PredictedImage) ref() semidavil.Ref { return semidavil.Ref{Key: p.Key, Image: p.Image} }

// Predict segments every image and keeps the two most probable classes of each pixel
// with their probabilities in one file per image. A file that an earlier run wrote of
// the same image with the same network is not made again. The histograms count the
// confidences of each plan.
//
// PCollection<Plan> -> PCollection<Predicted>, PCollection<pseudo.Histogram>,
// PCollection<shards.Reject>.
func Predict(s beam.Scope, p PredictParams, planned beam.PCollection) (predicted, histograms, rejected beam.PCollection) {
	s = s.Scope("stages.Predict")
	return beam.ParDo3(s, &predictFn{Params: p}, planned)
}

func encodeHistogram(h pseudo.Histogram) ([]byte, error) { return h.MarshalBinary() }

func decodeHistogram(data []byte) (h pseudo.Histogram, err error) { return h, h.UnmarshalBinary(data) }

type predictFn struct {
	Params PredictParams

	segmenter *inference.Segmenter
}

// Setup opens the network, once per process.
func (f *predictFn) Setup(ctx context.Context) (err error) {
	f.Params.Network.Second = true
	f.segmenter, err = inference.Open(ctx, f.Params.Load, []inference.NetworkParams{f.Params.Network})
	return err
}

// predictStage is where an image is rejected whose prediction cannot be kept.
const predictStage = "predict"

// planPrediction is the state of one plan in progress.
type planPrediction struct {
	mu        sync.Mutex
	images    []PredictedImage
	rejects   []shards.Reject
	histogram pseudo.Histogram
}

func (p *planPrediction) add(ref semidavil.Ref, prediction pseudo.Prediction) error {
	_, digest, _ := strings.Cut(prediction.Tag, " ")
	p.mu.Lock()
	defer p.mu.Unlock()
	if err := p.histogram.Add(prediction); err != nil { // before it counts anything
		return err
	}
	p.images = append(p.images, PredictedImage{ref.Key, ref.Image, digest, placeOf(ref)})
	return nil
}

func (p *planPrediction) reject(ref semidavil.Ref, stage string, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.rejects = append(p.rejects, rejects.Of(ref, stage, err))
}

// ProcessElement predicts the images of one plan.
func (f *predictFn) ProcessElement(ctx context.Context, plan plans.Plan, emit func(Predicted), count func(pseudo.Histogram), reject func(shards.Reject)) error {
	p := &planPrediction{histogram: pseudo.NewHistogram(f.Params.Load.Classes.Len())}
	var reused int
	var fault error // of looking at old predictions
	wanted := func(s plans.Sample) bool {
		var old pseudo.Prediction
		var found bool
		if fault != nil {
			return false // the plan fails
		}
		if checkPlace(placeOf(s.Ref)) != nil {
			return true // it is rejected below
		}
		// An old prediction with any fault is remade.
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
	err := f.segmenter.Each(ctx, plan, wanted, func(ctx context.Context, _ int, image *inference.Image, predictions []infer.Prediction) error {
		if image.Err != nil {
			p.reject(image.Ref, image.Stage, image.Err)
			return nil
		}
		var made pseudo.Prediction
		var data []byte
		err := guard(ctx, predictStage, image.Ref, func() (err error) {
			if err = checkPlace(placeOf(image.Ref)); err == nil {
				made, data, err = f.encode(plan, image, predictions[0])
			}
			return err
		})
		if err != nil {
			p.reject(image.Ref, predictStage, err)
			return nil
		}
		if err := store.WriteFile(ctx, predictionFile(f.Params.Output, placeOf(image.Ref)), data); err != nil {
			return err
		}
		return p.add(image.Ref, made)
	})
	if err = errors.Join(err, fault); err != nil {
		return fmt.Errorf("stages: predict %s: %w", plan.Name, err)
	}
	counters.Add(ctx, counters.Predictions, reused)
	counters.AddDone(ctx, reused)
	slices.SortFunc(p.images, func(a, b PredictedImage) int { return cmp.Compare(a.Key, b.Key) })
	slices.SortFunc(p.rejects, func(a, b shards.Reject) int { return cmp.Compare(a.Key, b.Key) })
	for _, r := range p.rejects {
		if r.Stage == predictStage { // the segmenter has counted the others
			counters.Add(ctx, counters.Rejects, 1)
		}
		reject(r)
	}
	emit(Predicted{plan.Name, p.images})
	count(p.histogram)
	return nil
}

// encode makes the file of a prediction.
func (f *predictFn) encode(plan plans.Plan, image *inference.Image, p infer.Prediction) (pseudo.Prediction, []byte, error) {
	made, err := pseudo.NewPrediction(image.Width, image.Height, p.Label, p.Second, p.Confidence, p.SecondConfidence)
	if err != nil {
		return made, nil, fmt.Errorf("%s: %w", image.Ref.Image, err)
	}
	made.Tag = f.tag(plan, image.Ref, image.Caption) + " " + image.SHA256
	data, err := pseudo.Encode(made)
	if err != nil {
		return made, nil, fmt.Errorf("%s: %w", image.Ref.Image, err)
	}
	return made, data, nil
}

// tag stands for what a prediction depends on, except the contents of an image file of
// the same size. Behind it a stored prediction has a space and the SHA-256 of that, which is not
// read again for it; those of programs before it have neither.
func (f *predictFn) tag(plan plans.Plan, ref semidavil.Ref, caption string) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%s\x00%s\x00%s\x00%s\x00%d\x00%s", f.Params.Config, plan.Digest, ref.Key, ref.Image, ref.Bytes, caption))
	return hex.EncodeToString(sum[:16])
}

// finished reads the prediction that an earlier run stored, unless that is damaged, of
// something else, or older than the image.
func (f *predictFn) finished(ctx context.Context, plan plans.Plan, s plans.Sample) (p pseudo.Prediction, found bool, err error) {
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
	tag, err := pseudo.DecodeTag(data)
	if tag, _, _ := strings.Cut(tag, " "); err != nil || tag != f.tag(plan, ref, s.Caption) {
		return p, false, nil
	}
	p, err = pseudo.Decode(data)
	return p, err == nil, nil
}

// checkPlace refuses places below an output that no file system has or that lead out of
// it. The longest of the endings is that of a label.
func checkPlace(place string) error {
	if n := len(path.Base(place)) + len(pseudo.TrainIDsEnding); n > 255 {
		return fmt.Errorf("the name is too long: with %s it has %d bytes, at most 255 are possible", pseudo.TrainIDsEnding, n)
	}
	_, err := store.Join("/", place+pseudo.TrainIDsEnding, store.FollowLinks)
	return err
}

func predictionFile(output, place string) string {
	return output + "/" + PredictionsFolder + "/" + place + ".prediction"
}

// placeOf is where the files of an image go: under the image's path, or, for a sample of a
// shard, under its key.
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
