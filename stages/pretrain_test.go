package stages

import (
	"bytes"
	"fmt"
	"os"
	"testing"

	"github.com/apache/beam/sdks/v2/go/pkg/beam"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/testing/passert"

	"semidavil/internal/fixture/trained"
	"semidavil/internal/loader"
	"semidavil/model/optim"
	"semidavil/model/train"
)

func init() { beam.RegisterFunction(pretrainLine) }

func pretrainLine(s train.PretrainSummary) string {
	return fmt.Sprintf("%s: %d steps, begun at %d, %d pairs", s.Model, s.Steps, s.Resumed, s.Retrieval.Pairs)
}

func smallPretraining(t *testing.T, data, output string) train.PretrainConfig {
	t.Helper()
	return train.PretrainConfig{Output: output, CLIP: trained.CLIP(t), Width: 32, Height: 32, Batch: 2, Symmetric: true,
		Optimiser: optim.Config{Kind: "adamw", LR: 1e-3, Beta1: 0.9, Beta2: 0.98, Epsilon: 1e-6, WeightDecay: 0.1, ClipNorm: 1},
		Schedule:  optim.Schedule{Kind: "poly", Power: 1, Warmup: 1}, Steps: 1, Seed: 5, Loader: loader.Config{Dir: data, Seed: 5, Workers: 2},
		LogEvery: 1, EvaluateEvery: 1, CheckpointEvery: 1, Keep: 1}
}

// TestPretrain: the folder of the towers is the same in every process; a repeated
// pre-training resumes from its end.
func TestPretrain(t *testing.T) {
	data := smallData(t)
	var first []byte
	for _, way := range ways {
		output := t.TempDir()
		build := func(begun int) func(beam.Scope) {
			return func(s beam.Scope) {
				summaries := Pretrain(s, PretrainParams{Backend: "go"}, beam.Create(s, smallPretraining(t, data, output)))
				passert.Equals(s, beam.ParDo(s, pretrainLine, summaries), fmt.Sprintf("%s/clip: 1 steps, begun at %d, 2 pairs", output, begun))
			}
		}
		mustRun(t, way, build(0))
		got, err := os.ReadFile(output + "/clip/model.safetensors")
		if err != nil {
			t.Fatal(err)
		}
		if first == nil {
			first = got
		}
		if !bytes.Equal(got, first) {
			t.Errorf("%s: other towers", way)
		}
		mustRun(t, way, build(1))
	}
	mustRun(t, "prism", func(s beam.Scope) {
		passert.Empty(s, beam.ParDo(s, pretrainLine, Pretrain(s, PretrainParams{Backend: "go"}, beam.CreateList(s, []train.PretrainConfig{}))))
	})
	ends(t, "/absent", func(s beam.Scope) {
		Pretrain(s, PretrainParams{Backend: "go"}, beam.Create(s, smallPretraining(t, "/absent", t.TempDir())))
	})
	ends(t, "stages: train: ", func(s beam.Scope) {
		Pretrain(s, PretrainParams{Backend: "abacus"}, beam.Create(s, smallPretraining(t, data, t.TempDir())))
	})
}
