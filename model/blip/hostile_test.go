package blip

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"semidavil/model/layer/golden"
)

// spoilt is a good folder to be spoilt.
type spoilt struct {
	t   *testing.T
	dir string
}

func (s spoilt) path(name string) string { return filepath.Join(s.dir, name) }

func (s spoilt) read(name string) []byte {
	s.t.Helper()
	data, err := os.ReadFile(s.path(name))
	if err != nil {
		s.t.Fatal(err)
	}
	return data
}

func (s spoilt) write(name string, data []byte) {
	s.t.Helper()
	if err := os.WriteFile(s.path(name), data, 0o666); err != nil {
		s.t.Fatal(err)
	}
}

// set changes a key of a JSON file; a dot goes into an object.
func (s spoilt) set(file, key string, value any) {
	s.t.Helper()
	var whole map[string]any
	if err := json.Unmarshal(s.read(file), &whole); err != nil {
		s.t.Fatal(err)
	}
	at := whole
	part, rest, inside := strings.Cut(key, ".")
	if inside {
		at, part = whole[part].(map[string]any), rest
	}
	at[part] = value
	data, err := json.Marshal(whole)
	if err != nil {
		s.t.Fatal(err)
	}
	s.write(file, data)
}

// TestOpenRefuses spoils a folder in one way each: the error names what is wrong, and nothing
// is made of the sizes that the files claim.
func TestOpenRefuses(t *testing.T) {
	const (
		config, generation, model, index = "config.json", "generation_config.json", "model.safetensors", "model.safetensors.index.json"
		most                             = 8 << 20
	)
	const blip2, blip = "half", "blip_half"
	set := func(key string, value any) func(s spoilt) { return func(s spoilt) { s.set(config, key, value) } }
	ask := func(key string, value any) func(s spoilt) { return func(s spoilt) { s.set(generation, key, value) } }
	indexed := func(file string) func(s spoilt) {
		return func(s spoilt) {
			os.Rename(s.path(model), s.path("other.safetensors"))
			s.write(index, []byte(`{"weight_map":{"query_tokens":"`+file+`"}}`))
		}
	}
	type fault struct {
		name   string
		change func(s spoilt)
		want   string
	}
	for of, faults := range map[string][]fault{blip: {
		{"pickle", func(s spoilt) { os.Rename(s.path(model), s.path("pytorch_model.bin")) }, "import BlipForConditionalGeneration"},
		{"missing", func(s spoilt) {
			s.write(model, bytes.Replace(s.read(model), []byte("0.crossattention.self.key.weight"), []byte("0.crossattention.self.kez.weight"), 1))
		}, `kez.weight" in model.safetensors: is no tensor of this BLIP`},
		{"another model", set("model_type", "blip-2"), `model_type is "blip-2", want "blip"`},
		{"encoder", set("text_config.is_decoder", false), "is_decoder is false"},
		{"end outside", set("text_config.sep_token_id", 67), "has the id 67, the vocabulary has 67"},
		{"sampling", set("text_config.do_sample", true), "do_sample is true"},
		{"heads", set("text_config.num_attention_heads", 3), "hidden_size 20 is no multiple of its 3 heads"},
		{"wide", set("text_config.hidden_size", 1<<19), "want [67 524288]"},
		{"untied without a head", set("text_config.tie_word_embeddings", false), `decoder.weight": is missing`},
	}, blip2: {
		{"no config", func(s spoilt) { os.Remove(s.path(config)) }, "has no config.json"},
		{"no weights", func(s spoilt) { os.Remove(s.path(model)) }, "has no model.safetensors"},
		{"pickle", func(s spoilt) { os.Rename(s.path(model), s.path("pytorch_model.bin")) }, "import Blip2ForConditionalGeneration"},
		{"cut", func(s spoilt) { d := s.read(model); s.write(model, d[:len(d)-10]) }, "the file is cut"},
		{"cut in the header", func(s spoilt) { s.write(model, s.read(model)[:100]) }, "model.safetensors"},
		{"huge header", func(s spoilt) { s.write(model, append(binary.LittleEndian.AppendUint64(nil, 1<<60), "{}"...)) }, "the header is said to have"},
		{"shape", func(s spoilt) {
			s.write(model, bytes.Replace(s.read(model), []byte("[1,4,16]"), []byte("[1,8,8] "), 1))
		}, `"query_tokens" in model.safetensors: has shape [1 8 8], want [1 4 16]`},
		{"missing", func(s spoilt) {
			s.write(model, bytes.Replace(s.read(model), []byte("query_tokens"), []byte("query_tokenz"), 1))
		}, `"query_tokens": is missing; "query_tokenz" in model.safetensors: is no tensor of this BLIP-2`},
		{"not finite", func(s spoilt) { d := s.read(model); d[len(d)-1] = 0x7e; s.write(model, d) }, "is NaN"},
		{"index out of the folder", indexed("../other.safetensors"), "no name of a .safetensors file in the same folder"},
		{"index of itself", indexed(index), "no name of a .safetensors file"},
		{"index of nothing", indexed("absent.safetensors"), "absent.safetensors"},
		{"index of another", indexed("other.safetensors"), "is not in model.safetensors.index.json"},
		{"cycle of links", func(s spoilt) { os.Remove(s.path(model)); os.Symlink(model, s.path(model)) }, ""},
		{"config cut", func(s spoilt) { s.write(config, []byte(`{"model_type":`)) }, "config.json: "},
		{"config of lists", func(s spoilt) { s.write(config, []byte(`[]`)) }, "config.json: "},
		{"another model", set("model_type", "blip"), `model_type is "blip", want "blip-2"`},
		{"another language model", set("text_config.model_type", "t5"), `text_config.model_type is "t5"; only "opt" is read`},
		{"many layers", set("vision_config.num_hidden_layers", 1<<40), "vision_config.num_hidden_layers is 1099511627776, want 1 to 200"},
		{"more layers", set("text_config.num_hidden_layers", 199), "is missing"},
		{"no layers", set("text_config.num_hidden_layers", 0), "text_config.num_hidden_layers is 0, want 1 to 200"},
		{"wide", set("text_config.hidden_size", 1<<19), "has shape [62 24], want [62 524288]"},
		{"wider", set("text_config.hidden_size", 1<<50), "want 1 to 1048576"},
		{"fraction", set("text_config.hidden_size", 1.5), "config.json: "},
		{"negative", set("qformer_config.cross_attention_frequency", -2), "cross_attention_frequency is -2"},
		{"large images", set("vision_config.image_size", 1<<20), "want [1 22438841617 24]"},
		{"large patches", set("vision_config.patch_size", 1<<20), "vision_config.patch_size is 1048576"},
		{"heads", set("vision_config.num_attention_heads", 5), "hidden_size 24 is no multiple of its 5 heads"},
		{"activation", set("text_config.activation_function", "tanhh"), `activation "tanhh" is unknown; valid: relu`},
		{"epsilon", set("vision_config.layer_norm_eps", 0), "layer_norm_eps is 0"},
		{"relative positions", set("qformer_config.position_embedding_type", "relative_key"), `only "absolute" is read`},
		{"image token", set("image_token_index", 67), "image_token_index is 67, the vocabulary has 67 ids"},
		{"untied without a head", set("text_config.tie_word_embeddings", false), `"language_model.lm_head.weight": is missing`},
		{"end outside", ask("eos_token_id", 67), "has the id 67, the vocabulary has 67"},
		{"many ends", ask("eos_token_id", make([]int, 1000)), "eos_token_id has 1000 ids"},
		{"early stopping", ask("early_stopping", "always"), `early_stopping is "always", want true, false or "never"`},
		{"sampling", ask("do_sample", true), "do_sample is true"},
		{"repetition", ask("repetition_penalty", 1.2), "repetition_penalty"},
	}} {
		g := readGolden(t, of)
		for _, c := range faults {
			t.Run(of+"/"+c.name, func(t *testing.T) {
				s := spoilt{t, g.folder(t, 0)}
				c.change(s)
				var before, after runtime.MemStats
				runtime.ReadMemStats(&before)
				m, err := Open(t.Context(), goBackend(), s.dir, g.options(t))
				runtime.ReadMemStats(&after)
				if err == nil {
					m.Close()
					t.Fatal("was opened")
				}
				if !strings.Contains(err.Error(), s.dir) || !strings.Contains(err.Error(), c.want) || len(err.Error()) > 5000 {
					t.Errorf("%v\nwant the folder and %q", err, c.want)
				}
				if n := after.TotalAlloc - before.TotalAlloc; n > most {
					t.Errorf("allocated %d bytes", n)
				}
			})
		}
	}
}

