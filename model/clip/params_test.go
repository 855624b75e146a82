package clip

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"testing"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/model"

	"semidavil/model/params"
)

// vitB16 is openai/clip-vit-base-patch16: 149,620,737 parameters.
func vitB16() Config {
	return Config{
		ImageSize: 224, PatchSize: 16,
		VisionWidth: 768, VisionLayers: 12, VisionHeads: 12,
		TextWidth: 512, TextLayers: 12, TextHeads: 8,
		Context: 77, Vocab: 49408, Embed: 512,
	}
}

// shapesOf lists the parameters of CLIP as the published layout has them.
func shapesOf(c Config) map[string][]int {
	m := map[string][]int{
		"vision/patch/weight": {c.PatchSize * c.PatchSize * 3, c.VisionWidth},
		"vision/class":        {c.VisionWidth},
		"vision/positions":    {1 + c.Grid()*c.Grid(), c.VisionWidth},
		"vision/proj/weight":  {c.VisionWidth, c.Embed},
		"text/tokens":         {c.Vocab, c.TextWidth},
		"text/positions":      {c.Context, c.TextWidth},
		"text/proj/weight":    {c.TextWidth, c.Embed},
		"logit_scale":         {},
	}
	pair := func(name string, weight, bias []int) { m[name+"/weight"], m[name+"/bias"] = weight, bias }
	norm := func(name string, w int) { pair(name, []int{w}, []int{w}) }
	norm("vision/ln_pre", c.VisionWidth)
	norm("vision/ln_post", c.VisionWidth)
	norm("text/ln_final", c.TextWidth)
	tower := func(name string, w, layers int) {
		for i := range layers {
			at := fmt.Sprintf("%s/blocks/%d/", name, i)
			norm(at+"ln_1", w)
			norm(at+"ln_2", w)
			pair(at+"attn/qkv", []int{w, 3 * w}, []int{3 * w})
			pair(at+"attn/out", []int{w, w}, []int{w})
			pair(at+"mlp/up", []int{w, 4 * w}, []int{4 * w})
			pair(at+"mlp/down", []int{4 * w, w}, []int{w})
		}
	}
	tower("vision", c.VisionWidth, c.VisionLayers)
	tower("text", c.TextWidth, c.TextLayers)
	return m
}

// built makes the variables by building the graph of everything, without running it.
func built(t testing.TB, c Config) *model.Store {
	t.Helper()
	store := model.NewStore()
	g := graph.NewGraph(goBackend(), "parameters")
	defer g.Finalize()
	s := params.In(store, g, network, params.Options{})
	image := graph.Parameter(g, "image", shapes.Make(dtypes.Uint8, 2, c.ImageSize, c.ImageSize, 3))
	tokens := graph.Parameter(g, "tokens", shapes.Make(dtypes.Int32, 2, c.Context))
	DenseVision(s, c, Normalise(image))
	_, text := Text(s, c, tokens)
	Contrastive(s, PooledVision(s, c, Normalise(image)), text, true)
	return store
}

func TestParameters(t *testing.T) {
	configs := []struct {
		name   string
		config Config
		total  int
	}{{"tiny", Tiny(512), 0}, {"vitb16", vitB16(), 149_620_737}}
	for _, c := range configs {
		t.Run(c.name, func(t *testing.T) {
			if testing.Short() && c.total > 0 {
				t.Skip("draws 150 million random values")
			}
			want := shapesOf(c.config)
			total := 0
			for v := range built(t, c.config).IterVariables() {
				name := v.Path()[len("/"+network+"/"):]
				dims, ok := want[name]
				if !ok || !slices.Equal(dims, v.Shape().Dimensions) {
					t.Errorf("%s has shape %v, want %v", name, v.Shape().Dimensions, dims)
				}
				delete(want, name)
				total += v.Shape().Size()
			}
			for name := range maps.Keys(want) {
				t.Errorf("%s is missing", name)
			}
			if c.total > 0 && total != c.total {
				t.Errorf("%d parameters, want %d", total, c.total)
			}
		})
	}
}

// TestInitialValues checks the spread of the initial values.
func TestInitialValues(t *testing.T) {
	c := Tiny(512)
	values, err := params.Read(built(t, c), network)
	if err != nil {
		t.Fatal(err)
	}
	w, l := float64(c.VisionWidth), float64(c.VisionLayers)
	for name, want := range map[string]float64{
		"vision/patch/weight":             1 / math.Sqrt(3*8*8*3), // of U(-a,a) with a = 1/√(3P²)
		"vision/positions":                1 / math.Sqrt(w),
		"vision/proj/weight":              1 / math.Sqrt(w),
		"vision/blocks/1/attn/qkv/weight": 1 / math.Sqrt(w),
		"vision/blocks/1/attn/out/weight": 1 / math.Sqrt(w*2*l),
		"vision/blocks/1/mlp/up/weight":   1 / math.Sqrt(2*w),
		"vision/blocks/1/mlp/down/weight": 1 / math.Sqrt(w*2*l),
		"text/tokens":                     0.02,
		"text/positions":                  0.01,
		"text/blocks/1/attn/out/weight":   1 / math.Sqrt(64*2*2.),
		"text/proj/weight":                1 / math.Sqrt(64.),
		"vision/blocks/1/attn/qkv/bias":   0,
		"vision/blocks/1/mlp/up/bias":     0,
	} {
		var sum float64
		data := values[name].Data().([]float32)
		for _, v := range data {
			sum += float64(v) * float64(v)
		}
		// 2 % is 3 to 4 standard errors of the smallest of them.
		if got := math.Sqrt(sum / float64(len(data))); math.Abs(got-want) > 0.03*want {
			t.Errorf("%s: root mean square is %.4g, want %.4g", name, got, want)
		}
	}
	if v := values["logit_scale"].Data().(float32); math.Abs(float64(v)-2.6592600) > 1e-6 {
		t.Errorf("logit_scale is %v, want ln(1/0.07)", v)
	}
}
