package weights

import (
	"encoding/binary"
	"encoding/json"
	"hash/crc32"
	"math"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"

	"semidavil/model/backend"
	"semidavil/model/clip"
	"semidavil/model/params"
)

// tiny is the CLIP of tools/golden_weights.
var tiny = clip.Config{
	ImageSize: 12, PatchSize: 4, VisionWidth: 8, VisionLayers: 3, VisionHeads: 2,
	TextWidth: 12, TextLayers: 2, TextHeads: 3, Context: 7, Vocab: 23, Embed: 6,
}

// expected is testdata/params.json.
type expected struct {
	Params []struct {
		Name  string
		Shape []int
	}
	CRC map[string]uint32
}

func readJSON(t testing.TB, name string, v any) {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, v); err != nil {
		t.Fatal(err)
	}
}

// tinyValues are the parameters that Python arranged.
func tinyValues(t testing.TB) params.Values {
	t.Helper()
	var want expected
	readJSON(t, "params.json", &want)
	data, err := os.ReadFile("testdata/params_f32.bin")
	if err != nil {
		t.Fatal(err)
	}
	values := params.Values{}
	for _, p := range want.Params {
		v := make([]float32, params.Size(p.Shape))
		for i := range v {
			v[i] = math.Float32frombits(binary.LittleEndian.Uint32(data[4*i:]))
		}
		data = data[4*len(v):]
		values[p.Name] = params.Dense(v, p.Shape...)
	}
	if len(data) > 0 {
		t.Fatalf("%d bytes left", len(data))
	}
	return values
}

// crcOf is the checksum that Python took.
func crcOf(values params.Values) uint32 {
	var data []byte
	for _, name := range values.Names() {
		for _, v := range flat(values[name]).([]float32) {
			data = binary.LittleEndian.AppendUint32(data, math.Float32bits(v))
		}
	}
	return crc32.ChecksumIEEE(data)
}

// same compares bits.
func same(t testing.TB, have, want params.Values) {
	t.Helper()
	if !slices.Equal(have.Names(), want.Names()) {
		t.Fatalf("have %q, want %q", have.Names(), want.Names())
	}
	for name, w := range want {
		h := have[name]
		if !slices.Equal([]int(h.Shape()), []int(w.Shape())) || h.Dtype() != w.Dtype() {
			t.Errorf("%s: have %v %v, want %v %v", name, h.Dtype(), h.Shape(), w.Dtype(), w.Shape())
			continue
		}
		switch a := flat(h).(type) {
		case []float32:
			for i, v := range flat(w).([]float32) {
				if math.Float32bits(a[i]) != math.Float32bits(v) {
					t.Fatalf("%s: element %d is %v, want %v", name, i, a[i], v)
				}
			}
		case []int64:
			if !slices.Equal(a, flat(w).([]int64)) {
				t.Errorf("%s: have %v, want %v", name, a, flat(w))
			}
		}
	}
}

func TestLoadGolden(t *testing.T) {
	var want expected
	readJSON(t, "params.json", &want)
	exact := tinyValues(t)
	for folder, kind := range map[string]string{
		"hf_f32": "f32", "hf_f16": "f16", "hf_bf16": "bf16", "hf_sharded": "f32", "openai_f32": "f32", "openai_f16_sharded": "f16",
	} {
		t.Run(folder, func(t *testing.T) {
			c, values, err := LoadCLIP(t.Context(), filepath.Join("testdata", folder))
			if err != nil {
				t.Fatal(err)
			}
			if c != tiny {
				t.Errorf("config is %+v", c)
			}
			for _, p := range want.Params {
				if d := values[p.Name]; d == nil || !slices.Equal([]int(d.Shape()), p.Shape) {
					t.Errorf("%s: have %v, want shape %v", p.Name, d, p.Shape)
				}
			}
			if kind == "f32" {
				same(t, values, exact)
			}
			if crc := crcOf(values); len(values) != len(want.Params) || crc != want.CRC[kind] {
				t.Errorf("%d parameters with checksum %08x, want %d with %08x", len(values), crc, len(want.Params), want.CRC[kind])
			}
		})
	}
}

// TestOutputs runs both towers with loaded weights and compares with transformers.
func TestOutputs(t *testing.T) {
	var want struct {
		Image         [][][][]uint8 `json:"image"`
		Tokens        [][]int32     `json:"tokens"`
		ImageFeatures [][]float64   `json:"image_features"`
		TextFeatures  [][]float64   `json:"text_features"`
	}
	readJSON(t, "outputs.json", &want)
	c, values, err := LoadCLIP(t.Context(), "testdata/openai_f32")
	if err != nil {
		t.Fatal(err)
	}
	engine, err := backend.NewGo()
	if err != nil {
		t.Fatal(err)
	}
	defer engine.Finalize()
	store := model.NewStore()
	if err := params.Load(store, "clip", values); err != nil {
		t.Fatal(err)
	}
	exec, err := model.NewExec(engine, store, func(_ *model.Scope, image, tokens *graph.Node) (*graph.Node, *graph.Node) {
		s := params.In(store, image.Graph(), "clip", params.Options{})
		_, text := clip.Text(s, c, tokens)
		return clip.PooledVision(s, c, clip.Normalise(image)), text
	})
	if err != nil {
		t.Fatal(err)
	}
	defer exec.Finalize()
	out, err := exec.Call(want.Image, want.Tokens)
	if err != nil {
		t.Fatal(err)
	}
	for i, rows := range [][][]float64{want.ImageFeatures, want.TextFeatures} {
		have, err := tensors.CopyFlatData[float32](out[i])
		if err != nil {
			t.Fatal(err)
		}
		for j, w := range slices.Concat(rows...) {
			if h := float64(have[j]); math.Abs(h-w) > 2e-5 {
				t.Errorf("output %d: element %d is %v, want %v", i, j, h, w)
			}
		}
	}
	n := 0
	for range store.IterVariables() {
		n++
	}
	if n != len(values) { // logit_scale is not used here, but loaded
		t.Errorf("%d variables in the store for %d values", n, len(values))
	}
}
