package weights

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"gorgonia.org/tensor"

	"semidavil/model/clip"
	"semidavil/model/params"
)

// modelFolder is a folder that tests spoil.
type modelFolder struct {
	t      *testing.T
	dir    string
	values params.Values // tensors of the file
	config map[string]any
}

// spoilt is a folder like testdata/name after change.
func spoilt(t *testing.T, name string, change func(m *modelFolder)) string {
	t.Helper()
	m := &modelFolder{t: t, dir: t.TempDir(), config: map[string]any{}}
	data, err := os.ReadFile(filepath.Join("testdata", name, modelFile))
	if err != nil {
		t.Fatal(err)
	}
	if m.values, _, err = decode(data); err != nil {
		t.Fatal(err)
	}
	readJSON(t, filepath.Join(name, configFile), &m.config)
	change(m)
	if m.values != nil {
		var b bytes.Buffer
		if err := Encode(&b, m.values, nil); err != nil {
			t.Fatal(err)
		}
		m.write(modelFile, b.Bytes())
	}
	if m.config != nil {
		data, err := json.Marshal(m.config)
		if err != nil {
			t.Fatal(err)
		}
		m.write(configFile, data)
	}
	return m.dir
}

func (m *modelFolder) write(name string, data []byte) {
	m.t.Helper()
	if err := os.WriteFile(filepath.Join(m.dir, name), data, 0o666); err != nil {
		m.t.Fatal(err)
	}
}

func (m *modelFolder) tower(name string) map[string]any { return m.config[name].(map[string]any) }

// shard writes the tensors into files of that many, and the index.
func (m *modelFolder) shard(n int) map[string]string {
	index := map[string]string{}
	i := 0
	for names := range slices.Chunk(m.values.Names(), n) {
		file := fmt.Sprintf("part-%d.safetensors", i)
		i++
		part := params.Values{}
		for _, name := range names {
			part[name], index[name] = m.values[name], file
		}
		var b bytes.Buffer
		if err := Encode(&b, part, nil); err != nil {
			m.t.Fatal(err)
		}
		m.write(file, b.Bytes())
	}
	m.values = nil
	return index
}

func (m *modelFolder) index(index map[string]string) {
	data, err := json.Marshal(map[string]any{"weight_map": index})
	if err != nil {
		m.t.Fatal(err)
	}
	m.write(indexFile, data)
}

const (
	hfQ     = "text_model.encoder.layers.1.self_attn.q_proj.weight"
	hfClass = "vision_model.embeddings.class_embedding"
)

