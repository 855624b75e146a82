package weights

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"
	"gorgonia.org/tensor"

	"semidavil/model/backend"
	"semidavil/model/clip"
	decoders "semidavil/model/decode"
	"semidavil/model/dlg"
	"semidavil/model/params"
	"semidavil/model/segmenter"
)

// segmenters are all kinds of guidance, decoder and normalisation that go together, by the
// names of their parts in testdata/torch_names.txt.
func segmenters() map[string]segmenter.Config {
	towers := clip.Config{ImageSize: 12, PatchSize: 4, VisionWidth: 12, VisionLayers: 2, VisionHeads: 2,
		TextWidth: 8, TextLayers: 1, TextHeads: 2, Context: 7, Vocab: 23, Embed: 16}
	out := map[string]segmenter.Config{}
	for _, guidance := range dlg.Kinds() {
		for _, decoder := range decoders.Kinds() {
			for _, norm := range decoders.Norms() {
				c := segmenter.Config{CLIP: towers, Guidance: dlg.Config{Kind: guidance, Context: 7, Classes: 5}, Decoder: decoders.Config{Kind: decoder, Norm: norm, Classes: 5}}
				if c.Check() == nil {
					out[fmt.Sprintf("guidance %s|decoder %s-%s", guidance, decoder, norm)] = c
				}
			}
		}
	}
	return out
}

// headValues are the parameters that the network itself makes, drawn where it starts at zeros.
func headValues(t *testing.T, b backend.Choice, c segmenter.Config) params.Values {
	t.Helper()
	store := model.NewStore()
	exec, err := model.NewExec(b.Backend, store, func(_ *model.Scope, text, count *graph.Node) *graph.Node {
		s := params.In(store, text.Graph(), "student", params.Options{})
		d := graph.Ones(text.Graph(), text.Shape())
		return c.Logits(s, clip.VisionFeatures{Dense: graph.Reshape(d, 1, 2, 2, 16), Skip: graph.Reshape(graph.SliceAxis(d, 2, graph.AxisRange(0, 12)), 1, 2, 2, 12)},
			segmenter.Caption{Text: text, Count: count}, 8, 8)
	})
	if err != nil {
		t.Fatal(err)
	}
	defer exec.Finalize()
	if _, err := exec.Call1(tensors.FromFlatDataAndDimensions(make([]float32, 4*16), 1, 4, 16), tensors.FromFlatDataAndDimensions([]int32{3}, 1)); err != nil {
		t.Fatal(err)
	}
	values, err := params.Read(store, "student")
	if err != nil {
		t.Fatal(err)
	}
	for name, d := range values {
		data := d.Data().([]float32)
		for i := range data {
			data[i] = float32(i) + float32(len(name))/100
		}
	}
	return values
}

// TestHead exports every kind: the names and shapes are those that PyTorch's modules have, and
// each number lies where its layers look for it.
func TestHead(t *testing.T) {
	b, err := backend.Open("go")
	if err != nil {
		t.Fatal(err)
	}
	defer b.Backend.Finalize()
	data, err := os.ReadFile("testdata/torch_names.txt")
	if err != nil {
		t.Fatal(err)
	}
	sections := map[string][]string{}
	for line := range strings.Lines(string(data)) {
		f := strings.Fields(line)
		section := f[0] + " " + f[1]
		sections[section] = append(sections[section], strings.Join(f[2:], " "))
	}
	for name, c := range segmenters() {
		values := headValues(t, b, c)
		file := filepath.Join(t.TempDir(), "new", "head.safetensors")
		if err := ExportHead(t.Context(), file, c, values); err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		have, meta, err := decode(data)
		if err != nil || meta["format"] != "pt" {
			t.Fatal(meta, err)
		}
		guidance, decoder, _ := strings.Cut(name, "|")
		var names []string
		for _, tensor := range have.Names() {
			names = append(names, strings.Trim(fmt.Sprint(tensor, " ", strings.Trim(fmt.Sprint([]int(have[tensor].Shape())), "[]")), " "))
		}
		want := slices.Sorted(slices.Values(append(slices.Clone(sections[guidance]), sections[decoder]...)))
		if slices.Sort(names); !slices.Equal(names, want) {
			t.Errorf("%s: the file has\n%s\nPyTorch\n%s", name, strings.Join(names, "\n"), strings.Join(want, "\n"))
		}
		for _, e := range HeadEntries(c) {
			if !slices.Equal(e.ParamShape, []int(values[e.Param].Shape())) {
				t.Errorf("%s: %s has shape %v, is listed as %v", name, e.Param, values[e.Param].Shape(), e.ParamShape)
			}
			checkLayout(t, e, have[e.Name], values[e.Param])
		}
	}
}

