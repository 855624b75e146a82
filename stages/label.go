package stages

import (
	"context"
	"fmt"
	"reflect"
	"runtime"
	"sync"

	"github.com/apache/beam/sdks/v2/go/pkg/beam"
	"golang.org/x/sync/errgroup"

	"semidavil"
	"semidavil/internal/store"
	"semidavil/stages/counters"
	"semidavil/stages/rejects"
	"semidavil/transforms/pixels/fastpng"
	"semidavil/transforms/pseudo"
	"semidavil/transforms/shards"
)

func init() {
	registerJSON[LabelPart]()
	beam.RegisterDoFn(reflect.TypeFor[labelFn]())
}

// LabelsFolder holds the pseudo-labels below the output of pseudolabel.
const LabelsFolder = "labels"

// LabelParams say what is written.
type LabelParams struct {
	Output  string
	Classes semidavil.ClassSet
	// Confidence writes the confidences too.
	Confidence  bool
	Compression fastpng.Level
}

// LabelPart are the finished labels of one plan.
type LabelPart struct {
	Rows []LabelRow
	// Rejects are the images that could not be labelled.
	Rejects []shards.Reject
	Stats   pseudo.Stats
}

// Label applies the thresholds to the stored predictions and writes label PNGs. Those
// that an earlier run wrote with the same thresholds stay as they are.
//
// PCollection<Predicted>, PCollection<Thresholds> with one element ->
// PCollection<LabelPart>.
func Label(s beam.Scope, p LabelParams, predicted, thresholds beam.PCollection) beam.PCollection {
	s = s.Scope("stages.Label")
	return beam.ParDo(s, &labelFn{Params: p}, beam.Reshuffle(s, predicted), beam.SideInput{Input: thresholds})
}

type labelFn struct{ Params LabelParams }

// labelSlots bounds the images in progress at once in a process, and with them the memory.
var labelSlots = make(chan struct{}, runtime.GOMAXPROCS(0))

// ProcessElement labels the images of one plan.
func (f *labelFn) ProcessElement(ctx context.Context, predicted Predicted, thresholds Thresholds, emit func(LabelPart)) error {
	rows, faults := make([]LabelRow, len(predicted.Images)), make([]error, len(predicted.Images))
	stats := pseudo.NewStats(thresholds.Values)
	var mu sync.Mutex
	group, inner := errgroup.WithContext(ctx)
	group.SetLimit(cap(labelSlots))
	for i, image := range predicted.Images {
		group.Go(func() error {
			select {
			case labelSlots <- struct{}{}:
				defer func() { <-labelSlots }()
			case <-inner.Done():
				return inner.Err()
			}
			var failed error // of the storage: a fault of the run
			faults[i] = guard(inner, "label", image.ref(), func() error {
				made, err := f.label(inner, image, thresholds)
				if err != nil {
					failed = made.failed
					return err
				}
				rows[i] = rowOf(image, made.label)
				mu.Lock()
				defer mu.Unlock()
				return stats.Add(made.prediction, made.label)
			})
			if failed != nil {
				return fmt.Errorf("stages: label %s: %w", image.Image, failed)
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return err
	}
	part := LabelPart{Stats: stats}
	for i, image := range predicted.Images {
		if faults[i] != nil {
			part.Rejects = append(part.Rejects, rejects.Of(image.ref(), "label", faults[i]))
			continue
		}
		part.Rows = append(part.Rows, rows[i])
	}
	counters.Add(ctx, counters.Rejects, len(part.Rejects))
	counters.Add(ctx, counters.Labelled, len(part.Rows))
	emit(part)
	return nil
}

func rowOf(image PredictedImage, label *semidavil.LabelMap) LabelRow {
	kept := 0
	for _, v := range label.Pix {
		if v != semidavil.Ignore {
			kept++
		}
	}
	return LabelRow{Key: image.Key, Image: image.Image, SHA256: image.SHA256, Label: LabelsFolder + "/" + image.Place + pseudo.TrainIDsEnding, Width: label.W, Height: label.H,
		Kept: float64(kept) / float64(len(label.Pix))}
}

// madeLabel is the label of one image, or in failed the error of the storage that kept
// it from being made.
type madeLabel struct {
	prediction pseudo.Prediction
	label      *semidavil.LabelMap
	failed     error
}

// label writes the files of one image, unless they are there.
func (f *labelFn) label(ctx context.Context, image PredictedImage, thresholds Thresholds) (made madeLabel, err error) {
	stored := func(err error) (madeLabel, error) { return madeLabel{failed: err}, err }
	name := predictionFile(f.Params.Output, image.Place)
	info, err := store.Stat(ctx, name)
	if err != nil {
		return stored(err)
	}
	data, err := store.ReadFile(ctx, name, 0)
	if err != nil {
		return stored(err)
	}
	if made.prediction, err = pseudo.Decode(data); err != nil {
		return made, err
	}
	if made.label, err = pseudo.Apply(made.prediction, thresholds.Values); err != nil {
		return made, err
	}
	base := f.Params.Output + "/" + LabelsFolder + "/" + image.Place
	if f.finished(ctx, base, max(thresholds.Written, info.ModTime.UnixNano())) {
		return made, nil
	}
	files, err := f.files(made.prediction, made.label)
	if err != nil {
		return made, err
	}
	for _, file := range files {
		if err := store.WriteFile(ctx, base+file.name, file.data); err != nil {
			return stored(err)
		}
	}
	return made, nil
}

// finished reports whether all files of one image are there and none is older than since,
// in Unix nanoseconds.
func (f *labelFn) finished(ctx context.Context, base string, since int64) bool {
	endings := []string{pseudo.TrainIDsEnding, pseudo.IDsEnding, pseudo.ColourEnding}
	if f.Params.Confidence {
		endings = append(endings, pseudo.ConfidenceEnding)
	}
	for _, ending := range endings {
		if made, err := store.Stat(ctx, base+ending); err != nil || made.ModTime.UnixNano() < since {
			return false
		}
	}
	return true
}

// files makes the pictures of one image, the train ids last.
func (f *labelFn) files(p pseudo.Prediction, label *semidavil.LabelMap) (out []namedFile, err error) {
	var encoder fastpng.Encoder
	add := func(name string, data []byte, e error) {
		if err == nil {
			err = e
		}
		out = append(out, namedFile{name, data})
	}
	gray := func(name string, pix []uint8) {
		data, err := encoder.EncodeGrayPNG(nil, p.W, p.H, pix, f.Params.Compression)
		add(name, data, err)
	}
	if f.Params.Confidence {
		gray(pseudo.ConfidenceEnding, pseudo.Confidence8(p))
	}
	colour, e := encoder.EncodePNG(nil, pseudo.Colour(label, f.Params.Classes), f.Params.Compression)
	add(pseudo.ColourEnding, colour, e)
	ids, e := pseudo.IDs(label, f.Params.Classes)
	if e != nil {
		return nil, e
	}
	gray(pseudo.IDsEnding, ids)
	gray(pseudo.TrainIDsEnding, label.Pix)
	return out, err
}
