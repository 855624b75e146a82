package layer

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"semidavil/model/layer/golden"
)

// withGradient gives f(x) and the gradient of its sum times dy.
func withGradient(t *testing.T, f func(x *graph.Node) *graph.Node, x []float32, dims ...int) (y, dx []float32) {
	t.Helper()
	exec, err := graph.NewExec(golden.Backend(), func(x *graph.Node) []*graph.Node {
		y := f(x)
		d := y.Shape().Dimensions
		dy := graph.ConstTensor(x.Graph(), tensors.FromFlatDataAndDimensions(golden.Uniform("dy", d...), d...))
		return append(graph.Gradient(graph.ReduceAllSum(graph.Mul(y, dy)), x), y)
	})
	if err != nil {
		t.Fatal(err)
	}
	defer exec.Finalize()
	out, err := exec.Call(tensors.FromFlatDataAndDimensions(x, dims...))
	if err != nil {
		t.Fatal(err)
	}
	return tensors.MustCopyFlatData[float32](out[1]), tensors.MustCopyFlatData[float32](out[0])
}

// compare wants all values within a part of the largest one.
func compare(t *testing.T, name string, have []float32, want []float64, tolerance float64) {
	t.Helper()
	if len(have) != len(want) {
		t.Fatalf("%s: %d values, want %d", name, len(have), len(want))
	}
	largest := 0.0
	for _, w := range want {
		largest = max(largest, math.Abs(w))
	}
	for i, w := range want {
		if !(math.Abs(float64(have[i])-w) <= tolerance*largest) {
			t.Fatalf("%s: value %d is %v, want %v, the largest is %v", name, i, have[i], w, largest)
		}
	}
}

// TestMaxPool3D has values of few sizes, so that the largest often comes twice.
func TestMaxPool3D(t *testing.T) {
	for _, dims := range [][]int{{2, 3, 4, 6, 2}, {1, 1, 2, 2, 8}, {3, 2, 6, 4, 4}} {
		x, shape := golden.Uniform("x", dims...), newVolumes(dims...)
		for i, v := range x {
			x[i] = float32(math.Round(float64(v) * 3))
		}
		small := newVolumes(dims[0], dims[1], dims[2]/2, dims[3]/2, dims[4]/2)
		dy := golden.Uniform("dy", small.d[:]...)
		wantY, wantX := make([]float64, len(dy)), make([]float64, len(x))
		small.each(func(b, z, i, j int) {
			for c := range dims[1] {
				best := shape.index(b, c, 2*z, 2*i, 2*j)
				for k := range 8 {
					if at := shape.index(b, c, 2*z+k/4, 2*i+k/2%2, 2*j+k%2); x[at] > x[best] {
						best = at
					}
				}
				to := small.index(b, c, z, i, j)
				wantY[to] = float64(x[best])
				wantX[best] = float64(dy[to])
			}
		})
		y, dx := withGradient(t, MaxPool3D, x, dims...)
		compare(t, fmt.Sprint(dims, " result"), y, wantY, 0)
		compare(t, fmt.Sprint(dims, " gradient"), dx, wantX, 0)
	}
}

