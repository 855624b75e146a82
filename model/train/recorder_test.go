package train

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"image/png"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"semidavil/internal/fixture/prepared"
	"semidavil/model/checkpoint"
	"semidavil/transforms/metrics"
	"semidavil/transforms/report/tensorboard"
	"semidavil/transforms/report/tensorboard/tensorboardtest"
)

// TestRecords: what a stopped and resumed training leaves beside its checkpoints.
func TestRecords(t *testing.T) {
	c := testConfig(prepared.Write(t, prepared.Small), t.TempDir())
	ctx, w := stopAt(5)
	if _, err := Run(ctx, open(t), c, w); err == nil {
		t.Fatal("not stopped")
	}
	var evaluated []int
	seen := run(t, c, Watcher{Evaluated: func(step int, _, _ metrics.Score) { evaluated = append(evaluated, step) }})
	expectEachStepOnce(t, c.Output)
	if !equal(evaluated, 6) {
		t.Errorf("evaluated at %v", evaluated)
	}

	var summary Summary
	if err := json.Unmarshal(read(t, c.Output, SummaryFile), &summary); err != nil {
		t.Fatal(err)
	}
	if fmt.Sprint(summary) != fmt.Sprint(seen) || summary.Resumed != 5 || summary.Backend != "go" || summary.StepRate <= 0 || summary.Waited < 0 || summary.Waited > 1 {
		t.Errorf("%+v\nwant %+v", summary, seen)
	}
	if summary.Checkpoint != checkpoint.Path(c.Output, 6) || summary.Student.Images != 2 || summary.Teacher.Images != 2 {
		t.Errorf("%+v", summary)
	}

	files, err := filepath.Glob(filepath.Join(c.Output, EventsDir, "*"))
	if err != nil || len(files) != 2 {
		t.Fatalf("events files %v %v", files, err)
	}
	var readers []io.Reader
	pictures, settings := map[int64]int{}, map[int64]string{}
	for _, name := range files {
		data := read(t, name)
		readers = append(readers, bytes.NewReader(data))
		for r := tensorboardtest.NewReader(bytes.NewReader(data)); ; {
			e, err := r.Next()
			if err == io.EOF {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			for _, v := range e.Values {
				if v.Kind == tensorboard.ImageKind {
					pictures[e.Step]++
				}
				if v.Kind == tensorboard.TextKind {
					settings[e.Step] = v.Text
				}
			}
		}
	}
	scalars, err := tensorboardtest.Scalars(readers...)
	if err != nil {
		t.Fatal(err)
	}
	lines := map[int]Row{}
	for _, r := range rows(t, c.Output) {
		if r.Losses != nil {
			lines[r.Step] = r
		}
	}
	for tag, want := range map[string][]int{"loss/total": {2, 4, 6}, "lr": {2, 4, 6}, "pseudo_labels/kept": {2, 4, 6}, "miou/student": {3, 6}, "miou/teacher": {3, 6}, "iou/class 0": {3, 6}} {
		var steps []int
		for _, p := range scalars[tag] {
			steps = append(steps, int(p.Step))
			if r := lines[int(p.Step)]; tag == "loss/total" && math.Abs(r.Loss-float64(p.Value)) > 1e-6*math.Abs(r.Loss) {
				t.Errorf("step %d: loss %v in the events, %v in the lines", p.Step, p.Value, r.Loss)
			}
		}
		if !equal(steps, want...) {
			t.Errorf("%s at steps %v, want %v", tag, steps, want)
		}
	}
	if fmt.Sprint(pictures) != "map[3:1 6:1]" {
		t.Errorf("pictures %v", pictures)
	}
	for _, step := range []int64{0, 5} { // of both runs
		var got Config
		if err := json.Unmarshal([]byte(settings[step]), &got); err != nil || got.Steps != c.Steps || got.Seed != c.Seed || !strings.HasPrefix(settings[step], "    {\n     ") {
			t.Errorf("settings from step %d: %v, %s", step, err, settings[step])
		}
	}
	for _, step := range []int{3, 6} {
		m, err := png.Decode(bytes.NewReader(read(t, c.Output, PicturesDir, fmt.Sprintf("step-%08d.png", step))))
		if err != nil || m.Bounds().Dx() < 3*32 || m.Bounds().Dy() < 2*32 {
			t.Errorf("sheet of step %d: %v %v", step, m.Bounds(), err)
		}
	}

	best, err := checkpoint.Read(context.Background(), checkpoint.BestPath(c.Output))
	if err != nil {
		t.Fatal(err)
	}
	if best.Step != summary.BestStep || best.Meta["score"] != fmt.Sprint(float64(summary.Best)) || best.Values["decode/classifier/weight"] == nil {
		t.Errorf("best of step %d with %v: %v; want step %d, %v", best.Step, best.Meta["score"], best.Values.Names(), summary.BestStep, summary.Best)
	}
	for _, r := range rows(t, c.Output) {
		if r.Student != nil && r.Student.MIoU > summary.Best {
			t.Errorf("the best is %v, and step %d has %v", summary.Best, r.Step, r.Student.MIoU)
		}
	}
	if _, err := os.Stat(checkpoint.Path(c.Output, 4)); err != nil {
		t.Error(err)
	}
}

// TestRecorderBeforeTheFirstCheckpoint: what a killed run told of steps that are done
// again is out of date.
func TestRecorderBeforeTheFirstCheckpoint(t *testing.T) {
	ctx, output := context.Background(), t.TempDir()
	killed := newRecorder(output, nil)
	killed.losses(1, Losses{Loss: 9}, 1)
	killed.losses(2, Losses{Loss: 9}, 1)
	killed.name += ".killed" // not in the same second
	if err := killed.flush(ctx); err != nil {
		t.Fatal(err)
	}
	next := newRecorder(output, nil)
	if err := next.resume(ctx, 0); err != nil {
		t.Fatal(err)
	}
	next.losses(1, Losses{Loss: 5}, 1)
	if err := next.flush(ctx); err != nil {
		t.Fatal(err)
	}
	if got := rows(t, output); len(got) != 1 || got[0].Loss != 5 {
		t.Errorf("%+v", got)
	}
	scalars, err := tensorboardtest.Scalars(bytes.NewReader(read(t, output, EventsDir, killed.name)), bytes.NewReader(read(t, output, EventsDir, next.name)))
	if err != nil || len(scalars["loss/total"]) != 1 || scalars["loss/total"][0].Value != 5 {
		t.Errorf("%v %v", scalars, err)
	}
}

// TestTornMetrics: a line that is cut off is dropped.
func TestTornMetrics(t *testing.T) {
	ctx, output := context.Background(), t.TempDir()
	if err := os.WriteFile(filepath.Join(output, MetricsFile), []byte("{\"step\":1,\"loss\":2}\n{\"step\":2,\"lo"), 0o644); err != nil {
		t.Fatal(err)
	}
	r := newRecorder(output, nil)
	if err := r.resume(ctx, 2); err != nil {
		t.Fatal(err)
	}
	r.losses(4, Losses{Loss: 1}, 1)
	if err := r.flush(ctx); err != nil {
		t.Fatal(err)
	}
	if got := rows(t, output); len(got) != 2 || got[0].Step != 1 || got[1].Step != 4 {
		t.Errorf("%+v", got)
	}
}
