package clip

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"semidavil/model/layer/golden"

	"github.com/gomlx/gomlx/core/tensors"
)

// goldenFile is a file that tools/golden_clip wrote.
type goldenFile struct {
	Config map[string]int
	Batch  int
	// Sizes are heights and widths of the images.
	Sizes   [][2]int
	Tensors map[string]sampled
}

// sampled is a tensor as its largest magnitude, its sum and some elements.
type sampled struct {
	Shape    []int
	Max, Sum float64
	Values   []float64
}

func readGolden(t testing.TB, name string) goldenFile {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	var g goldenFile
	if err := json.Unmarshal(data, &g); err != nil {
		t.Fatal(err)
	}
	return g
}

func (g goldenFile) config() Config {
	c := g.Config
	return Config{
		ImageSize: c["image"], PatchSize: c["patch"], VisionWidth: c["vw"], VisionLayers: c["vl"], VisionHeads: c["vh"],
		TextWidth: c["tw"], TextLayers: c["tl"], TextHeads: c["th"], Context: c["context"], Vocab: c["vocab"], Embed: c["embed"],
	}
}

// compare checks a tensor against its golden sample.
func (g goldenFile) compare(t *testing.T, name string, got *tensors.Tensor, limit float64) {
	t.Helper()
	want, ok := g.Tensors[name]
	if !ok {
		t.Errorf("%s: not in the golden file", name)
		return
	}
	if !slices.Equal(got.Shape().Dimensions, want.Shape) {
		t.Errorf("%s: shape is %v, want %v", name, got.Shape().Dimensions, want.Shape)
		return
	}
	values, err := tensors.CopyFlatData[float32](got)
	if err != nil {
		t.Fatal(err)
	}
	worst, largest := 0.0, 1e-30
	h := golden.Hash("sample/" + name)
	for j, w := range want.Values {
		i := j
		if len(values) > len(want.Values) {
			i = int(h(j) % uint64(len(values)))
		}
		// NaN is worse than all.
		if d := math.Abs(float64(values[i]) - w); !(d <= worst) {
			worst = d
		}
	}
	sum := 0.0
	for _, v := range values {
		sum += float64(v)
		largest = max(largest, math.Abs(float64(v)))
	}
	// Gradients that are zero, such as the key bias', are compared with 1e-3.
	scale := max(want.Max, 1e-3)
	if e := worst / scale; !(e <= limit) {
		t.Errorf("%s: differs by %.2g of the largest value %.3g", name, e, want.Max)
	}
	if e := math.Abs(largest-want.Max) / scale; !(e <= limit) {
		t.Errorf("%s: largest magnitude is %.7g, want %.7g", name, largest, want.Max)
	}
	if e := math.Abs(sum-want.Sum) / scale / math.Sqrt(float64(len(values))); !(e <= limit) {
		t.Errorf("%s: sum is %.7g, want %.7g", name, sum, want.Sum)
	}
	if testing.Verbose() && strings.HasPrefix(t.Name(), "TestGoldenViTB16") {
		fmt.Printf("%-40s error %.1e of %.3g\n", name, worst/scale, want.Max)
	}
}

func (g goldenFile) compareAll(t *testing.T, got map[string]*tensors.Tensor, limit float64) {
	t.Helper()
	for _, name := range slices.Sorted(maps.Keys(got)) {
		g.compare(t, name, got[name], limit)
	}
}
