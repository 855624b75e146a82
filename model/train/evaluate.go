package train

import (
	"context"
	"fmt"
	"math"
	"slices"

	"github.com/gomlx/gomlx/core/tensors"

	"semidavil"
	"semidavil/model/infer"
	"semidavil/transforms/metrics"
	"semidavil/transforms/report/sheet"
)

// pictured is the number of val images shown on a prediction sheet.
const pictured = 4

// evaluate scores student and teacher on the val subset at the prepared size, draws a sheet
// and keeps the best student. Before the last step EvaluateImages may limit the images.
//
// The stage Score, behind the evaluate command, scores the same networks on other terms: it
// reads a checkpoint and encodes captions as it meets them, takes files of any size, one image
// of which may be bad, counts at the labels' own size by several rules, and has its images
// from a plan, in a bundle of many. Here the parameters are on the device and the captions
// encoded already, and a fault ends the training. So only the parts are common:
// [infer.Predictor], [metrics.Confusion] and its scores. A test compares the results.
func (t *trainer) evaluate(ctx context.Context, step int, last bool) (err error) {
	limit := t.EvaluateImages
	if last {
		limit = 0
	}
	var rows []sheet.Sample
	if t.student, rows, err = t.score(ctx, Student, Student, limit); err != nil {
		return err
	}
	if t.Loader.Unlabelled > 0 {
		if t.teacher, _, err = t.score(ctx, Teacher, t.TeacherVision(), limit); err != nil {
			return err
		}
	}
	if t.student.Images == 0 {
		return nil
	}
	drawn, err := sheet.Draw(sheet.Options{Set: t.classes(), Title: sheet.Title(int64(step), float64(t.student.MIoU))}, rows)
	if err != nil {
		return fmt.Errorf("train: draw predictions: %w", err)
	}
	picture, err := sheet.PNG(drawn)
	if err != nil {
		return fmt.Errorf("train: draw predictions: %w", err)
	}
	// The weights come before the record: a run that is stopped in between scores them again.
	if before := t.best; before.Step == 0 || math.IsNaN(float64(before.MIoU)) || t.student.MIoU > before.MIoU {
		t.best = best{step, t.student.MIoU}
		if err := t.loop.saveBest(ctx, step, t.best.MIoU); err != nil {
			t.best = before // for the checkpoint
			return err
		}
	}
	if err := t.loop.record.evaluated(ctx, step, t.student, t.teacher, picture, t.classes().Classes); err != nil {
		return err
	}
	if t.watch.Evaluated != nil {
		t.watch.Evaluated(step, t.student, t.teacher)
	}
	return nil
}

// score runs a network over the val subset.
func (t *trainer) score(ctx context.Context, network, vision string, limit int) (metrics.Score, []sheet.Sample, error) {
	p, err := infer.New(t.backend.Backend, t.store, infer.Config{Segmenter: t.Segmenter, Network: network, Vision: vision,
		Window: t.Window, Compute: t.computeType()})
	if err != nil {
		return metrics.Score{}, nil, err
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
			return metrics.Score{}, nil, err
		}
		if n == total {
			break
		}
		n++
		image := &semidavil.Image{W: s.Image.Shape()[1], H: s.Image.Shape()[0], Pix: s.Image.Data().([]uint8)}
		label := &semidavil.LabelMap{W: image.W, H: image.H, Pix: s.Label.Data().([]uint8)}
		prediction, err := t.predict(p, s.Key, image)
		if err != nil {
			return metrics.Score{}, nil, fmt.Errorf("train: evaluate %s: %w", s.Key, err)
		}
		if err := confusion.Add(label.Pix, prediction.Pix); err != nil {
			return metrics.Score{}, nil, fmt.Errorf("train: evaluate %s: %w", s.Key, err)
		}
		if len(rows) < pictured {
			rows = append(rows, sheet.Sample{Name: s.Key, Caption: s.Caption, Image: image, Truth: label, Prediction: prediction})
		}
		t.watch.phase("evaluate "+network, n, total)
	}
	return confusion.Over(t.scored()), rows, nil
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

// scored are the classes of the mean: without those that the source lacks, whose pixels in
// the labels still count as misses of what was predicted there.
func (t *trainer) scored() (classes []int) {
	for k := range t.Segmenter.Decoder.Classes {
		if !slices.Contains(t.Segmenter.Decoder.Absent, k) {
			classes = append(classes, k)
		}
	}
	return classes
}
