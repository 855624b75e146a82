package blip

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes/bfloat16"
	"github.com/gomlx/compute/dtypes/float16"

	"semidavil/model/backend"
	"semidavil/model/layer/golden"
	"semidavil/model/params"
)

var goBackend = sync.OnceValue(func() compute.Backend {
	b, err := backend.NewGo()
	if err != nil {
		panic(err)
	}
	return b
})

// goldenFile is a file that tools/golden_blip2 or tools/golden_blip wrote.
type goldenFile struct {
	Config, Generation json.RawMessage
	DType, Salt        string
	Shapes             map[string][]int
	Runs               []struct {
		Arguments struct {
			Max     int      `json:"max_new_tokens"`
			Min     int      `json:"min_new_tokens"`
			Beams   int      `json:"num_beams"`
			Penalty *float64 `json:"length_penalty"`
			Early   Stopping `json:"early_stopping"`
		}
		Prompt []int32
		Tokens [][]int32
		// Logits are those at hashed positions of each step and image, and the largest magnitude.
		Logits [][][]float64
	}
}

// options are for a folder with the file's network.
func (g goldenFile) options(t testing.TB) Options {
	t.Helper()
	var c struct {
		ModelType Family `json:"model_type"`
	}
	if err := json.Unmarshal(g.Config, &c); err != nil {
		t.Fatal(err)
	}
	return Options{Family: c.ModelType}
}

func readGolden(t testing.TB, name string) (g goldenFile) {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", name+".json"))
	if err == nil {
		err = json.Unmarshal(data, &g)
	}
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// folder writes the model as transformers does, in parts of so many tensors; 0 is one file.
func (g goldenFile) folder(t testing.TB, perPart int) string {
	t.Helper()
	dir := t.TempDir()
	write := func(name string, data []byte) {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	write("config.json", g.Config)
	write("generation_config.json", g.Generation)
	names := slices.Sorted(maps.Keys(g.Shapes))
	one := perPart == 0
	if one {
		perPart = len(names)
	}
	index := map[string]string{}
	for part := range slices.Chunk(names, perPart) {
		file := fmt.Sprintf("model-%05d.safetensors", len(index))
		if one {
			file = "model.safetensors"
		}
		for _, name := range part {
			index[name] = file
		}
		write(file, g.file(t, part))
	}
	if !one {
		data, err := json.Marshal(map[string]any{"weight_map": index})
		if err != nil {
			t.Fatal(err)
		}
		write("model.safetensors.index.json", data)
	}
	return dir
}

// file is a safetensors file of some tensors.
func (g goldenFile) file(t testing.TB, names []string) []byte {
	t.Helper()
	dtype, size := map[string]string{"float32": "F32", "float16": "F16", "bfloat16": "BF16"}[g.DType], 2
	if g.DType == "float32" {
		size = 4
	}
	header, data := map[string]any{"__metadata__": map[string]string{"format": "pt"}}, []byte(nil)
	for _, name := range names {
		from := len(data)
		for _, v := range value(g.Salt, name, g.Shapes[name]) {
			switch g.DType {
			case "float32":
				data = binary.LittleEndian.AppendUint32(data, math.Float32bits(v))
			case "float16":
				data = binary.LittleEndian.AppendUint16(data, float16.FromFloat32(v).Bits())
			default:
				data = binary.LittleEndian.AppendUint16(data, bfloat16.FromFloat32(v).Bits())
			}
		}
		header[name] = map[string]any{"dtype": dtype, "shape": g.Shapes[name], "data_offsets": []int{from, from + size*params.Size(g.Shapes[name])}}
	}
	text, err := json.Marshal(header)
	if err != nil {
		t.Fatal(err)
	}
	return slices.Concat(binary.LittleEndian.AppendUint64(nil, uint64(len(text))), text, data)
}

// tolerance is relative to the largest logit of a step.
const tolerance = 1e-4

// TestGolden generates what transformers does, with the same logits at each step.
func TestGolden(t *testing.T) {
	files, err := filepath.Glob("testdata/*.json")
	if err != nil || len(files) < 10 {
		t.Fatalf("%d goldenFile files, %v", len(files), err)
	}
	for i, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".json")
		t.Run(name, func(t *testing.T) { testGolden(t, readGolden(t, name), []int{0, 20}[i%2], goBackend()) })
	}
}

