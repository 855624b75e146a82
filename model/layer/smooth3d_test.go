package layer

import (
	"math"
	"testing"

	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"semidavil/model/layer/golden"
)

// TestSmooth3D compares with the sum over 27 neighbours, as the cited code has it.
func TestSmooth3D(t *testing.T) {
	x := newVolumes(2, 3, 4, 1, 5)
	values := golden.Uniform("x", x.d[:]...)
	exec, err := graph.NewExec(golden.Backend(), Smooth3D)
	if err != nil {
		t.Fatal(err)
	}
	out, err := exec.Call1(tensors.FromFlatDataAndDimensions(values, x.d[:]...))
	if err != nil {
		t.Fatal(err)
	}
	have := tensors.MustCopyFlatData[float32](out)
	var kernel [27]float64
	total := 0.0
	for k := range kernel {
		for _, at := range []int{k / 9, k / 3 % 3, k % 3} {
			kernel[k] -= float64((at-1)*(at-1)) / 2
		}
		kernel[k] = math.Exp(kernel[k]) / math.Pow(2*math.Pi, 1.5)
		total += kernel[k]
	}
	for c := range x.d[1] {
		x.each(func(b, z, i, j int) {
			want := 0.0
			for k, weight := range kernel {
				at := [3]int{z + k/9 - 1, i + k/3%3 - 1, j + k%3 - 1}
				if min(at[0], at[1], at[2]) >= 0 && at[0] < x.d[2] && at[1] < x.d[3] && at[2] < x.d[4] {
					want += weight / total * float64(values[x.index(b, c, at[0], at[1], at[2])])
				}
			}
			if v := float64(have[x.index(b, c, z, i, j)]); !(math.Abs(v-want) < 2e-7) {
				t.Fatalf("voxel %d %d %d %d %d is %v, want %v", b, c, z, i, j, v, want)
			}
		})
	}
}
