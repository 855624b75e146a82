package train

import (
	"context"
	"fmt"
	"text/tabwriter"

	"semidavil/configs"
	"semidavil/internal/store"
	"semidavil/model/checkpoint"
	"semidavil/model/train"
	"semidavil/pipelines/internal/inputs"
	"semidavil/runners"
	"semidavil/stages"
)

// begin refuses an output of another configuration, or empties it where it may be
// replaced, and writes run.json.
func begin(ctx context.Context, s *runners.Session, cfg configs.Train) (configs.Record, error) {
	return inputs.Begin(ctx, s, "train", cfg.Output, cfg, configs.Train.Identity, cfg.Overwrite, func() error {
		// First what says that a training has ended.
		for _, name := range []string{train.SummaryFile, stages.FailureFile} {
			if err := store.Remove(ctx, cfg.Output+"/"+name); err != nil {
				return err
			}
		}
		return checkpoint.RemoveAll(ctx, cfg.Output)
	})
}

// summarise prints what came out.
func summarise(ctx context.Context, s *runners.Session, c train.Config) error {
	sum, err := train.ReadSummary[train.Summary](ctx, c.Output)
	if err != nil {
		return err
	}
	m, err := stages.ReadManifest(ctx, c.Loader.Dir)
	if err != nil {
		return err
	}
	w := tabwriter.NewWriter(s.Stdout, 0, 4, 2, ' ', tabwriter.AlignRight)
	fmt.Fprint(w, "class\tstudent IoU %\t")
	both := sum.Teacher.Images > 0
	if both {
		fmt.Fprint(w, "teacher IoU %\t")
	}
	fmt.Fprintln(w)
	percent := func(scores []float64, i int) string {
		if i >= len(scores) || scores[i] < 0 {
			return "-"
		}
		return fmt.Sprintf("%.1f", 100*scores[i])
	}
	for i, class := range m.Classes {
		fmt.Fprintf(w, "%s\t%s\t", class.Name, percent(sum.Student.IoU, i))
		if both {
			fmt.Fprintf(w, "%s\t", percent(sum.Teacher.IoU, i))
		}
		fmt.Fprintln(w)
	}
	fmt.Fprintf(w, "mean\t%.1f\t", 100*sum.Student.MIoU)
	if both {
		fmt.Fprintf(w, "%.1f\t", 100*sum.Teacher.MIoU)
	}
	fmt.Fprintln(w)
	if err := w.Flush(); err != nil {
		return err
	}
	fmt.Fprintf(s.Stdout, "\nsteps      %d", sum.Steps)
	if sum.Resumed > 0 {
		fmt.Fprintf(s.Stdout, ", %d of them by earlier runs", sum.Resumed)
	}
	fmt.Fprintf(s.Stdout, "\nspeed      %.2f steps/s on %s, %.0f %% of the time waiting for input\n", sum.StepRate, sum.Backend, 100*sum.Waited)
	fmt.Fprintf(s.Stdout, "best       %.1f %% at step %d: %s\n", 100*sum.Best, sum.BestStep, checkpoint.BestPath(c.Output))
	fmt.Fprintf(s.Stdout, "output     %s (checkpoints, %s, %s for TensorBoard, %s)\n", c.Output, train.MetricsFile, train.EventsDir, train.PicturesDir)
	return nil
}