// TestXLA is TestGolden through XLA, where a plug-in for the CPU is installed, with all images
// in one batch; and in bfloat16 it finds most of the tokens.
func TestXLA(t *testing.T) {
	if os.Getenv("SEMIDAVIL_SLOW") == "" {
		t.Skip("compiles a dozen graphs; set SEMIDAVIL_SLOW=1")
	}
	choice, err := backend.Open("xla:cpu")
	if err != nil {
		t.Skip(err)
	}
	for _, name := range []string{"small", "project_post", "blip", "blip_untied"} {
		t.Run(name, func(t *testing.T) { testGolden(t, readGolden(t, name), 0, choice.Backend) })
	}
	g := readGolden(t, "small")
	m, err := Open(t.Context(), choice.Backend, g.folder(t, 0), Options{Family: BLIP2, BFloat16: true})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	images := golden.Uniform("images", 2*3*28*28)
	for i := range images {
		images[i] *= 2
	}
	d := m.Decoding()
	d.MaxNewTokens = 4
	got, err := m.generate(t.Context(), images, nil, d, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range g.Runs[0].Tokens {
		if !slices.Equal(got[i], want[:4]) {
			t.Errorf("bfloat16: %v, want %v", got[i], want[:4])
		}
	}
}

// TestGenerate leaves out the token that ends a caption and special ones, takes the prompt of
// newer transformers, with image tokens, and that of older ones for the same, and stops where
// it is told to.
func TestGenerate(t *testing.T) {
	g := readGolden(t, "small")
	m, err := Open(t.Context(), goBackend(), g.folder(t, 0), g.options(t))
	if err != nil {
		t.Fatal(err)
	}
	height, width := m.ImageSize()
	images := golden.Uniform("images", 2*3*height*width)
	for i := range images {
		images[i] *= 2
	}
	d := m.Decoding()
	if want := (Decoding{MaxNewTokens: 20, Beams: 1, LengthPenalty: 1}); d != want {
		t.Errorf("the folder's decoding is %+v, want %+v", d, want)
	}
	d.MaxNewTokens = g.Runs[0].Arguments.Max
	var want [][]int32
	for _, tokens := range g.Runs[0].Tokens {
		if end := slices.Index(tokens, 7); end >= 0 {
			tokens = tokens[:end]
		}
		want = append(want, slices.DeleteFunc(slices.Clone(tokens), func(id int32) bool { return id == 1 || id == 2 || id == 60 }))
	}
	if len(want[1]) == d.MaxNewTokens || len(want[0]) == d.MaxNewTokens {
		t.Fatal("nothing to leave out")
	}
	for _, prompt := range [][]int32{nil, {2}, {60, 60, 60, 60, 2}} {
		got, err := m.Generate(t.Context(), images, prompt, d)
		if err != nil {
			t.Fatal(err)
		}
		for i := range want {
			if !slices.Equal(got[i], want[i]) {
				t.Errorf("prompt %v, image %d: %v, want %v", prompt, i, got[i], want[i])
			}
		}
	}
	// Words before the image give something else.
	got, err := m.Generate(t.Context(), images, []int32{5, 60, 60, 60, 60, 2}, d)
	if err != nil || slices.Equal(got[0], want[0]) {
		t.Errorf("%v, %v", got, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := m.Generate(ctx, images, nil, d); !errors.Is(err, context.Canceled) {
		t.Errorf("canceled: %v", err)
	}
	m.Close()
	m.Close()
	if _, err := m.Generate(t.Context(), images, nil, d); err == nil || !strings.Contains(err.Error(), "closed") {
		t.Errorf("closed: %v", err)
	}
}

func testGolden(t *testing.T, g goldenFile, perPart int, b compute.Backend) {
	m, err := Open(t.Context(), b, g.folder(t, perPart), g.options(t))
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	height, width := m.ImageSize()
	images := golden.Uniform("images", 2*3*height*width)
	for i := range images {
		images[i] *= 2
	}
	for _, run := range g.Runs {
		a := run.Arguments
		d := m.Decoding()
		d.MaxNewTokens, d.MinNewTokens, d.Beams, d.EarlyStopping = a.Max, a.Min, max(a.Beams, 1), a.Early
		if a.Penalty != nil {
			d.LengthPenalty = *a.Penalty
		}
		var mu sync.Mutex
		steps := map[int]int{}
		worst := 0.0
		got, err := m.generate(t.Context(), images, run.Prompt, d, func(image int, logits [][]float32) {
			mu.Lock()
			defer mu.Unlock()
			step := steps[image]
			steps[image]++
			if step >= len(run.Logits) {
				return
			}
			want := run.Logits[step][image]
			largest := want[len(want)-1]
			h := golden.Hash(fmt.Sprintf("sample/%d", step))
			for i, w := range want[:len(want)-1] {
				worst = max(worst, math.Abs(float64(logits[0][h(i)%uint64(m.Vocab())])-w)/largest)
			}
			most := 0.0
			for _, v := range logits[0] {
				most = max(most, math.Abs(float64(v)))
			}
			worst = max(worst, math.Abs(most-largest)/largest)
		})
		if err != nil {
			t.Fatalf("%+v: %v", d, err)
		}
		if !(worst <= tolerance) {
			t.Errorf("%+v: logits differ by %.2g of the largest", d, worst)
		}
		for i, want := range run.Tokens {
			if end := slices.IndexFunc(want, func(id int32) bool { return slices.Contains(m.generation.EOS, int(id)) }); end >= 0 {
				want = want[:end+1] // the rest is padding
			}
			if !slices.Equal(got[i], want) {
				t.Errorf("%+v: image %d: tokens %v, want %v", d, i, got[i], want)
			}
		}
	}
}
