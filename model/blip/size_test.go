package blip

import (
	"bufio"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/gomlx/gomlx/core/tensors"

	"semidavil/internal/limits"
	"semidavil/model/backend"
	"semidavil/model/layer/golden"
	"semidavil/model/params"
)

// middle has 347 MB of weights, in sizes a half and a quarter of those of BLIP-2 with
// OPT-2.7b.
const middle = `{"model_type": "blip-2", "num_query_tokens": 32, "image_token_index": 15999,
	"vision_config": {"hidden_size": 704, "intermediate_size": 3072, "num_hidden_layers": 4, "num_attention_heads": 8, "image_size": 224, "patch_size": 14},
	"qformer_config": {"hidden_size": 384, "intermediate_size": 1536, "num_hidden_layers": 2, "num_attention_heads": 6},
	"text_config": {"model_type": "opt", "hidden_size": 1280, "ffn_dim": 5120, "num_hidden_layers": 2, "num_attention_heads": 16,
		"vocab_size": 16000, "max_position_embeddings": 256, "eos_token_id": 7}}`

// keep names the environment variable with a folder for the network of the benchmarks: the one
// that is there, of any kind, or the middle one, which is made there once, for others to read, as golden_blip2.py --time does.
const keep = "SEMIDAVIL_BLIP"

// middleFolder is a folder of such a network and the bytes of its weights.
func middleFolder(t testing.TB, config string) (dir string, size int64) {
	t.Helper()
	c, err := parseConfig([]byte(config), BLIP2)
	if err != nil {
		t.Fatal(err)
	}
	if dir = os.Getenv(keep); dir == "" {
		dir = t.TempDir()
	}
	model := filepath.Join(dir, "model.safetensors")
	if _, err := os.Stat(model); err != nil { // else it is there, of whatever sizes
		if err := writeMiddle(dir, config, model, c.layout().Shapes()); err != nil {
			t.Fatal(err)
		}
	}
	info, err := os.Stat(model)
	if err != nil {
		t.Fatal(err)
	}
	return dir, info.Size()
}

func writeMiddle(dir, config, model string, shapes map[string][]int) error {
	if err := os.WriteFile(filepath.Join(dir, "config.json"), []byte(config), 0o666); err != nil {
		return err
	}
	f, err := os.Create(model)
	if err != nil {
		return err
	}
	defer f.Close()
	names := slices.Sorted(maps.Keys(shapes))
	header, at := map[string]any{"__metadata__": map[string]string{"format": "pt"}}, 0
	for _, name := range names {
		n := 4 * params.Size(shapes[name])
		header[name] = map[string]any{"dtype": "F32", "shape": shapes[name], "data_offsets": []int{at, at + n}}
		at += n
	}
	text, err := json.Marshal(header)
	if err != nil {
		return err
	}
	w := bufio.NewWriter(f)
	w.Write(binary.LittleEndian.AppendUint64(nil, uint64(len(text))))
	w.Write(text)
	var buf []byte
	for _, name := range names {
		// A short stretch again and again: making all numbers takes longer than the test.
		some := value("", name, shapes[name][len(shapes[name])-1:])
		scale := float32(1)
		if len(shapes[name]) > 1 && !strings.Contains(name, "embed_") {
			scale = float32(math.Sqrt(1 / float64(len(some))))
		}
		for row := range params.Size(shapes[name]) / len(some) {
			buf = buf[:0]
			for i, v := range some {
				buf = binary.LittleEndian.AppendUint32(buf, math.Float32bits(scale*v*float32(1+(row*31+i*17)%13)/8))
			}
			w.Write(buf)
		}
	}
	if err := w.Flush(); err != nil {
		return err
	}
	return f.Close()
}

