package methods

import (
	"math"
	"testing"

	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"

	"semidavil/model/layer/golden"
	"semidavil/model/params"
)

// TestGumbelSoftmax: also of the least and the largest number that can be drawn.
func TestGumbelSoftmax(t *testing.T) {
	logits := golden.Uniform("logits", 3, 4)
	uniform := golden.Uniform("uniform", 3, 4)
	for i, u := range uniform {
		uniform[i] = (u + 1) / 2
	}
	uniform[0], uniform[5] = 0, math.Nextafter32(1, 0)
	exec, err := graph.NewExec(golden.Backend(), gumbelSoftmax)
	if err != nil {
		t.Fatal(err)
	}
	out, err := exec.Call1(tensors.FromFlatDataAndDimensions(logits, 3, 4), tensors.FromFlatDataAndDimensions(uniform, 3, 4))
	if err != nil {
		t.Fatal(err)
	}
	have := tensors.MustCopyFlatData[float32](out)
	for voxel := range 4 {
		var e [3]float64
		sum := 0.0
		for k := range e {
			i := 4*k + voxel
			e[k] = math.Exp(float64(logits[i])) / -math.Log(max(float64(uniform[i]), 1e-20))
			sum += e[k]
		}
		for k := range e {
			if v := float64(have[4*k+voxel]); !(math.Abs(v-e[k]/sum) < 1e-6) {
				t.Errorf("class %d of voxel %d has %v, want %v", k, voxel, v, e[k]/sum)
			}
		}
	}
}

// TestFollow: θ moves by a hundredth towards the mean of ξ and ψ, and not at all where a step was
// not taken; its running statistics are its own.
func TestFollow(t *testing.T) {
	for _, taken := range []bool{true, false} {
		store := model.NewStore()
		s := &Step{Store: store}
		exec, err := model.NewExec(golden.Backend(), store, func(_ *model.Scope, ok *graph.Node) *graph.Node {
			n := params.In(store, ok.Graph(), params.Student, params.Options{}).At("decoder")
			for i, decoder := range []string{"xi", "psi", "theta"} {
				n.At("%s", decoder).Variable("weight", params.Constant(float32(int(1)<<i)), 2)
				n.At("%s", decoder).Buffer("running_mean", params.Constant(float32(i)), 2)
			}
			n.At("xi/up_time").Variable("weight", params.Ones, 2)
			s.follow(ok)
			return ok
		})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := exec.Call(taken); err != nil {
			t.Fatal(err)
		}
		want := 4.0
		if taken {
			want = 0.99*4 + 0.01*1.5
		}
		for name, want := range map[string]float64{"xi/weight": 1, "psi/weight": 2, "theta/weight": want, "theta/running_mean": 2} {
			have := tensors.MustCopyFlatData[float32](store.GetVariable("/student/decoder/" + name).MustValue())
			if math.Abs(float64(have[1])-want) > 1e-6 {
				t.Errorf("step taken: %v: %s is %v, want %v", taken, name, have[1], want)
			}
		}
	}
}
