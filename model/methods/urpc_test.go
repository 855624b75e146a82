package methods

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"slices"
	"testing"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"

	"semidavil/model/layer"
	"semidavil/model/layer/golden"
	"semidavil/model/loss"
	"semidavil/model/params"
	"semidavil/model/unet3d"
	"semidavil/model/vnet"
)

// disagreement is the input of the loss between outputs.
type disagreement struct {
	outputs [][]float32 // each of dims
	dims    []int       // K,U,...
	valid   []uint8
}

// made has values that tools/golden_unet3d makes too.
func made(outputs int, dims []int, scale float32) disagreement {
	d := disagreement{dims: dims}
	for i := range outputs {
		z := golden.Uniform(fmt.Sprint("z", i), dims...)
		for j := range z {
			z[j] *= scale
		}
		d.outputs = append(d.outputs, z)
	}
	for _, u := range golden.Uniform("valid", dims[1:]...) {
		v := uint8(0)
		if u > -0.5 {
			v = 1
		}
		d.valid = append(d.valid, v)
	}
	return d
}

// run gives the loss and its gradients.
func (d disagreement) run(t testing.TB) (float64, [][]float32) {
	t.Helper()
	exec, err := graph.NewExec(golden.Backend(), func(in []*graph.Node) []*graph.Node {
		n := len(in) - 1
		l := agreement(in[:n], in[n])
		// What comes from above is passed on.
		return append(graph.Gradient(graph.MulScalar(l, 2), in[:n]...), l)
	})
	if err != nil {
		t.Fatal(err)
	}
	defer exec.Finalize()
	var args []any
	for _, z := range d.outputs {
		args = append(args, tensors.FromFlatDataAndDimensions(z, d.dims...))
	}
	out, err := exec.Call(append(args, tensors.FromFlatDataAndDimensions(d.valid, d.dims[1:]...))...)
	if err != nil {
		t.Fatal(err)
	}
	n := len(d.outputs)
	gradients := make([][]float32, n)
	for i := range gradients {
		gradients[i] = tensors.MustCopyFlatData[float32](out[i])
		for j := range gradients[i] {
			gradients[i][j] /= 2
		}
	}
	return float64(tensors.ToScalar[float32](out[n])), gradients
}

// oracle is the formula, in float64, voxel by voxel.
func (d disagreement) oracle(outputs [][]float64) float64 {
	k, n, s := d.dims[0], len(d.valid), len(outputs)
	count := 0.0
	near, sure, divergences := make([]float64, s), make([]float64, s), make([]float64, s)
	for v := range n {
		if d.valid[v] == 0 {
			continue
		}
		count++
		logs, middle := make([][]float64, s), make([]float64, k)
		for i, z := range outputs {
			sum := 0.0
			for c := range k {
				sum += math.Exp(z[c*n+v])
			}
			for c := range k {
				logs[i] = append(logs[i], z[c*n+v]-math.Log(sum))
				middle[c] += math.Exp(logs[i][c]) / float64(s)
			}
		}
		for i := range outputs {
			kl, square := 0.0, 0.0
			for c := range k {
				kl += middle[c] * (math.Log(middle[c]) - logs[i][c])
				square += math.Pow(middle[c]-math.Exp(logs[i][c]), 2)
			}
			divergences[i] += kl
			sure[i] += math.Exp(-kl)
			near[i] += square * math.Exp(-kl) / float64(k)
		}
	}
	total := 0.0
	for i := range outputs {
		total += near[i]/count/(sure[i]/count+1e-8) + divergences[i]/count
	}
	return total / float64(s)
}

