package train

import (
	"context"
	"fmt"
	"math"
	"slices"

	"github.com/gomlx/gomlx/core/tensors"

	"semidavil"
	"semidavil/model/infer"
	"semidavil/model/params"
	"semidavil/transforms/metrics"
	"semidavil/transforms/report/sheet"
)

// Score is the result of an evaluation on the val subset, at the prepared size.
type Score struct {
	// MIoU is the mean intersection over union of the classes that occur, 0 to 1; 0
	// where no pixel is labelled.
	MIoU float64 `json:"miou"`
	// IoU is that of each class, -1 where a class occurs neither in labels nor in
	// predictions.
	IoU []float64 `json:"iou"`
	// PixelAccuracy is the share of labelled pixels that are right.
	PixelAccuracy float64 `json:"pixel_accuracy"`
	Images        int     `json:"images"`
}

// pictured is the number of val images shown on a prediction sheet.
const pictured = 4

// evaluate scores student and teacher, draws a sheet and keeps the best student.
func (t *trainer) evaluate(ctx context.Context, step int, all bool) (student, teacher Score, err error) {
	limit := t.EvaluateImages
	if all {
		limit = 0
	}
	student, rows, err := t.score(ctx, Student, Student, limit)
	if err != nil {
		return student, teacher, err
	}
	if t.Loader.Unlabelled > 0 {
		if teacher, _, err = t.score(ctx, Teacher, t.TeacherVision(), limit); err != nil {
			return student, teacher, err
		}
	}
	if student.Images == 0 {
		return student, teacher, nil
	}
	drawn, err := sheet.Draw(sheet.Options{Set: t.classes(), Title: sheet.Title(int64(step), student.MIoU)}, rows)
	if err != nil {
		return student, teacher, fmt.Errorf("train: draw predictions: %w", err)
	}
	picture, err := sheet.PNG(drawn)
	if err != nil {
		return student, teacher, fmt.Errorf("train: draw predictions: %w", err)
	}
	if err := t.record.evaluated(ctx, step, student, teacher, picture, t.classes().Classes); err != nil {
		return student, teacher, err
	}
	if t.best.Step == 0 || student.MIoU > t.best.MIoU {
		t.best = best{step, student.MIoU}
		if err := t.saveBest(ctx, step, student); err != nil {
			return student, teacher, err
		}
	}
	if t.watch.Evaluated != nil {
		t.watch.Evaluated(step, student, teacher)
	}
	return student, teacher, nil
}

// saveBest keeps what inference needs of the student.
func (t *trainer) saveBest(ctx context.Context, step int, s Score) error {
	values, err := params.Read(t.store, Student)
	if err != nil {
		return err
	}
	meta, err := t.meta()
	if err != nil {
		return err
	}
	return t.keeper.MarkBest(ctx, step, s.MIoU, values, meta)
}

// score runs a network over the val subset.
func (t *trainer) score(ctx context.Context, network, vision string, limit int) (Score, []sheet.Sample, error) {
	p, err := infer.New(t.backend.Backend, t.store, infer.Config{Segmenter: t.Segmenter, Network: network, Vision: vision,
		Window: t.Window, Compute: t.computeType()})
	if err != nil {
		return Score{}, nil, err
	}
	defer p.Close()
	confusion := metrics.NewConfusion(t.Segmenter.Decoder.Classes)
	var rows []sheet.Sample
	total := t.loader.Len(semidavil.Val)
	if limit > 0 {
		total = min(total, limit)
	}
	n := 0
	for s, err := range t.loader.Evaluate(ctx) {
		if err != nil {
			return Score{}, nil, err
		}
		if n == total {
			break
		}
		n++
		image := &semidavil.Image{W: s.Image.Shape()[1], H: s.Image.Shape()[0], Pix: s.Image.Data().([]uint8)}
		label := &semidavil.LabelMap{W: image.W, H: image.H, Pix: s.Label.Data().([]uint8)}
		prediction, err := t.predict(p, s.Key, image)
		if err != nil {
			return Score{}, nil, fmt.Errorf("train: evaluate %s: %w", s.Key, err)
		}
		if err := confusion.Add(label.Pix, prediction.Pix); err != nil {
			return Score{}, nil, fmt.Errorf("train: evaluate %s: %w", s.Key, err)
		}
		if len(rows) < pictured {
			rows = append(rows, sheet.Sample{Name: s.Key, Caption: s.Caption, Image: image, Truth: label, Prediction: prediction})
		}
		t.watch.phase("evaluate "+network, n, total)
	}
	return t.scoreOf(confusion, n), rows, nil
}

// predict segments one sample.
func (t *trainer) predict(p *infer.Predictor, key string, image *semidavil.Image) (*semidavil.LabelMap, error) {
	text, count := t.captions.Batch(t.tokens([]string{key}), 0)
	out, err := p.Predict(tensors.FromFlatDataAndDimensions(image.Pix, 1, image.H, image.W, 3), text, count)
	if err != nil {
		return nil, err
	}
	return &semidavil.LabelMap{W: image.W, H: image.H, Pix: out.Label}, nil
}

// scoreOf leaves classes that the source lacks out of the mean; their pixels in the
// labels still count as misses of what was predicted there.
func (t *trainer) scoreOf(c metrics.Confusion, images int) Score {
	var classes []int
	for k := range t.Segmenter.Decoder.Classes {
		if !slices.Contains(t.Segmenter.Decoder.Absent, k) {
			classes = append(classes, k)
		}
	}
	s := Score{IoU: c.IoU(), Images: images}
	s.MIoU, s.PixelAccuracy = known(metrics.Mean(s.IoU, classes), 0), known(c.PixelAccuracy(classes), 0)
	for i, v := range s.IoU {
		s.IoU[i] = known(v, -1)
	}
	return s
}

// known is v, or other where there was nothing to measure: JSON has no NaN.
func known(v, other float64) float64 {
	if math.IsNaN(v) {
		return other
	}
	return v
}
