package stages

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"math"
	"reflect"
	"slices"
	"sync"

	"github.com/apache/beam/sdks/v2/go/pkg/beam"

	"semidavil"
	"semidavil/internal/store"
	"semidavil/model/infer"
	"semidavil/stages/captionstore"
	"semidavil/stages/inference"
	"semidavil/stages/plans"
	"semidavil/stages/predictionfiles"
	"semidavil/stages/rejects"
	"semidavil/transforms/metrics"
	"semidavil/transforms/pixels"
	"semidavil/transforms/pseudo"
	"semidavil/transforms/report"
	"semidavil/transforms/report/sheet"
)

func init() {
	registerJSON[PicturePart]()
	beam.RegisterDoFn(reflect.TypeFor[drawFn]())
}

// DrawSide is the greatest side of the pictures of images.
const DrawSide = 224

// layerSide and heatSide are those of labels and of confidences, and drawQuality is that of the
// JPEG: all pictures of an image together have about ten kilobytes.
const layerSide, heatSide, drawQuality = 160, 112, 55

// DrawParams say which images are drawn and what there is of them.
type DrawParams struct {
	// Load has DrawSide.
	Load   inference.LoadParams
	Of     OutputRef
	Choice Choice
	// Predictions is a folder of label files that an evaluation scored; it may be empty.
	Predictions string
}

// PicturePart holds the pictures of a plan, without those left out.
type PicturePart struct{ Pictures []report.Picture }

// Draw makes small pictures of the chosen images, of their labels, and of what an output predicts
// of them. With those of [Thumbnail] they are the only pixels that travel between stages.
//
// PCollection<Plan> -> PCollection<PicturePart>.
func Draw(s beam.Scope, p DrawParams, planned beam.PCollection) beam.PCollection {
	s = s.Scope("stages.Draw")
	return beam.ParDo(s, &drawFn{Params: p}, planned)
}

type drawFn struct {
	Params DrawParams

	segmenter *inference.Segmenter // without networks
	outcome   Outcome
	captions  map[string]string // of raw images, by key
	files     *predictionfiles.Folder
}

// Setup reads what the output says of all images.
func (f *drawFn) Setup(ctx context.Context) (err error) {
	if f.segmenter, err = inference.Open(ctx, f.Params.Load, nil); err != nil {
		return err
	}
	if f.outcome, err = ReadOutcome(ctx, f.Params.Of); err != nil {
		return err
	}
	f.captions = map[string]string{}
	if len(f.Params.Load.Sets) > 0 {
		rows, err := captionstore.ReadGiven(ctx, f.Params.Of.Folder+"/captions")
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		for key, row := range rows {
			f.captions[key] = row.Caption
		}
	}
	if f.Params.Predictions != "" {
		f.files, err = predictionfiles.Open(ctx, f.Params.Predictions)
	}
	return err
}

// ProcessElement draws the chosen images of a plan.
func (f *drawFn) ProcessElement(ctx context.Context, plan plans.Plan, emit func(PicturePart)) error {
	var mu sync.Mutex
	pictures := map[int]report.Picture{}
	wanted := func(s plans.Sample) bool { return f.Params.Choice.takes(s.Ref.Key, f.outcome) }
	stems := map[string]bool{} // as in Score: of images in shards the names are not known
	for _, s := range plan.Samples {
		stems[predictionfiles.Stem(s.Ref.Image)] = true
	}
	err := f.segmenter.Each(ctx, plan, wanted, func(ctx context.Context, n int, image *inference.Image, _ []infer.Prediction) error {
		p := report.Picture{Title: image.Ref.Image, Key: image.Ref.Key, Caption: image.Caption, Subset: string(plan.Subset)}
		if plan.Shard == "" {
			p.Caption = f.captions[image.Ref.Key]
			if image.Ref.Split != "" {
				p.Subset = image.Ref.Split
			}
		}
		p.Scores = slices.Clone(f.outcome.Images[image.Ref.Key].Scores)
		err := image.Err
		if err == nil {
			err = rejects.Guard(ctx, "draw", image.Ref, func() error { return f.draw(ctx, &p, image, stems) })
		}
		if err := rejects.OfRun(ctx, err); err != nil {
			return fmt.Errorf("stages: draw %s: %w", plan.Name, err)
		}
		for len(p.Scores) < len(f.outcome.Scores)+len(f.Params.Of.drawnScores()) {
			p.Scores = append(p.Scores, metrics.Fraction(math.NaN()))
		}
		if err != nil {
			p.JPEG, p.Fault = nil, rejects.BelowRoot(image.Ref.Root, err).Error()
		}
		mu.Lock()
		pictures[n] = p
		mu.Unlock()
		return nil
	})
	if err != nil {
		return err
	}
	var part PicturePart
	for _, n := range slices.Sorted(maps.Keys(pictures)) {
		part.Pictures = append(part.Pictures, pictures[n])
	}
	emit(part)
	return nil
}

