package stages

import (
	"bytes"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/apache/beam/sdks/v2/go/pkg/beam"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/testing/passert"

	"semidavil"
	"semidavil/internal/fixture/prepared"
	"semidavil/internal/fixture/trained"
	"semidavil/internal/loader"
	"semidavil/model/checkpoint"
	"semidavil/model/decode"
	"semidavil/model/dlg"
	"semidavil/model/loss"
	"semidavil/model/optim"
	"semidavil/model/segmenter"
	"semidavil/model/train"
	"semidavil/transforms/shards"
)

func init() { beam.RegisterFunction(summaryLine) }

func summaryLine(s train.Summary) string {
	return fmt.Sprintf("%s: %d steps, begun at %d, %d val images", s.Checkpoint, s.Steps, s.Resumed, s.Student.Images)
}

// smallTraining is one step on labelled images.
func smallTraining(t *testing.T, data, output string) train.Config {
	t.Helper()
	return train.Config{
		Output: output,
		Segmenter: segmenter.Config{CLIP: trained.CLIP(t), Guidance: dlg.Config{Kind: "outer_res", Context: shards.Context, Classes: prepared.Classes},
			Decoder: decode.Config{Kind: "simple", Norm: "bn", Classes: prepared.Classes}},
		Vision: "attn", Loss: loss.Config{Kind: "dyce", Omega: 0.5, Hard: "top", HardFraction: 0.2}, Consistency: loss.ConsistencyConfig{Threshold: 0.3, Norm: "valid", Target: "hard"}, Lambda: 1, Alpha: 0.5,
		Optimiser: optim.Config{Kind: "adamw", LR: 1e-2, Beta1: 0.9, Beta2: 0.999, Epsilon: 1e-8, WeightDecay: 1e-2, Momentum: 0.9},
		VisionLR:  1e-2, Schedule: optim.ScheduleOf("exp"), Steps: 1, Seed: 5,
		Loader:   loader.Config{Dir: data, Seed: 5, CropW: 32, CropH: 32, Source: 1, Labelled: 1, Strong: loader.CutMix, Workers: 2},
		LogEvery: 1, EvaluateEvery: 1, CheckpointEvery: 1, Keep: 1,
	}
}

func smallData(t *testing.T) string {
	t.Helper()
	return prepared.Write(t, trained.Images(t, semidavil.ClassSet{}))
}

// TestTrain: each configuration has its training, the same in every process; a repeated
// one resumes from its end.
func TestTrain(t *testing.T) {
	data := smallData(t)
	var first []byte
	for _, way := range ways {
		a, b := t.TempDir(), t.TempDir()
		build := func(begun int) func(beam.Scope) {
			return func(s beam.Scope) {
				configs := []train.Config{smallTraining(t, data, a), smallTraining(t, data, b)}
				line := fmt.Sprintf(": 1 steps, begun at %d, 2 val images", begun)
				passert.Equals(s, beam.ParDo(s, summaryLine, Train(s, TrainParams{Backend: "go"}, beam.CreateList(s, configs))),
					checkpoint.Path(a, 1)+line, checkpoint.Path(b, 1)+line)
			}
		}
		mustRun(t, way, build(0))
		for _, output := range []string{a, b} {
			got, err := os.ReadFile(checkpoint.Path(output, 1))
			if err != nil {
				t.Fatal(err)
			}
			if first == nil {
				first = got
			}
			if !bytes.Equal(got, first) {
				t.Errorf("%s: another checkpoint", way)
			}
		}
		mustRun(t, way, build(1))
	}
	mustRun(t, "prism", func(s beam.Scope) {
		passert.Empty(s, beam.ParDo(s, summaryLine, Train(s, TrainParams{Backend: "go"}, beam.CreateList(s, []train.Config{}))))
	})
}

// TestWatchTraining: a watcher hears of the trainings in this process.
func TestWatchTraining(t *testing.T) {
	defer WatchTraining(train.Watcher{})
	var told []string
	WatchTraining(train.Watcher{
		Begin: func(output string) { told = append(told, "begin "+output) },
		Note: func(line string) {
			if len(told) == 0 && strings.Contains(line, "go") {
				told = append(told, "backend")
			}
		},
		Step: func(p train.Progress) { told = append(told, fmt.Sprintf("step %d of %d", p.Step, p.Steps)) },
	})
	config := smallTraining(t, smallData(t), t.TempDir())
	mustRun(t, "prism", func(s beam.Scope) { Train(s, TrainParams{Backend: "go"}, beam.Create(s, config)) })
	if want := "backend, begin " + config.Output + ", step 1 of 1"; strings.Join(told, ", ") != want {
		t.Errorf("%q, want %q", told, want)
	}
}

// TestTrainFaults: a training that fails ends the run, or leaves its reason where the
// others are to go on.
func TestTrainFaults(t *testing.T) {
	good, bad := smallTraining(t, smallData(t), t.TempDir()), smallTraining(t, "/absent", t.TempDir())
	run := func(keepGoing bool) func(beam.Scope) {
		return func(s beam.Scope) {
			summaries := Train(s, TrainParams{Backend: "go", KeepGoing: keepGoing}, beam.CreateList(s, []train.Config{bad, good}))
			passert.Equals(s, beam.ParDo(s, summaryLine, summaries), checkpoint.Path(good.Output, 1)+": 1 steps, begun at 0, 2 val images")
		}
	}
	ends(t, "/absent", run(false))
	if got := files(t, bad.Output); got[FailureFile] != "" {
		t.Errorf("a run that ended left %q", got[FailureFile])
	}
	if err := os.RemoveAll(good.Output); err != nil { // where it came first
		t.Fatal(err)
	}
	mustRun(t, "prism", run(true))
	if got := files(t, bad.Output); !strings.Contains(got[FailureFile], "/absent") || !strings.HasSuffix(got[FailureFile], "\n") {
		t.Errorf("a failed training left %q", got[FailureFile])
	}
	ends(t, "stages: train: ", func(s beam.Scope) { Train(s, TrainParams{Backend: "abacus"}, beam.Create(s, good)) })
}