// TestLoadRefuses spoils a good folder in one way each.
func TestLoadRefuses(t *testing.T) {
	one := func() *tensor.Dense { return params.Dense([]float32{1}, 1) }
	for _, c := range []struct {
		name, from string
		change     func(m *modelFolder)
		want       []string
	}{
		{"missing", "hf_f32", func(m *modelFolder) { delete(m.values, hfQ) }, []string{`"` + hfQ + `": is missing`}},
		{"extra", "hf_f32", func(m *modelFolder) { m.values["vision_model.more"] = one() }, []string{`"vision_model.more" in model.safetensors: is no tensor of this CLIP`}},
		{"shape", "hf_f32", func(m *modelFolder) { m.values[hfQ] = params.Dense(make([]float32, 24), 12, 2) }, []string{hfQ, "has shape [12 2], want [12 12]"}},
		{"rank", "hf_f32", func(m *modelFolder) { m.values[hfClass] = params.Dense(make([]float32, 8), 1, 8) }, []string{hfClass, "has shape [1 8], want [8]"}},
		{"scalar", "hf_f32", func(m *modelFolder) { m.values["logit_scale"] = one() }, []string{"logit_scale", "has shape [1], want []"}},
		{"type", "hf_f32", func(m *modelFolder) { m.values[hfClass] = params.Dense(make([]int64, 8), 8) }, []string{hfClass, "has type I64, want F32, F16 or BF16"}},
		{"layer number", "hf_f32", func(m *modelFolder) {
			m.values["vision_model.encoder.layers.01.layer_norm1.bias"] = params.Dense(make([]float32, 8), 8)
		}, []string{"layers.01", "is no tensor"}},
		{"huge layer number", "hf_f32", func(m *modelFolder) {
			m.values["vision_model.encoder.layers.99999999999.layer_norm1.bias"] = params.Dense(make([]float32, 8), 8)
		}, []string{"layers.99999999999", "is no tensor"}},
		{"layer left out", "hf_f32", func(m *modelFolder) {
			maps.DeleteFunc(m.values, func(name string, _ *tensor.Dense) bool {
				return strings.Contains(name, "vision_model.encoder.layers.1.")
			})
		}, []string{"layers.1.layer_norm1.bias\": is missing", "and 6 more faults"}},
		{"no square", "hf_f32", func(m *modelFolder) {
			m.values["vision_model.embeddings.position_embedding.weight"] = params.Dense(make([]float32, 72), 9, 8)
		}, []string{"position_embedding.weight\": has 9 rows, want 1 and a square"}},
		{"no transposition", "openai_f32", func(m *modelFolder) { m.values["visual.proj"].Reshape(6, 8) }, []string{"visual.proj", "has shape [6 8], want [8 8]", "text_projection"}},
		{"NaN", "hf_f32", func(m *modelFolder) { m.values[hfQ].Data().([]float32)[17] = float32(math.NaN()) }, []string{hfQ, "element 17 is NaN", modelFile}},
		{"infinite", "openai_f32", func(m *modelFolder) { m.values["token_embedding.weight"].Data().([]float32)[3] = float32(math.Inf(-1)) }, []string{"token_embedding.weight", "element 3 is -Inf"}},
		{"other model", "hf_f32", func(m *modelFolder) { m.values = params.Values{"bert.weight": one()} }, []string{"none of its 1 tensors"}},
		{"nothing", "hf_f32", func(m *modelFolder) { m.values = params.Values{} }, []string{"none of its 0 tensors"}},
		{"both namings", "hf_f32", func(m *modelFolder) { m.values["visual.proj"] = one() }, []string{"visual.proj", "is no tensor"}},
		{"a name of the other naming", "openai_f32", func(m *modelFolder) { m.values[hfClass] = one() }, []string{hfClass + `" in model.safetensors: is no tensor`}},
		{"many", "hf_f32", func(m *modelFolder) {
			for i := range 100 {
				m.values[fmt.Sprintf("x%03d", i)] = one()
			}
		}, []string{`"x000"`, `"x009"`, "and 90 more faults"}},
		{"all at once", "hf_f32", func(m *modelFolder) {
			delete(m.values, hfQ)
			m.values["x"] = one()
			m.values[hfClass] = params.Dense(make([]float32, 9), 9)
			delete(m.values, "text_model.embeddings.token_embedding.weight")
			m.tower("text_config")["hidden_size"] = 13
		}, []string{hfQ, `"x"`, "token_embedding.weight\": is missing", "hidden_size is 13, the tensors have 12", "has shape [9], want [8]"}},
		{"no config", "hf_f32", func(m *modelFolder) { m.config = nil }, []string{"config.json: is missing", "text width of 12", "vision width of 8"}},
		{"config no JSON", "hf_f32", func(m *modelFolder) { m.config = nil; m.write(configFile, []byte("{")) }, []string{"config.json: "}},
		{"deep config", "hf_f32", func(m *modelFolder) {
			m.config = nil
			m.write(configFile, []byte(strings.Repeat(`{"text_config":`, 50000)))
		}, []string{"config.json: "}},
		{"config type", "hf_f32", func(m *modelFolder) { m.tower("text_config")["hidden_size"] = "12" }, []string{"config.json: ", "hidden_size"}},
		{"heads", "hf_f32", func(m *modelFolder) { m.tower("vision_config")["num_attention_heads"] = 3 }, []string{"no multiple of its 3 heads"}},
		{"no heads", "hf_f32", func(m *modelFolder) { m.tower("vision_config")["num_attention_heads"] = 0 }, []string{"vision heads is 0"}},
		{"default heads", "hf_f32", func(m *modelFolder) { delete(m.tower("vision_config"), "num_attention_heads") }, []string{"no multiple of its 12 heads"}},
		{"activation", "hf_f32", func(m *modelFolder) { m.tower("text_config")["hidden_act"] = "gelu" }, []string{`text_config.hidden_act is "gelu", want "quick_gelu"`}},
		{"epsilon", "hf_f32", func(m *modelFolder) { m.tower("vision_config")["layer_norm_eps"] = 1e-6 }, []string{"vision_config.layer_norm_eps is 1e-06"}},
		{"model type", "hf_f32", func(m *modelFolder) { m.config["model_type"] = "siglip" }, []string{`model_type is "siglip"`}},
		{"dict", "hf_f32", func(m *modelFolder) { m.config["vision_config_dict"] = map[string]any{"patch_size": 2} }, []string{"patch_size is 2, the tensors have 4"}},
		{"projection", "hf_f32", func(m *modelFolder) { m.config["projection_dim"] = 7 }, []string{"projection_dim is 7, the tensors have 6"}},
		{"config layers", "hf_f32", func(m *modelFolder) { m.tower("text_config")["num_hidden_layers"] = 3 }, []string{"text_config.num_hidden_layers is 3, the tensors have 2"}},
		{"config image", "hf_f32", func(m *modelFolder) { m.tower("vision_config")["image_size"] = 16 }, []string{"image_size is 16, the tensors have 12"}},
		{"config channels", "hf_f32", func(m *modelFolder) { m.tower("vision_config")["num_channels"] = 4 }, []string{"num_channels is 4"}},
		{"config hidden", "hf_f32", func(m *modelFolder) { m.tower("vision_config")["intermediate_size"] = 16 }, []string{"intermediate_size is 16, the tensors have 32"}},
		{"pickle", "hf_f32", func(m *modelFolder) { m.values = nil; m.write("pytorch_model.bin", nil) }, []string{"pytorch_model.bin but no model.safetensors", "CLIPModel.from_pretrained", "save_pretrained"}},
		{"no model", "hf_f32", func(m *modelFolder) { m.values = nil }, []string{"has no model.safetensors and no model.safetensors.index.json"}},
		{"cut", "hf_f32", func(m *modelFolder) {
			m.values = nil
			data, _ := os.ReadFile("testdata/hf_f32/model.safetensors")
			m.write(modelFile, data[:len(data)-1])
		}, []string{modelFile, "the file is cut"}},
		{"index leads out", "hf_f32", func(m *modelFolder) {
			m.index(map[string]string{"a": "../x.safetensors"})
			m.values = nil
		}, []string{indexFile, `"a": "../x.safetensors" is no name`}},
		{"index is absolute", "hf_f32", func(m *modelFolder) {
			m.index(map[string]string{"a": "/etc/x.safetensors"})
			m.values = nil
		}, []string{indexFile, "is no name"}},
		{"index of another storage", "hf_f32", func(m *modelFolder) {
			m.index(map[string]string{"a": "gs://b/x.safetensors"})
			m.values = nil
		}, []string{"is no name"}},
		{"index of any file", "hf_f32", func(m *modelFolder) {
			m.index(map[string]string{"a": "passwd"})
			m.values = nil
		}, []string{"is no name"}},
		{"index of absent file", "hf_f32", func(m *modelFolder) {
			index := m.shard(50)
			index["x"] = "part-9.safetensors"
			m.index(index)
		}, []string{"part-9.safetensors: ", "no such file"}},
		{"index of many files", "hf_f32", func(m *modelFolder) {
			index := map[string]string{}
			for i := range 101 {
				index[fmt.Sprint(i)] = fmt.Sprintf("%d.safetensors", i)
			}
			m.index(index)
			m.values = nil
		}, []string{"names 101 files, want 1 to 100"}},
		{"index twice", "hf_f32", func(m *modelFolder) {
			m.values = nil
			m.write(indexFile, []byte(`{"weight_map":{"a":"x.safetensors","a":"y.safetensors"}}`))
		}, []string{indexFile, `duplicate object member name "a"`}},
		{"index of nothing", "hf_f32", func(m *modelFolder) { m.values = nil; m.write(indexFile, []byte(`{"metadata":[]}`)) }, []string{"weight_map names 0 files"}},
		{"index lacks a tensor", "hf_f32", func(m *modelFolder) {
			index := m.shard(50)
			delete(index, hfQ)
			m.index(index)
		}, []string{hfQ, "is not in model.safetensors.index.json"}},
		{"index has another file", "hf_f32", func(m *modelFolder) {
			index := m.shard(50)
			index[hfQ] = map[string]string{"part-0.safetensors": "part-1.safetensors", "part-1.safetensors": "part-0.safetensors"}[index[hfQ]]
			m.index(index)
		}, []string{hfQ, "where model.safetensors.index.json has it"}},
		{"in two parts", "hf_f32", func(m *modelFolder) {
			values := maps.Clone(m.values)
			index := m.shard(50)
			part := params.Values{hfQ: values[hfQ]}
			var b bytes.Buffer
			Encode(&b, part, nil)
			m.write("z.safetensors", b.Bytes())
			index["z"] = "z.safetensors"
			m.index(index)
		}, []string{"z.safetensors: ", hfQ, "lies in part-"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := spoilt(t, c.from, c.change)
			_, values, err := LoadCLIP(t.Context(), dir)
			if err == nil || values != nil {
				t.Fatalf("loaded %d values, %v", len(values), err)
			}
			for _, want := range append(c.want, dir, "weights: load CLIP from ") {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("want %q in: %v", want, err)
				}
			}
		})
	}
	if _, _, err := LoadCLIP(t.Context(), "testdata/absent"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("absent: %v", err)
	}
	if _, _, err := LoadCLIP(t.Context(), "testdata/hf_f32/model.safetensors"); err == nil || !strings.Contains(err.Error(), "want the folder") {
		t.Errorf("a file: %v", err)
	}
}