// formula gives the oracle's loss and its numeric gradients.
func (d disagreement) formula() (float64, [][]float64) {
	outputs, gradients := make([][]float64, len(d.outputs)), make([][]float64, len(d.outputs))
	for i, z := range d.outputs {
		for _, v := range z {
			outputs[i] = append(outputs[i], float64(v))
		}
	}
	for i, z := range outputs {
		for j, v := range z {
			const h = 1e-5
			z[j] = v + h
			up := d.oracle(outputs)
			z[j] = v - h
			down := d.oracle(outputs)
			z[j] = v
			gradients[i] = append(gradients[i], (up-down)/(2*h))
		}
	}
	return d.oracle(outputs), gradients
}

// check compares loss and gradients, relative to the largest of these.
func (d disagreement) check(t *testing.T, want float64, gradients [][]float64) {
	t.Helper()
	l, have := d.run(t)
	if !(math.Abs(l-want) <= 1e-5*want) {
		t.Errorf("loss %v, want %v", l, want)
	}
	largest, worst := 0.0, 0.0
	for i := range gradients {
		for j, w := range gradients[i] {
			largest, worst = max(largest, math.Abs(w)), max(worst, math.Abs(float64(have[i][j])-w))
		}
	}
	if !(worst <= 2e-5*largest) {
		t.Errorf("a gradient is wrong by %.3g, the largest is %.3g", worst, largest)
	}
	t.Logf("loss differs by %.2g of %.3g, gradients by %.2g of %.3g", math.Abs(l-want), want, worst, largest)
}

// TestAgreement compares the loss and its gradients with PyTorch, see tools/golden_unet3d, with the
// formula and with its numeric gradient.
func TestAgreement(t *testing.T) {
	data, err := os.ReadFile("testdata/urpc.json")
	if err != nil {
		t.Fatal(err)
	}
	var cases []struct {
		Outputs   int
		Dims      []int
		Scale     float32
		Loss      float64
		Gradients [][]float64
	}
	if err := json.Unmarshal(data, &cases); err != nil || len(cases) == 0 {
		t.Fatal(err)
	}
	for _, c := range cases {
		t.Run(fmt.Sprint("PyTorch ", c.Dims), func(t *testing.T) {
			made(c.Outputs, c.Dims, c.Scale).check(t, c.Loss, c.Gradients)
		})
	}
	for outputs, dims := range map[int][]int{4: {3, 2, 2, 1, 3}, 3: {5, 1, 3, 3}, 1: {2, 2, 4}} {
		t.Run(fmt.Sprint("formula ", dims), func(t *testing.T) {
			d := made(outputs, dims, 2)
			want, gradients := d.formula()
			if outputs == 1 { // it agrees with itself, up to rounding
				l, have := d.run(t)
				if largest := slices.Max(have[0]); !(math.Abs(l) < 1e-6 && largest < 1e-6) {
					t.Errorf("loss %v, largest gradient %v", l, largest)
				}
				return
			}
			d.check(t, want, gradients)
		})
	}
}

// TestAgreementEdges: probabilities that underflow give the formula's numbers, nothing is learnt of
// the padding, and NaN is not hidden.
func TestAgreementEdges(t *testing.T) {
	d := made(3, []int{3, 1, 8}, 1)
	d.outputs[0][1], d.outputs[1][2], d.outputs[2][8+2] = -300, 200, -1e4
	for i := range d.outputs { // a class that is 0 in all of them
		d.outputs[i][16+5] = -500
	}
	for i := range d.valid {
		d.valid[i] = 1
	}
	want, gradients := d.formula()
	d.check(t, want, gradients)
	clear(d.valid)
	l, none := d.run(t)
	for _, g := range none {
		if l != 0 || slices.Max(g) != 0 || slices.Min(g) != 0 {
			t.Errorf("without a valid voxel: loss %v, gradients %v", l, g)
		}
	}
	d.valid[3] = 1
	d.outputs[1][8+3] = float32(math.NaN())
	if l, _ := d.run(t); !math.IsNaN(l) {
		t.Errorf("loss %v with a NaN", l)
	}
}

