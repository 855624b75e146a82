package weights

import (
	"errors"
	"maps"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gorgonia.org/tensor"

	"semidavil/internal/fixture/cloud"
	"semidavil/internal/store"
	"semidavil/model/clip"
	"semidavil/model/params"
	"semidavil/model/weights/builtin"
	bpe "semidavil/transforms/text"
	vocabulary "semidavil/transforms/text/builtin"
)

// TestExport writes the model of Python in both namings, to a disk and to Cloud
// Storage: the tensors are those that Python wrote.
func TestExport(t *testing.T) {
	cloud.Start(t)
	for naming, golden := range map[string]string{HF: "hf_f32", OpenAI: "openai_f32"} {
		data, err := os.ReadFile(filepath.Join("testdata", golden, modelFile))
		if err != nil {
			t.Fatal(err)
		}
		want, _, err := decode(data)
		if err != nil {
			t.Fatal(err)
		}
		maps.DeleteFunc(want, func(name string, _ *tensor.Dense) bool { return ignored(name) })
		for _, dir := range []string{filepath.Join(t.TempDir(), "new", "model"), "gs://data/models/" + naming} {
			if err := ExportCLIP(t.Context(), dir, tiny, tinyValues(t), naming); err != nil {
				t.Fatal(err)
			}
			if data, err = store.ReadFile(t.Context(), dir+"/"+modelFile, 0); err != nil {
				t.Fatal(err)
			}
			have, meta, err := decode(data)
			if err != nil || meta["format"] != "pt" {
				t.Fatal(meta, err)
			}
			same(t, have, want)
			c, values, err := LoadCLIP(t.Context(), dir)
			if err != nil || c != tiny {
				t.Fatalf("%+v, %v", c, err)
			}
			same(t, values, tinyValues(t))
		}
	}
}

// TestExportSizes exports and loads models of other sizes.
func TestExportSizes(t *testing.T) {
	for _, c := range []clip.Config{
		clip.Tiny(300),
		{ImageSize: 6, PatchSize: 3, VisionWidth: 4, VisionLayers: 1, VisionHeads: 1, TextWidth: 10, TextLayers: 3, TextHeads: 5, Context: 2, Vocab: 3, Embed: 9},
		{ImageSize: 2, PatchSize: 2, VisionWidth: 1, VisionLayers: 1, VisionHeads: 1, TextWidth: 1, TextLayers: 1, TextHeads: 1, Context: 1, Vocab: 1, Embed: 1},
	} {
		for _, naming := range []string{HF, OpenAI} {
			dir := t.TempDir()
			if err := ExportCLIP(t.Context(), dir, c, counted(c), naming); err != nil {
				t.Fatal(err)
			}
			have, values, err := LoadCLIP(t.Context(), dir)
			if err != nil || have != c {
				t.Fatalf("%+v, want %+v: %v", have, c, err)
			}
			same(t, values, counted(c))
		}
	}
}

// TestExportHalf: half precision is read back as the nearest halves, in half the bytes; what
// does not fit is refused.
func TestExportHalf(t *testing.T) {
	full, half := t.TempDir(), t.TempDir()
	values := tinyValues(t)
	if err := errors.Join(ExportCLIP(t.Context(), full, tiny, values, HF), ExportHalf(t.Context(), half, tiny, values)); err != nil {
		t.Fatal(err)
	}
	c, have, err := LoadCLIP(t.Context(), half)
	if err != nil || c != tiny {
		t.Fatal(c, err)
	}
	changed := 0
	for name, want := range values {
		got := flat(have[name]).([]float32)
		for i, v := range flat(want).([]float32) {
			if near := float64(v) * 0x1p-11; math.Abs(float64(got[i]-v)) > max(math.Abs(near), 0x1p-25) {
				t.Errorf("%s[%d] is %v, want %v", name, i, got[i], v)
			}
			if got[i] != v {
				changed++
			}
		}
	}
	if changed == 0 {
		t.Error("no value was rounded")
	}
	size := func(dir string) int64 {
		info, err := os.Stat(filepath.Join(dir, modelFile))
		if err != nil {
			t.Fatal(err)
		}
		return info.Size()
	}
	if size(half) > size(full)*3/4 {
		t.Errorf("%d bytes, %d in single precision", size(half), size(full))
	}
	values["vision/class"].Data().([]float32)[3] = 70000
	if err := ExportHalf(t.Context(), t.TempDir(), tiny, values); err == nil || !strings.Contains(err.Error(), "vision/class: 70000 does not fit into F16") {
		t.Error(err)
	}
}