// TestLoadTolerates lists what differs between good folders.
func TestLoadTolerates(t *testing.T) {
	for name, change := range map[string]func(m *modelFolder){
		"nothing changed": func(*modelFolder) {},
		"old position ids": func(m *modelFolder) {
			m.values["text_model.embeddings.position_ids"] = params.Dense([]int64{0, 1, 2}, 1, 3)
			m.values["vision_model.embeddings.position_ids"] = params.Dense([]int64{0}, 1, 1)
		},
		"little config": func(m *modelFolder) {
			m.config = map[string]any{"text_config": map[string]any{"num_attention_heads": 3}, "vision_config": map[string]any{"num_attention_heads": 2}}
		},
		"null dicts":   func(m *modelFolder) { m.config["text_config_dict"], m.config["vision_config_dict"] = nil, nil },
		"parts of two": func(m *modelFolder) { m.index(m.shard(2)) },
		"both one file and an index": func(m *modelFolder) {
			m.index(map[string]string{"a": "absent.safetensors"})
		},
		"links of a cache": func(m *modelFolder) {
			blobs := m.t.TempDir()
			index := m.shard(60)
			for _, file := range index {
				from, to := filepath.Join(m.dir, file), filepath.Join(blobs, file)
				if info, err := os.Lstat(from); err == nil && info.Mode().IsRegular() {
					if err := errors.Join(os.Rename(from, to), os.Symlink(to, from)); err != nil {
						m.t.Fatal(err)
					}
				}
			}
			m.index(index)
		},
	} {
		t.Run(name, func(t *testing.T) {
			c, values, err := LoadCLIP(t.Context(), spoilt(t, "hf_f32", change))
			if err != nil || c != tiny {
				t.Fatalf("%+v, %v", c, err)
			}
			same(t, values, tinyValues(t))
		})
	}
}

