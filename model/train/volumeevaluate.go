package train

import (
	"context"
	"fmt"
	"math"

	"semidavil"
	"semidavil/model/infer"
	"semidavil/transforms/metrics"
	"semidavil/transforms/report/sheet"
)

// evaluate scores the network on the val subset at the prepared size, draws three planes of the
// first volume, and keeps the best weights.
func (t *volumeTrainer) evaluate(ctx context.Context, step int, _ bool) error {
	p, err := infer.NewVolumes(t.backend.Backend, t.store, infer.VolumeConfig{Method: t.Method.Kind, Network: t.Network, Root: Student, Patch: t.Loader.Volumes.Grid, Overlap: t.Overlap})
	if err != nil {
		return err
	}
	defer p.Close()
	var rows []sheet.Sample
	var tally metrics.OrganTally
	total := t.loader.Len(semidavil.Val)
	for x, err := range t.loader.Volumes(ctx, semidavil.Val) {
		if err != nil {
			return err
		}
		prediction, err := p.Predict(ctx, x.Volume, x.Volume.Grid)
		if err != nil {
			return fmt.Errorf("train: evaluate %s: %w", x.Key, err)
		}
		predicted := semidavil.LabelVolume{Grid: x.Volume.Grid, Spacing: x.Volume.Spacing, IDs: prediction.IDs}
		scores, err := metrics.OrganScores(predicted, x.Label, t.Network.Classes, metrics.Strict)
		if err == nil {
			err = tally.Add(x.Key, metrics.Strict, scores)
		}
		if err != nil {
			return fmt.Errorf("train: evaluate %s: %w", x.Key, err)
		}
		if rows == nil {
			rows = sheet.Planes(x.Key, x.Volume, x.Label, predicted)
		}
		t.watch.phase("evaluate", len(tally.Cases), total)
	}
	if total == 0 {
		return nil
	}
	t.student = tally.Summary()
	drawn, err := sheet.Draw(sheet.Options{Set: t.classes(), Title: fmt.Sprintf("step %d, mean Dice %v %%", step, t.student.Mean.Dice)}, rows)
	if err != nil {
		return fmt.Errorf("train: draw predictions: %w", err)
	}
	picture, err := sheet.PNG(drawn)
	if err != nil {
		return fmt.Errorf("train: draw predictions: %w", err)
	}
	// The weights come before the record: a run that is stopped in between scores them again.
	if before := t.best; before.Step == 0 || math.IsNaN(float64(before.Dice)) || t.student.Mean.Dice > before.Dice {
		t.best = bestDice{step, t.student.Mean.Dice}
		if err := t.loop.saveBest(ctx, step, t.best.Dice); err != nil {
			t.best = before // for the checkpoint
			return err
		}
	}
	if err := t.loop.record.organs(ctx, step, t.student, picture, t.classes().Classes); err != nil {
		return err
	}
	t.watch.note("step %d: mean Dice %v %% of %d val volumes", step, t.student.Mean.Dice, total)
	return nil
}