// TestMemory opens a network of 840 MB and writes captions with beams: its process takes at
// most 1.2 times the weights, beside what it took before.
func TestMemory(t *testing.T) {
	if os.Getenv("SEMIDAVIL_SLOW") == "" {
		t.Skip("takes ten seconds; set SEMIDAVIL_SLOW=1")
	}
	// Some 80 MB are code, buffers and garbage however large the weights are.
	t.Setenv(keep, "")
	dir, size := middleFolder(t, strings.Replace(middle, `"ffn_dim": 5120, "num_hidden_layers": 2`, `"ffn_dim": 5120, "num_hidden_layers": 8`, 1))
	if limits.Peak() == 0 {
		t.Skip("the system does not tell the memory of a process")
	}
	limits.ResetPeak()
	before := float64(limits.Peak())
	m, err := Open(t.Context(), goBackend(), dir, Options{Family: BLIP2})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	opened := float64(limits.Peak())
	d := m.Decoding()
	d.Beams = 5
	height, width := m.ImageSize()
	for range 3 {
		if _, err := m.Generate(t.Context(), golden.Uniform("images", 3*height*width), nil, d); err != nil {
			t.Fatal(err)
		}
	}
	used := float64(limits.Peak())
	times := func(bytes float64) float64 { return bytes / float64(size) }
	text := fmt.Sprintf("weights %.0f MB; the process had %.0f MB before, then %.2f times the weights once opened, and %.2f times at its peak",
		float64(size)/1e6, before/1e6, times(opened-before), times(used-before))
	if t.Log(text); times(used-before) > 1.2 {
		t.Error(text)
	}
}

// onBackends runs a benchmark of the middle network on each backend that is there.
func onBackends(b *testing.B, run func(b *testing.B, m *Model)) {
	family := BLIP2
	dir, _ := middleFolder(b, middle)
	if data, err := os.ReadFile(filepath.Join(dir, "config.json")); err != nil {
		b.Fatal(err)
	} else if _, err := parseConfig(data, BLIP); err == nil {
		family = BLIP
	}
	for _, name := range []string{"go", "xla:cpu"} {
		b.Run(name, func(b *testing.B) {
			on := goBackend()
			if name != "go" {
				choice, err := backend.Open(name)
				if err != nil {
					b.Skip(err)
				}
				on = choice.Backend
			}
			m, err := Open(b.Context(), on, dir, Options{Family: family})
			if err != nil {
				b.Fatal(err)
			}
			defer m.Close()
			run(b, m)
		})
	}
}

// timed runs what has been compiled, and reports the processor's time too.
func timed(b *testing.B, name string, f func()) {
	f() // compiles
	b.Run(name, func(b *testing.B) {
		begin := cpuSeconds(b)
		for b.Loop() {
			f()
		}
		b.ReportMetric((cpuSeconds(b)-begin)/float64(b.N), "cpu-s/op")
	})
}

func BenchmarkGenerate(b *testing.B) {
	onBackends(b, func(b *testing.B, m *Model) {
		height, width := m.ImageSize()
		images := golden.Uniform("images", 3*height*width)
		for _, beams := range []int{1, 5} {
			for _, tokens := range []int{1, 20} {
				d := m.Decoding()
				d.Beams, d.MaxNewTokens, d.MinNewTokens = beams, tokens, tokens
				timed(b, fmt.Sprintf("beams=%d,tokens=%d", beams, tokens), func() {
					if _, err := m.Generate(b.Context(), images, nil, d); err != nil {
						b.Fatal(err)
					}
				})
			}
		}
	})
}

// BenchmarkDecode compares 20 tokens with caches, of one text and of five, to 20 prompts that
// grow by a token.
func BenchmarkDecode(b *testing.B) {
	onBackends(b, func(b *testing.B, m *Model) {
		const tokens = 20
		reader, err := m.reader(reading{0, m.network.image() + 32})
		if err != nil {
			b.Fatal(err)
		}
		height, width := m.ImageSize()
		seen, err := m.sees.Call1(tensors.FromFlatDataAndDimensions(golden.Uniform("images", 3*height*width), 1, 3, height, width))
		if err != nil {
			b.Fatal(err)
		}
		read := func(prompt int) []*tensors.Tensor {
			out, err := reader.Call(seen, tensors.FromFlatDataAndDimensions(make([]int32, prompt), prompt))
			if err != nil {
				b.Fatal(err)
			}
			return out
		}
		for _, texts := range []int{1, 5} {
			timed(b, fmt.Sprintf("caches,texts=%d", texts), func() {
				out := read(1)
				for i := 1; i < tokens; i++ {
					if out, err = m.continued(out[1:], make([]int32, texts), make([]int32, texts), m.network.image()+i); err != nil {
						b.Fatal(err)
					}
					if _, err := rowsOf(out[0]); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
		if m.backend.String() == "go" { // XLA would compile twenty graphs
			timed(b, "none", func() {
				for i := range tokens {
					read(1 + i)
				}
			})
		}
	})
}

// cpuSeconds is what the process has computed, whatever else the machine did.
func cpuSeconds(b *testing.B) float64 {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano()).Seconds()
}