// TestResizeVolumes compares with the eight neighbours of each voxel.
func TestResizeVolumes(t *testing.T) {
	for _, dims := range [][]int{{2, 3, 4, 6, 2}, {1, 2, 1, 3, 5}} {
		for _, times := range [][3]int{{2, 2, 2}, {8, 8, 8}, {1, 4, 2}, {2, 1, 1}, {1, 1, 1}} {
			x, shape := golden.Uniform("x", dims...), newVolumes(dims...)
			large := newVolumes(dims[0], dims[1], dims[2]*times[0], dims[3]*times[1], dims[4]*times[2])
			dy := golden.Uniform("dy", large.d[:]...)
			wantY, wantX := make([]float64, len(dy)), make([]float64, len(x))
			large.each(func(b, z, i, j int) {
				for k := range 8 {
					share, at := 1.0, [3]int{}
					for axis, o := range [3]int{z, i, j} {
						// The middle of a voxel is half a voxel from its border.
						place := max(0, (float64(o)+0.5)/float64(times[axis])-0.5)
						first := math.Floor(place)
						if next := k >> axis & 1; next == 1 {
							share *= place - first
							first++
						} else {
							share *= 1 - (place - first)
						}
						at[axis] = min(int(first), dims[2+axis]-1)
					}
					for c := range dims[1] {
						from, to := shape.index(b, c, at[0], at[1], at[2]), large.index(b, c, z, i, j)
						wantY[to] += share * float64(x[from])
						wantX[from] += share * float64(dy[to])
					}
				}
			})
			y, dx := withGradient(t, func(x *graph.Node) *graph.Node {
				return ResizeVolumes(x, large.d[2], large.d[3], large.d[4], Bilinear)
			}, x, dims...)
			compare(t, fmt.Sprint(dims, times, " result"), y, wantY, 1e-6)
			compare(t, fmt.Sprint(dims, times, " gradient"), dx, wantX, 1e-6)
		}
	}
}

// TestInstanceNormReLU compares with the formula and its numeric gradient. A channel is far from 0,
// one is constant, and a grid may have a single voxel.
func TestInstanceNormReLU(t *testing.T) {
	for _, dims := range [][]int{{2, 3, 2, 3, 5}, {1, 2, 4, 2, 2}, {2, 2, 1, 1, 1}} {
		x := golden.Uniform("x", dims...)
		n := dims[2] * dims[3] * dims[4]
		for i := range n {
			x[i] += 30
			x[n+i] = 0.5
		}
		dy := golden.Uniform("dy", dims...)
		formula := func(x []float64) []float64 {
			y, mean, variance := make([]float64, n), 0.0, 0.0
			for _, v := range x {
				mean += v / float64(n)
			}
			for _, v := range x {
				variance += (v - mean) * (v - mean) / float64(n)
			}
			for i, v := range x {
				y[i] = max(0, (v-mean)/math.Sqrt(variance+1e-5))
			}
			return y
		}
		var wantY, wantX []float64
		for at := 0; at < len(x); at += n {
			wide := make([]float64, n)
			for i := range wide {
				wide[i] = float64(x[at+i])
			}
			wantY = append(wantY, formula(wide)...)
			for i, v := range wide {
				const h = 1e-6
				if at == n || n == 1 { // constant: at the edge of ReLU, whose gradient at 0 is 0
					wantX = append(wantX, 0)
					continue
				}
				slope := 0.0
				for _, sign := range []float64{1, -1} {
					wide[i] = v + sign*h
					for j, y := range formula(wide) {
						slope += sign * y * float64(dy[at+j]) / (2 * h)
					}
				}
				wide[i] = v
				wantX = append(wantX, slope)
			}
		}
		y, dx := withGradient(t, InstanceNormReLU, x, dims...)
		compare(t, fmt.Sprint(dims, " result"), y, wantY, 1e-5)
		compare(t, fmt.Sprint(dims, " gradient"), dx, wantX, 2e-5)
	}
}

// TestUNetBFloat16: these layers run in the short type too.
func TestUNetBFloat16(t *testing.T) {
	_, dx := withGradient(t, func(x *graph.Node) *graph.Node {
		y := MaxPool3D(InstanceNormReLU(graph.ConvertDType(x, dtypes.BFloat16)))
		if y = ResizeVolumes(y, 4, 4, 4, Bilinear); y.DType() != dtypes.BFloat16 {
			t.Errorf("the result is %s", y.DType())
		}
		return graph.ConvertDType(y, dtypes.Float32)
	}, golden.Uniform("x", 2, 3, 4, 4, 4), 2, 3, 4, 4, 4)
	if slices.Max(dx) == 0 || slices.ContainsFunc(dx, func(v float32) bool { return math.IsNaN(float64(v)) }) {
		t.Errorf("gradient %v", dx)
	}
}
