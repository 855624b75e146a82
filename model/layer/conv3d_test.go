package layer

import (
	"fmt"
	"math"
	"testing"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"

	"semidavil/model/layer/golden"
	"semidavil/model/params"
)

// volumes is the shape [B,C,D,H,W].
type volumes struct{ d [5]int }

func newVolumes(d ...int) volumes { return volumes{[5]int(d)} }

func (x volumes) index(i ...int) int {
	index := 0
	for axis, n := range x.d {
		index = index*n + i[axis]
	}
	return index
}

// each calls f for every voxel of every volume.
func (x volumes) each(f func(b, z, y, x int)) {
	for b := range x.d[0] {
		for z := range x.d[2] {
			for y := range x.d[3] {
				for i := range x.d[4] {
					f(b, z, y, i)
				}
			}
		}
	}
}

// oracles go through output voxels, kernel positions and channels; product is called for
// every product of an input, a weight and the output that it is added to.
var oracles = map[string]func(x volumes, out int, product func(from, weight, to int)){
	"conv": func(x volumes, out int, product func(from, weight, to int)) {
		y := newVolumes(x.d[0], out, x.d[2], x.d[3], x.d[4])
		x.each(func(b, z, i, j int) {
			for k := range 27 {
				at := [3]int{z + k/9 - 1, i + k/3%3 - 1, j + k%3 - 1}
				if min(at[0], at[1], at[2]) < 0 || at[0] >= x.d[2] || at[1] >= x.d[3] || at[2] >= x.d[4] {
					continue
				}
				for c := range x.d[1] {
					for e := range out {
						product(x.index(b, c, at[0], at[1], at[2]), (k*x.d[1]+c)*out+e, y.index(b, e, z, i, j))
					}
				}
			}
		})
	},
	"down": func(x volumes, out int, product func(from, weight, to int)) {
		y := newVolumes(x.d[0], out, x.d[2]/2, x.d[3]/2, x.d[4]/2)
		x.each(func(b, z, i, j int) {
			k := z%2*4 + i%2*2 + j%2
			for c := range x.d[1] {
				for e := range out {
					product(x.index(b, c, z, i, j), (k*x.d[1]+c)*out+e, y.index(b, e, z/2, i/2, j/2))
				}
			}
		})
	},
	"up": func(x volumes, out int, product func(from, weight, to int)) {
		y := newVolumes(x.d[0], out, x.d[2]*2, x.d[3]*2, x.d[4]*2)
		y.each(func(b, z, i, j int) {
			k := z%2*4 + i%2*2 + j%2
			for c := range x.d[1] {
				for e := range out {
					product(x.index(b, c, z/2, i/2, j/2), (c*8+k)*out+e, y.index(b, e, z, i, j))
				}
			}
		})
	},
	"point": func(x volumes, out int, product func(from, weight, to int)) {
		y := newVolumes(x.d[0], out, x.d[2], x.d[3], x.d[4])
		x.each(func(b, z, i, j int) {
			for c := range x.d[1] {
				for e := range out {
					product(x.index(b, c, z, i, j), c*out+e, y.index(b, e, z, i, j))
				}
			}
		})
	},
}

// TestVolumes compares the convolutions of volumes and their gradients with loops, the
// 3×3×3 one in both of its forms.
func TestVolumes(t *testing.T) {
	build := map[string]func(s params.Scope, x *graph.Node, out int) *graph.Node{
		"conv": Conv3D, "down": Down3D, "up": Up3D, "point": Point3D,
		"conv of XLA": func(s params.Scope, x *graph.Node, out int) *graph.Node {
			return form3D{}.conv(s, x, out)
		},
	}
	for name, f := range build {
		oracle := oracles[name]
		if oracle == nil {
			oracle = oracles["conv"]
		}
		for _, dims := range [][]int{{2, 3, 4, 6, 2}, {1, 1, 2, 2, 4}, {3, 2, 2, 4, 4}} {
			for _, out := range []int{1, 2, 5} {
				t.Run(fmt.Sprint(name, dims, out), func(t *testing.T) {
					store := model.NewStore()
					exec, err := model.NewExec(golden.Backend(), store, func(_ *model.Scope, x *graph.Node) []*graph.Node {
						g := x.Graph()
						s := params.In(store, g, "net", params.Options{Seed: 1})
						y := f(s, x, out)
						dy := golden.Uniform("dy", y.Shape().Dimensions...)
						sum := graph.ReduceAllSum(graph.Mul(y, graph.ConstTensor(g, tensors.FromFlatDataAndDimensions(dy, y.Shape().Dimensions...))))
						w := store.GetVariable("/net/weight").NodeValue(g)
						return append(graph.Gradient(sum, x, w), y)
					})
					if err != nil {
						t.Fatal(err)
					}
					x := golden.Uniform("x", dims...)
					have, err := exec.Call(tensors.FromFlatDataAndDimensions(x, dims...))
					if err != nil {
						t.Fatal(err)
					}
					w := tensors.MustCopyFlatData[float32](store.GetVariable("/net/weight").MustValue())
					dy := golden.Uniform("dy", have[2].Shape().Dimensions...)
					wantX, wantW, wantY := make([]float64, len(x)), make([]float64, len(w)), make([]float64, len(dy))
					oracle(newVolumes(dims...), out, func(from, weight, to int) {
						wantY[to] += float64(x[from]) * float64(w[weight])
						wantX[from] += float64(w[weight]) * float64(dy[to])
						wantW[weight] += float64(x[from]) * float64(dy[to])
					})
					for i, want := range [][]float64{wantX, wantW, wantY} {
						for j, v := range tensors.MustCopyFlatData[float32](have[i]) {
							if !(math.Abs(float64(v)-want[j]) < 1e-5) {
								t.Fatalf("output %d, element %d is %v, want %v", i, j, v, want[j])
							}
						}
					}
				})
			}
		}
	}
}

// TestVolumesBFloat16: all of it runs in the short type.
func TestVolumesBFloat16(t *testing.T) {
	for _, train := range []bool{false, true} {
		store := model.NewStore()
		exec, err := model.NewExec(golden.Backend(), store, func(_ *model.Scope, x *graph.Node) *graph.Node {
			s := params.In(store, x.Graph(), "net", params.Options{Compute: dtypes.BFloat16, Train: train})
			y := graph.ConvertDType(x, dtypes.BFloat16)
			y = Conv3D(s.At("conv"), y, 4)
			y = BatchNormReLU(s.At("norm"), y, s.Weight("bias", params.Zeros, 4))
			y = Up3D(s.At("up"), Down3D(s.At("down"), y, 8), 4)
			y = Point3D(s.At("out"), GroupNormReLU(s.At("group"), y, s.Weight("shift", params.Zeros, 4), 2), 3)
			if y.DType() != dtypes.BFloat16 {
				t.Errorf("the result is %s", y.DType())
			}
			return graph.Gradient(graph.ReduceAllSum(graph.ConvertDType(y, dtypes.Float32)), x)[0]
		})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := exec.Call(tensors.FromFlatDataAndDimensions(golden.Uniform("x", 2, 3, 4, 4, 6), 2, 3, 4, 4, 6)); err != nil {
			t.Error(err)
		}
	}
}