// drawnScores are those that Draw adds to the outcome's.
func (o OutputRef) drawnScores() []string {
	if o.Command == "pseudolabel" {
		return []string{"mean confidence", "mIoU"}
	}
	return nil
}

// draw adds pictures, shares and scores to p.
func (f *drawFn) draw(ctx context.Context, p *report.Picture, image *inference.Image, stems map[string]bool) (err error) {
	p.Width, p.Height = image.Pixels.W, image.Pixels.H
	if p.JPEG, err = pixels.EncodeJPEG(nil, image.Pixels, drawQuality); err != nil {
		return err
	}
	add := func(name string, m *semidavil.LabelMap) error {
		if p.Shares == nil {
			p.Shares = sharesOf(m, f.Params.Load.Classes.Len())
		}
		return over(p, name, m.W, m.H, m.Pix, colours(f.Params.Load.Classes), layerSide)
	}
	if image.Truth != nil {
		if err := add("label", image.Truth); err != nil {
			return err
		}
	}
	if f.files != nil && image.Truth != nil {
		m := *image.Truth
		found, err := f.files.Read(ctx, image.Ref, m.W, m.H, f.Params.Load.Classes, stems)
		if err != nil {
			return err
		}
		m.Pix = found.Pix
		return add("prediction", &m)
	}
	if f.Params.Of.Command != "pseudolabel" {
		return nil
	}
	place := f.outcome.Images[image.Ref.Key].Place
	predicted, confidence := &semidavil.LabelMap{}, []uint16(nil)
	data, err := store.ReadFile(ctx, predictionFile(f.Params.Of.Folder, place), 0)
	if err == nil {
		var stored pseudo.Prediction
		if stored, err = pseudo.Decode(data); err != nil {
			return err
		}
		predicted, confidence = &semidavil.LabelMap{W: stored.W, H: stored.H, Pix: stored.Label}, stored.Confidence
		err = add("prediction", predicted)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) { // they may be deleted
		return err
	}
	if data, err = store.ReadFile(ctx, f.Params.Of.Folder+"/"+LabelsFolder+"/"+place+pseudo.TrainIDsEnding, 0); err != nil {
		return err
	}
	label, err := inference.DecodeTrainIDs(new(pixels.Codec), data, f.Params.Load.Classes)
	if err == nil {
		err = add("pseudo-label", label)
	}
	if err != nil || confidence == nil {
		return err
	}
	sum, levels := 0.0, make([]uint8, len(confidence))
	for i, q := range confidence {
		sum += float64(q)
		levels[i] = uint8(int(q) * len(heat) / pseudo.One)
	}
	p.Scores = append(p.Scores, metrics.Fraction(sum/float64(len(confidence))/pseudo.One))
	if m := image.Truth; m != nil && m.W == predicted.W && m.H == predicted.H {
		c := metrics.NewConfusion(f.Params.Load.Classes.Len())
		if err := c.Add(m.Pix, predicted.Pix); err != nil {
			return err
		}
		p.Scores = append(p.Scores, scoreOf(image.Ref, "", "", c).MIoU)
	}
	return over(p, "confidence", predicted.W, predicted.H, levels, heat, heatSide)
}

// over adds a layer to p.
func over(p *report.Picture, name string, w, h int, pix []uint8, colours [][3]uint8, side int) error {
	layer, err := report.NewLayer(name, w, h, pix, colours, side)
	p.Layers = append(p.Layers, layer)
	return err
}

// heat are the colours of the levels of confidence.
var heat = func() (out [][3]uint8) {
	for i := range 8 {
		out = append(out, sheet.Heat(float64(i)/7))
	}
	return out
}()

func colours(set semidavil.ClassSet) (out [][3]uint8) {
	for _, c := range set.Classes {
		out = append(out, c.Color)
	}
	return out
}

// sharesOf are those of the k classes, to a ten-thousandth; one that occurs has one at least.
func sharesOf(m *semidavil.LabelMap, k int) (out []report.Share) {
	var pixels [256]int
	for _, v := range m.Pix {
		pixels[v]++
	}
	for class, n := range pixels[:k] {
		if n > 0 {
			out = append(out, report.Share{Class: class, Share: max(1, math.Round(1e4*float64(n)/float64(len(m.Pix)))) / 1e4})
		}
	}
	return out
}