// TestBuiltin: the built-in CLIP is that of the tiny preset with the built-in vocabulary, in
// less than 4 MB.
func TestBuiltin(t *testing.T) {
	c, values, err := LoadCLIP(t.Context(), builtin.Name)
	if err != nil {
		t.Fatal(err)
	}
	tokenizer, err := bpe.Load(vocabulary.Files)
	if err != nil {
		t.Fatal(err)
	}
	if want := clip.Tiny(tokenizer.VocabSize()); c != want || len(values) == 0 {
		t.Errorf("%+v, want %+v", c, want)
	}
	data, err := builtin.Files.ReadFile(modelFile)
	if err != nil || len(data) > 4e6 {
		t.Errorf("%d bytes, %v", len(data), err)
	}
}

func TestExportRefuses(t *testing.T) {
	for want, change := range map[string]func(c *clip.Config, v params.Values, naming *string){
		`unknown naming "x"; valid: hf, openai`: func(_ *clip.Config, _ params.Values, naming *string) { *naming = "x" },
		"heads":                                 func(c *clip.Config, _ params.Values, _ *string) { c.TextHeads = 5 },
		"text/proj/weight: is missing; x: is no parameter": func(_ *clip.Config, v params.Values, _ *string) {
			delete(v, "text/proj/weight")
			v["x"] = v["logit_scale"]
		},
		"vision/class: has shape [1 8], want [8]": func(_ *clip.Config, v params.Values, _ *string) { v["vision/class"].Reshape(1, 8) },
		"vision/class: has type I64, want F32": func(_ *clip.Config, v params.Values, _ *string) {
			v["vision/class"] = params.Dense(make([]int64, 8), 8)
		},
		"vision/class: is nil":                            func(_ *clip.Config, v params.Values, _ *string) { v["vision/class"] = nil },
		"text/blocks/1/attn/out/bias: is no parameter":    func(c *clip.Config, _ params.Values, _ *string) { c.TextLayers = 1 },
		"vision/positions: has shape [10 8], want [17 8]": func(c *clip.Config, _ params.Values, _ *string) { c.ImageSize = 16 },
	} {
		dir := t.TempDir()
		c, values, naming := tiny, tinyValues(t), HF
		change(&c, values, &naming)
		if err := ExportCLIP(t.Context(), dir, c, values, naming); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("want %q: %v", want, err)
		}
		if entries, _ := os.ReadDir(dir); len(entries) > 0 {
			t.Errorf("%s: left %v", want, entries)
		}
	}
	dir := filepath.Join(t.TempDir(), "file")
	os.WriteFile(dir, nil, 0o666)
	if err := ExportCLIP(t.Context(), dir, tiny, tinyValues(t), HF); err == nil || !strings.Contains(err.Error(), "not a directory") {
		t.Errorf("a folder that is a file: %v", err)
	}
}

// TestExportFor writes a folder for `golden_weights.py TESTDATA --check FOLDER`.
func TestExportFor(t *testing.T) {
	dir := os.Getenv("SEMIDAVIL_EXPORT")
	if dir == "" {
		t.Skip("SEMIDAVIL_EXPORT names no folder to export to")
	}
	if err := ExportCLIP(t.Context(), dir, tiny, tinyValues(t), HF); err != nil {
		t.Fatal(err)
	}
}
