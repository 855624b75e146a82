package train

import (
	"context"
	"fmt"
	"io"
	"text/tabwriter"

	"semidavil/model/checkpoint"
	"semidavil/model/train"
	"semidavil/stages"
	"semidavil/transforms/metrics"
)

// summarise prints the results.
func summarise(ctx context.Context, r *job) error {
	cfg := r.Settings
	if len(r.Params.Volumes) > 0 {
		return summariseVolumes(ctx, r)
	}
	sum, err := train.ReadSummary[train.Summary](ctx, cfg.Output)
	if err != nil {
		return err
	}
	m, err := stages.ReadManifest(ctx, cfg.Data)
	if err != nil {
		return err
	}
	scores := []metrics.Score{sum.Student}
	w := tabwriter.NewWriter(r.Stdout, 0, 4, 2, ' ', tabwriter.AlignRight)
	fmt.Fprint(w, "class\tstudent IoU %\t")
	if sum.Teacher.Images > 0 {
		scores = append(scores, sum.Teacher)
		fmt.Fprint(w, "teacher IoU %\t")
	}
	fmt.Fprintln(w)
	for i, class := range m.Classes {
		fmt.Fprintf(w, "%s\t", class.Name)
		for _, s := range scores {
			fmt.Fprintf(w, "%v\t", s.IoU[i])
		}
		fmt.Fprintln(w)
	}
	fmt.Fprint(w, "mean\t")
	for _, s := range scores {
		fmt.Fprintf(w, "%v\t", s.MIoU)
	}
	fmt.Fprintln(w)
	if err := w.Flush(); err != nil {
		return err
	}
	writeSpeed(r.Stdout, sum.RunStats, sum.Backend)
	if sum.Student.Images > 0 {
		fmt.Fprintf(r.Stdout, "best       %v %% at step %d: %s\n", sum.Best, sum.BestStep, checkpoint.BestPath(cfg.Output))
	}
	writeOutput(r.Stdout, cfg.Output)
	return nil
}

func writeSpeed(w io.Writer, s train.RunStats, backend string) {
	fmt.Fprintf(w, "\nsteps      %d", s.Steps)
	if s.Resumed > 0 {
		fmt.Fprintf(w, ", %d of them by earlier runs", s.Resumed)
	}
	fmt.Fprintf(w, "\nspeed      %.2f steps/s on %s, %.0f %% of the time waiting for input\n", s.StepRate, backend, 100*s.Waited)
}

func writeOutput(w io.Writer, output string) {
	fmt.Fprintf(w, "output     %s (checkpoints, %s, %s for TensorBoard, %s)\n", output, train.MetricsFile, train.EventsDir, train.PicturesDir)
}