// checkLayout compares all elements of a tensor of a file with the parameter's, by the
// definitions of PyTorch's layers and of ours.
func checkLayout(t *testing.T, e Entry, file, param *tensor.Dense) {
	t.Helper()
	x, y, d := file.Data().([]float32), param.Data().([]float32), e.Shape
	for i, v := range x {
		at := i
		switch {
		case len(d) == 2 && e.Name != segmenter.ClassText: // [out, in] of [in, out]
			at = i%d[1]*d[0] + i/d[1]
		case strings.HasSuffix(e.Name, ".up.weight"): // [in, out, 2, 2] of [in, 2·2·out]
			dx, dy, o, in := i%2, i/2%2, i/4%d[1], i/4/d[1]
			at = in*4*d[1] + (dy*2+dx)*d[1] + o
		case len(d) == 4: // [out, in, k, k] of [k·k·in, out]
			k := d[3]
			dx, dy, in, o := i%k, i/k%k, i/k/k%d[1], i/k/k/d[1]
			at = ((dy*k+dx)*d[1]+in)*d[0] + o
		}
		if v != y[at] {
			t.Errorf("%s%v: element %d is %v, want element %d of %s, %v", e.Name, d, i, v, at, e.Param, y[at])
			return
		}
	}
}

// TestHeadRefuses: what is wrong with parameters is said by their names, and no file is written.
func TestHeadRefuses(t *testing.T) {
	c := segmenters()["guidance sum_res|decoder simple-bn"]
	whole := func() params.Values {
		values := params.Values{}
		for _, e := range HeadEntries(c) {
			values[e.Param] = params.Dense(make([]float32, params.Size(e.ParamShape)), e.ParamShape...)
		}
		return values
	}
	file := filepath.Join(t.TempDir(), "head.safetensors")
	for want, change := range map[string]func(params.Values){
		"dlg/out/bias: is missing": func(v params.Values) { delete(v, "dlg/out/bias") },
		"dlg/gate/weight: is no parameter of guidance sum_res and decoder simple": func(v params.Values) { v["dlg/gate/weight"] = v["dlg/out/bias"] },
		"decode/conv/weight: has shape [144 255], want [144 256]":                 func(v params.Values) { v["decode/conv/weight"] = params.Dense(make([]float32, 144*255), 144, 255) },
		"decode/norm/running_var: element 3 is NaN":                               func(v params.Values) { v["decode/norm/running_var"].Data().([]float32)[3] = float32(math.NaN()) },
		"dlg/key_text/weight: has type I64, want F32":                             func(v params.Values) { v["dlg/key_text/weight"] = params.Dense(make([]int64, 256), 16, 16) },
		"vision/class: is no parameter of guidance sum_res and decoder simple":    func(v params.Values) { v["vision/class"] = v["dlg/out/bias"] },
	} {
		values := whole()
		change(values)
		err := ExportHead(t.Context(), file, c, values)
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), file) {
			t.Errorf("%v, want %q", err, want)
		}
	}
	if _, err := os.Stat(file); err == nil {
		t.Error("a file was written")
	}
	if err := ExportHead(t.Context(), file, c, whole()); err != nil {
		t.Error(err)
	}
}