// TestURPC: a step's losses are those of the outputs, and predictions are the finest of them.
func TestURPC(t *testing.T) {
	network := vnet.Config{Classes: 3, Filters: 2, Levels: 4, Norm: "bn"}
	small := network
	small.Levels = 2
	if CheckNetwork("urpc", network) != nil || CheckNetwork("urpc", small) == nil || CheckNetwork("vnet", small) != nil {
		t.Error("a network of one output is not refused, or another one is")
	}
	volumes := tensors.FromFlatDataAndDimensions(golden.Uniform("x", 3, 16, 8, 24), 3, 16, 8, 24, 1)
	labels, valid := make([]uint8, 16*8*24), make([]uint8, 2*16*8*24)
	for i, u := range golden.Uniform("labels", len(labels)) {
		if labels[i] = uint8((u + 1) * 2); labels[i] == 3 {
			labels[i] = 255
		}
	}
	for i, u := range golden.Uniform("valid", len(valid)) {
		if u > 0 {
			valid[i] = 1
		}
	}
	for _, kind := range []string{"ce", "dyce"} {
		c := Config{Kind: "urpc", Loss: loss.Constants(), Dice: loss.DiceConstants(), DiceWeight: 1}
		c.Loss.Kind, c.Loss.Omega, c.Loss.Hard, c.Loss.HardFraction = kind, 0.5, "top", 0.2
		if err := c.Check(network.Classes); err != nil {
			t.Fatal(err)
		}
		store := model.NewStore()
		exec, err := model.NewExec(golden.Backend(), store, func(_ *model.Scope, in []*graph.Node) []*graph.Node {
			g := in[0].Graph()
			part := &Volumes{Network: network, Values: in[0], Scope: func(root string) params.Scope {
				return params.In(store, g, root, params.Options{Seed: 1, Train: true})
			}}
			hard := graph.Scalar(g, dtypes.Float64, 0.2)
			s := &Step{Config: c, Volumes: part, Labels: in[1], Valid: in[2], Weight: graph.Const(g, float32(0.25)), Hard: hard, Store: store}
			l := s.Losses()
			student := part.Scope("student")
			outputs := unet3d.Logits(student, network, in[0], nil)
			voxels, dice := graph.ScalarZero(g, dtypes.Float32), graph.ScalarZero(g, dtypes.Float32)
			var unlabelled []*graph.Node
			for _, z := range outputs {
				first := graph.SliceAxis(z, 1, graph.AxisRange(0, 1))
				voxels = graph.Add(voxels, loss.SupervisedAt(c.Loss, first, in[1], hard))
				dice = graph.Add(dice, loss.Dice(c.Dice, first, in[1]))
				unlabelled = append(unlabelled, graph.SliceAxis(z, 1, graph.AxisRangeToEnd(1)))
			}
			difference := graph.Sub(Logits("urpc", student, network, in[0]), outputs[0])
			return []*graph.Node{l.Total, l.Supervised, l.Dice, l.Unsupervised, l.Kept,
				voxels, dice, agreement(unlabelled, in[2]), layer.Sum(graph.Square(difference))}
		})
		if err != nil {
			t.Fatal(err)
		}
		out, err := exec.Call(volumes, tensors.FromFlatDataAndDimensions(labels, 1, 16, 8, 24), tensors.FromFlatDataAndDimensions(valid, 2, 16, 8, 24))
		if err != nil {
			t.Fatal(err)
		}
		v := make([]float64, len(out))
		for i, x := range out {
			v[i] = float64(tensors.ToScalar[float32](x))
		}
		voxels, dice, u := v[5]/3, v[6]/3, v[7]
		for i, want := range []float64{(voxels+dice)/2 + u/4, voxels, dice, u, 0} {
			if !(math.Abs(v[i]-want) <= 1e-6*(1+want)) || want == 0 && i < 4 {
				t.Errorf("%s: value %d is %v, want %v", kind, i, v[i], want)
			}
		}
		if v[8] != 0 {
			t.Errorf("%s: what is predicted is not the finest output", kind)
		}
	}
}
