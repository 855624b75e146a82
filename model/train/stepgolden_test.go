package train

import (
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/gomlx/gomlx/core/tensors"

	"semidavil/internal/fixture/prepared"
	"semidavil/model/layer/golden"
	"semidavil/model/loss"
	"semidavil/model/optim"
	"semidavil/model/params"
)

// TestGoldenStep: five steps of SGD on images are those of PyTorch, see tools/golden_step.
func TestGoldenStep(t *testing.T) {
	var cases map[string]goldenTraining
	if err := json.Unmarshal(read(t, "testdata/step.json"), &cases); err != nil {
		t.Fatal(err)
	}
	data := prepared.Write(t, prepared.Small)
	for name, want := range cases {
		t.Run(name, func(t *testing.T) {
			kind := strings.Fields(name) // guidance, norm, loss, and what is unlike the defaults
			has := func(word string) bool { return strings.Contains(name, " "+word) }
			c := testConfig(data, t.TempDir())
			c.Segmenter.Guidance.Kind, c.Segmenter.Decoder.Norm, c.Vision = kind[0], kind[1], "all"
			c.Loss.Kind, c.Loss.HardFraction = kind[2], 1
			if has("bn") {
				c.Loss.HardFraction = 0.3
			}
			c.Consistency = loss.ConsistencyConfig{Threshold: 0.55, Norm: "valid", Target: "hard", Omega: c.Loss.Omega, Balance: has("balanced")}
			for _, norm := range []string{"share", "confident"} {
				if has(norm) {
					c.Consistency.Norm = norm
				}
			}
			if has("class") {
				c.Consistency.Rule = "class"
			}
			if has("soft") {
				c.Consistency.Target = "soft"
			}
			c.Lambda, c.Alpha, c.VisionLR = 0.8, 0.7, 0.02
			c.Optimiser = optim.Config{Kind: "sgd", LR: 0.05, Momentum: 0.9}
			c.Schedule = optim.ScheduleOf("constant")
			c.Loader.Source, c.Loader.Labelled, c.Loader.Unlabelled = 1, 1, goldenUnlabelled
			trainer, made := trainerOf(t, c), trainerOf(t, c)
			made.steps(t, 0, 1) // a first step makes the parameters
			for root, scale := range map[string]float32{Student: 1, Teacher: 0.9} {
				values := params.Values{}
				for _, v := range params.Variables(made.store, root) {
					name, dims := v.Path()[len(root)+2:], v.Shape().Dimensions
					data := golden.Value(name, dims...)
					for i := range data {
						if name == "decode/classifier/weight" {
							data[i] *= 3
						}
						data[i] *= scale
					}
					values[name] = params.Dense(data, dims...)
				}
				if err := params.Load(trainer.store, root, values); err != nil {
					t.Fatal(err)
				}
			}
			for step, w := range want.Losses {
				l, err := trainer.call(step, goldenBatch(trainer, step))
				if err != nil {
					t.Fatal(err)
				}
				compareLosses(t, step, []float64{l.Loss, l.Supervised, l.Consistency, l.Kept}, w)
			}
			values, err := params.Read(trainer.store, Student)
			if err != nil {
				t.Fatal(err)
			}
			want.compare(t, values)
		})
	}
}

const goldenUnlabelled = 3

// goldenBatch packs what step.json was made of, see [unpack].
func goldenBatch(tr *trainer, step int) []any {
	const side, tokens, labelled = 32, 6, 2
	whole := func(what string, low, high int, dims ...int) []float64 {
		values := golden.Uniform(fmt.Sprintf("%s/%d", what, step), dims...)
		out := make([]float64, len(values))
		for i, x := range values {
			out[i] = float64(int((float64(x)+1)/2*float64(high-low)) + low)
		}
		return out
	}
	bytes := func(values []float64, dims ...int) *tensors.Tensor {
		out := make([]uint8, len(values))
		for i, x := range values {
			out[i] = uint8(x)
		}
		return tensors.FromFlatDataAndDimensions(out, dims...)
	}
	image := func(what string, n int) *tensors.Tensor {
		return bytes(whole(what, 0, 256, n, side, side, 3), n, side, side, 3)
	}
	plane := func(what string, n, high int) *tensors.Tensor {
		values := whole(what, 0, high, n, side, side)
		for i, x := range values {
			switch {
			case what == "valid":
				values[i] = math.Min(x, 1)
			case what != "mix" && x == prepared.Classes:
				values[i] = 255
			}
		}
		return bytes(values, n, side, side)
	}
	text := func(what string, n int) *tensors.Tensor {
		dims := []int{n, tokens, tr.Segmenter.CLIP.Embed}
		return tensors.FromFlatDataAndDimensions(golden.Uniform(fmt.Sprintf("%s/%d", what, step), dims...), dims...)
	}
	count := func(what string, n int) *tensors.Tensor {
		out := make([]int32, n)
		for i, x := range whole(what, 1, 7, n) {
			out[i] = int32(x)
		}
		return tensors.FromFlatDataAndDimensions(out, n)
	}
	return []any{image("images", labelled), plane("labels", labelled, prepared.Classes+1), text("text", labelled), count("count", labelled),
		float32(1), float32(tr.momentum(step)), tr.hardFraction(step), float32(tr.lambda(step)),
		image("weak", goldenUnlabelled), image("strong", goldenUnlabelled), plane("valid", goldenUnlabelled, 4),
		plane("mix", goldenUnlabelled, 3), plane("paste", goldenUnlabelled, prepared.Classes+1), text("utext", goldenUnlabelled), count("ucount", goldenUnlabelled)}
}
