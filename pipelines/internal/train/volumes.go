package train

import (
	"context"
	"fmt"
	"strings"
	"text/tabwriter"

	"semidavil"
	"semidavil/configs"
	"semidavil/internal/loader"
	"semidavil/model/checkpoint"
	"semidavil/model/loss"
	"semidavil/model/methods"
	"semidavil/model/optim"
	"semidavil/model/train"
	"semidavil/model/vnet"
	"semidavil/stages"
	"semidavil/transforms/augment"
)

// planVolumes is plan of a training on volumes.
func planVolumes(ctx context.Context, cfg configs.Train) (train.VolumeConfig, error) {
	m, err := stages.ReadManifest(ctx, cfg.Data)
	if err != nil {
		return train.VolumeConfig{}, err
	}
	if cfg.Method == "semidavil" {
		return train.VolumeConfig{}, fmt.Errorf("train: --data=%s holds volumes; give --method=vnet, or --config=configs/examples/train_minict.yaml", cfg.Data)
	}
	if supervised := methods.Supervised(cfg.Method); supervised != (cfg.Batch[2] == 0) {
		return train.VolumeConfig{}, fmt.Errorf("train: --method=%s learns from %s", cfg.Method, map[bool]string{
			true:  "labelled volumes alone; give --batch=0,2,0",
			false: "unlabelled volumes too; give --batch=0,2,2"}[supervised])
	}
	for _, given := range []struct {
		flag string
		set  bool
	}{{"absent", len(cfg.Absent) > 0}, {"clip", cfg.CLIP != ""}, {"rare_class", cfg.RareClass}, {"precision", cfg.Precision != "float32"}, {"remat", cfg.Remat}} {
		if given.set {
			return train.VolumeConfig{}, fmt.Errorf("train: --%s is for images, not for --method=%s", given.flag, cfg.Method)
		}
	}
	size, err := configs.ParseGrid(cfg.Patch)
	if err != nil {
		return train.VolumeConfig{}, err
	}
	recipe := augment.PatchRecipe{Grid: semidavil.Grid{D: size[0], H: size[1], W: size[2]}, Rotate: cfg.Rotate}
	for i, axis := range []string{"d", "h", "w"} {
		recipe.Flip[i] = cfg.Flip != "none" && strings.Contains(cfg.Flip, axis)
	}
	c := train.VolumeConfig{
		Output: cfg.Output, Overwrite: cfg.Overwrite,
		Network: vnet.Config{Classes: len(m.Classes), Filters: cfg.Filters, Levels: cfg.Levels, Norm: cfg.Norm}, Dropout: cfg.Dropout,
		Method: methods.Config{Kind: cfg.Method, Loss: supervisedLoss(cfg), Dice: loss.DiceConstants(), DiceWeight: cfg.Dice,
			OnPseudo: cfg.DyCEOnPseudo, Threshold: cfg.Threshold},
		Lambda: cfg.Lambda, LambdaRamp: cfg.LambdaRamp, HardRamp: cfg.HardRamp, Alpha: cfg.Alpha,
		Optimiser: optimiserOf(cfg), Schedule: optim.ScheduleOf(cfg.Schedule), Steps: cfg.Steps, Seed: cfg.Seed,
		Loader: loader.Config{Dir: cfg.Data, Seed: cfg.Seed, Source: cfg.Batch[0], Labelled: cfg.Batch[1], Unlabelled: cfg.Batch[2], Workers: cfg.Workers,
			Volumes: &loader.VolumeConfig{PatchRecipe: recipe, Foreground: cfg.Foreground}},
		Overlap:  cfg.Overlap,
		LogEvery: cfg.LogEvery, EvaluateEvery: cfg.EvaluateEvery, CheckpointEvery: cfg.CheckpointEvery, Keep: cfg.Keep,
	}
	return c, c.Check()
}

// summariseVolumes prints the results of a training on volumes.
func summariseVolumes(ctx context.Context, r *job) error {
	cfg := r.Settings
	sum, err := train.ReadSummary[train.VolumeSummary](ctx, cfg.Output)
	if err != nil {
		return err
	}
	m, err := stages.ReadManifest(ctx, cfg.Data)
	if err != nil {
		return err
	}
	if sum.Student.Volumes > 0 {
		w := tabwriter.NewWriter(r.Stdout, 0, 4, 2, ' ', tabwriter.AlignRight)
		fmt.Fprintln(w, "organ\tDice %\tASD mm\t")
		for i, class := range m.Classes[1:] {
			fmt.Fprintf(w, "%s\t%v\t%v\t\n", class.Name, sum.Student.Organs[i].Dice, sum.Student.Organs[i].ASD)
		}
		fmt.Fprintf(w, "mean\t%v\t%v\t\n", sum.Student.Mean.Dice, sum.Student.Mean.ASD)
		if err := w.Flush(); err != nil {
			return err
		}
	}
	writeSpeed(r.Stdout, sum.RunStats, sum.Backend)
	if sum.Student.Volumes > 0 {
		fmt.Fprintf(r.Stdout, "best       %v %% at step %d: %s\n", sum.Best, sum.BestStep, checkpoint.BestPath(cfg.Output))
	}
	writeOutput(r.Stdout, cfg.Output)
	return nil
}