// TestGuessHeads: the sizes that OpenAI published need no config.json.
func TestGuessHeads(t *testing.T) {
	c := clip.Config{ImageSize: 8, PatchSize: 4, VisionWidth: 768, VisionLayers: 1, VisionHeads: 12, TextWidth: 512, TextLayers: 1, TextHeads: 8, Context: 3, Vocab: 5, Embed: 4}
	for _, naming := range []string{HF, OpenAI} {
		dir := t.TempDir()
		if err := ExportCLIP(t.Context(), dir, c, counted(c), naming); err != nil {
			t.Fatal(err)
		}
		if err := os.Remove(filepath.Join(dir, configFile)); err != nil {
			t.Fatal(err)
		}
		have, values, err := LoadCLIP(t.Context(), dir)
		if err != nil || have != c {
			t.Fatalf("%+v, %v", have, err)
		}
		same(t, values, counted(c))
	}
}

// TestNoGuess: clip.Tiny has four heads of 16, which nothing but a config.json tells.
func TestNoGuess(t *testing.T) {
	dir, c := t.TempDir(), clip.Tiny(300)
	if err := ExportCLIP(t.Context(), dir, c, counted(c), HF); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(dir, configFile)); err != nil {
		t.Fatal(err)
	}
	if _, _, err := LoadCLIP(t.Context(), dir); err == nil || !strings.Contains(err.Error(), "heads of a text width of 64") {
		t.Errorf("no config.json: %v", err)
	}
}

// counted are parameters of that size in which every element is another number.
func counted(c clip.Config) params.Values {
	shapes := map[string][]int{}
	for _, p := range layout(OpenAI, c) {
		shapes[p.param] = p.shape()
	}
	values := params.Values{}
	next := 0
	for _, name := range sorted(shapes) {
		data := make([]float32, params.Size(shapes[name]))
		for i := range data {
			data[i] = float32(next%(1<<24)) / 1024
			next++
		}
		values[name] = params.Dense(data, shapes[name]...)
	}
	return values
}
