package diffvnet

import (
	"fmt"
	"strings"
	"testing"

	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"

	"semidavil/model/layer"
	"semidavil/model/layer/golden"
	"semidavil/model/params"
	"semidavil/model/vnet"
)

// times are those of golden_diffvnet.py.
var times = []int32{37, 911}

// TestGolden checks passes and samples, all gradients and running statistics against PyTorch, see
// tools/golden_diffvnet.
func TestGolden(t *testing.T) {
	for name, c := range golden.Read(t) {
		t.Run(name, func(t *testing.T) {
			kind, rest, _ := strings.Cut(name, "_")
			config := vnet.Config{Classes: 3, Filters: c.Params["encoder/1/down/weight"][0] / 8}
			var mode string
			if _, err := fmt.Sscanf(rest, "%2s_%d_%s", &config.Norm, &config.Levels, &mode); err != nil {
				t.Fatal(err)
			}
			c.Check(t, params.Options{Train: mode != "eval"}, func(s params.Scope, in map[string]*graph.Node) (y *graph.Node) {
				defer func() {
					if mode == "forward" && kind != "sample" {
						y = graph.StopGradient(y)
					}
				}()
				n := Network{Scope: s, Config: config}
				if kind != Psi && mode != "eval" {
					n.Drop = dropped(s.Graph())
				}
				switch kind {
				case xi:
					return n.Denoise(in["x"], in["noised"], graph.Const(s.Graph(), times))
				case "sample":
					return Sample(in["normal"], func(x, time *graph.Node) *graph.Node { return n.Denoise(in["x"], x, time) })
				}
				return n.Segment(kind, in["x"])
			})
		})
	}
}

// dropped is Dropped of golden_diffvnet.py.
func dropped(g *graph.Graph) layer.Drop {
	count := 0
	return func(images, channels int, p float64) *graph.Node {
		factors := golden.Uniform(fmt.Sprint("drop/", count), images, channels)
		count++
		for i, u := range factors {
			factors[i] = 0
			if float64(u) >= 2*p-1 {
				factors[i] = float32(1 / (1 - p))
			}
		}
		return graph.ConstTensor(g, tensors.FromFlatDataAndDimensions(factors, images, channels))
	}
}

// TestCheck: a network that does not fit is refused.
func TestCheck(t *testing.T) {
	for want, c := range map[string]vnet.Config{
		"multiple of 4":   {Classes: 3, Filters: 2, Levels: 3, Norm: "bn"},
		"unknown norm \"": {Classes: 3, Filters: 2, Levels: 2},
	} {
		store := model.NewStore()
		exec, err := model.NewExec(golden.Backend(), store, func(_ *model.Scope, x *graph.Node) *graph.Node {
			return Network{Scope: params.In(store, x.Graph(), "net", params.Options{}), Config: c}.Segment(Psi, x)
		})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := exec.Call(tensors.FromFlatDataAndDimensions(make([]float32, 36), 1, 6, 6, 1, 1)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v gives %v, want %q", c, err, want)
		}
	}
}