// TestGenerateRefuses wants errors for images, prompts and decodings that make no sense.
func TestGenerateRefuses(t *testing.T) {
	g := readGolden(t, "small")
	m, err := Open(t.Context(), goBackend(), g.folder(t, 0), Options{Family: BLIP2})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	good := golden.Uniform("images", 3*28*28)
	decoding := func(change func(d *Decoding)) Decoding {
		d := m.Decoding()
		change(&d)
		return d
	}
	none := decoding(func(*Decoding) {})
	bad := golden.Uniform("images", len(good))
	bad[5] = float32(math.NaN())
	for _, c := range []struct {
		name   string
		pixels []float32
		prompt []int32
		d      Decoding
		want   string
	}{
		{"no image", nil, nil, none, "no images of 3x28x28"},
		{"half an image", good[:100], nil, none, "100 numbers are no images of 3x28x28"},
		{"NaN", bad, nil, none, "gives NaN"},
		{"token", good, []int32{2, 61}, none, "token 61, the vocabulary ids 0 to 60"},
		{"negative token", good, []int32{-1}, none, "token -1"},
		{"few image tokens", good, []int32{60, 60, 2}, none, "the image token 2 times, want it 4 times"},
		{"scattered image tokens", good, []int32{60, 60, 2, 60, 60, 2}, none, "in one piece"},
		{"image tokens alone", good, []int32{60, 60, 60, 60}, none, "no token after"},
		{"no tokens", good, nil, decoding(func(d *Decoding) { d.MaxNewTokens = 0 }), "at most 0 new tokens"},
		{"too many tokens", good, nil, decoding(func(d *Decoding) { d.MaxNewTokens = 57 }), "has room for 60"},
		{"at least more than at most", good, nil, decoding(func(d *Decoding) { d.MinNewTokens = 21 }), "at least 21"},
		{"no beams", good, nil, decoding(func(d *Decoding) { d.Beams = 0 }), "0 beams"},
		{"many beams", good, nil, decoding(func(d *Decoding) { d.Beams = 1 << 40 }), "beams"},
		{"penalty", good, nil, decoding(func(d *Decoding) { d.LengthPenalty = math.Inf(1) }), "penalty"},
	} {
		if _, err := m.Generate(t.Context(), c.pixels, c.prompt, c.d); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", c.name, err, c.want)
		}
	}
}

// FuzzConfig reads descriptions: whatever they hold, there is an error or a layout of bounded
// size.
func FuzzConfig(f *testing.F) {
	for _, name := range []string{"small", "untied", "bare", "blip", "blip_untied"} {
		g := readGolden(f, name)
		f.Add([]byte(g.Config), []byte(g.Generation))
	}
	f.Add([]byte(`{"model_type":"blip-2","text_config":{"eos_token_id":[1,2],"word_embed_proj_dim":null}}`), []byte(`{"early_stopping":"never","max_length":1}`))
	f.Fuzz(func(t *testing.T, config, file []byte) {
		for _, family := range []Family{BLIP, BLIP2} {
			c, err := parseConfig(config, family)
			if err != nil {
				continue
			}
			if n := len(c.layout()); n > 100_000 {
				t.Errorf("%d tensors", n)
			}
			if g, err := c.generation(file); err == nil {
				g.decoding(c.image())
			}
		}
	})
}
