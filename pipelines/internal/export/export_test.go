package export

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"semidavil"
	"semidavil/configs"
	"semidavil/internal/fixture"
	"semidavil/internal/fixture/cloud"
	"semidavil/internal/fixture/trained"
	"semidavil/model/checkpoint"
	"semidavil/model/decode"
	"semidavil/model/dlg"
	"semidavil/model/infer"
	"semidavil/model/params"
	"semidavil/model/textfeatures"
	"semidavil/model/weights"
	"semidavil/pipelines/internal/commands/commandstest"
	"semidavil/runners/runnerstest"
	"semidavil/transforms/text"
)

func TestMain(m *testing.M) { runnerstest.Main(m) }

func command(t testing.TB, cfg configs.Export) (string, error) {
	t.Helper()
	return commandstest.Run(Command(), "prism", cfg)
}

func settings(t testing.TB, checkpoint string) configs.Export {
	cfg := configs.DefaultExport()
	cfg.Checkpoint, cfg.Output = checkpoint, filepath.Join(t.TempDir(), "out")
	return cfg
}

// tensorsOf reads a safetensors file.
func tensorsOf(t testing.TB, name string) params.Values {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	r, err := weights.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	out := params.Values{}
	for {
		x, err := r.Next()
		if err == io.EOF {
			return out
		}
		if err == nil {
			out[x.Name], err = r.Dense()
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// TestExport exports student and teacher, with a CLIP and without: the towers are those of the
// checkpoint and of the CLIP, the tokeniser is the training's, and the stored logits are the
// network's.
func TestExport(t *testing.T) {
	clip := trained.CLIPFolder(t, 1)
	plain := trained.Write(t, trained.Options{Set: semidavil.Cityscapes19})
	clipped := trained.Write(t, trained.Options{Set: semidavil.Cityscapes19, CLIP: clip})
	frozen := trained.Write(t, trained.Options{Set: semidavil.Cityscapes19, Vision: "frozen"})
	for _, c := range []struct {
		checkpoint, model, clip, vision, head string
	}{
		{plain.Output, "student", "", "", ""},
		{plain.Newest(), "student", "", "student/", "student/"},
		{plain.Output, "teacher", "", "teacher/", "teacher/"},
		{frozen.Output, "teacher", "", "student/", "teacher/"}, // it shares the tower
		{clipped.Best(), "student", clip, "", ""},
	} {
		cfg := settings(t, c.checkpoint)
		cfg.Model, cfg.CLIP = c.model, c.clip
		out, err := command(t, cfg)
		if err != nil || !strings.Contains(out, "guidance outer_res, decoder simple, 19 classes") || !strings.Contains(out, "segment.py --check") {
			t.Fatalf("%s\n%v", out, err)
		}
		file, err := infer.Find(t.Context(), c.checkpoint, c.model)
		if err != nil {
			t.Fatal(err)
		}
		state, err := checkpoint.Read(t.Context(), file)
		if err != nil {
			t.Fatal(err)
		}
		facts, err := infer.ReadFacts(t.Context(), file)
		if err != nil {
			t.Fatal(err)
		}
		sizes, towers, err := weights.LoadCLIP(t.Context(), cfg.Output+"/clip")
		if err != nil || sizes != facts.Segmenter.CLIP {
			t.Fatal(sizes, err)
		}
		want := params.Values{}
		for name, value := range state.Values.Under(c.vision + "vision") {
			want[strings.TrimPrefix(name, c.vision)] = value
		}
		if got := towers.Under("vision"); len(want) == 0 || got.Digest() != want.Digest() {
			t.Errorf("%+v: %d parameters of the vision tower are not the %d of the checkpoint", c, len(got), len(want))
		}
		if c.clip != "" {
			_, first, err := weights.LoadCLIP(t.Context(), c.clip)
			if err != nil || towers.Under("text").Digest() != first.Under("text").Digest() || towers[infer.LogitScale].ScalarValue() != first[infer.LogitScale].ScalarValue() {
				t.Errorf("%+v: another text tower or scale than the CLIP's: %v", c, err)
			}
		}
		head := tensorsOf(t, cfg.Output+"/"+headFile)
		if bias := head["decoder.classifier.bias"]; !slices.Equal(bias.Data().([]float32), state.Values[c.head+"decode/classifier/bias"].Data().([]float32)) {
			t.Errorf("%+v: another network's decoder", c)
		}
		page, err := os.ReadFile(cfg.Output + "/" + pageFile)
		if err != nil {
			t.Fatal(err)
		}
		for name, d := range head {
			if !strings.Contains(string(page), fmt.Sprintf("| `%s` | %v |", name, []int(d.Shape()))) {
				t.Errorf("%s is not on the page", name)
			}
		}
		for _, line := range []string{"`vision_model.encoder.layers.N.self_attn.q_proj.weight`, N = 0 to 1 | [16 16] | `vision/blocks/N/attn/qkv/weight`", "`text_projection.weight` | [16 16]"} {
			if !strings.Contains(string(page), line) {
				t.Errorf("the page lacks %q", line)
			}
		}
		vocabulary, err := text.Load(os.DirFS(cfg.Output + "/clip"))
		if err != nil || vocabulary.Digest() != facts.Tokenizer.SHA256 {
			t.Errorf("%+v: another tokeniser: %v", c, err)
		}
		for _, name := range []string{"vocab.json", "merges.txt", "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "preprocessor_config.json", "config.json"} {
			if info, err := os.Stat(cfg.Output + "/clip/" + name); err != nil || info.Size() == 0 {
				t.Errorf("clip/%s: %v", name, err)
			}
		}
		checkExample(t, cfg, infer.Options{Checkpoint: file, Network: c.model, CLIP: c.clip})
		checkConfig(t, cfg.Output, c.model)
		if got, err := os.ReadFile(cfg.Output + "/" + scriptFile); err != nil || !bytes.Equal(got, script) {
			t.Errorf("another script: %v", err)
		}
	}
}

// checkExample compares the stored logits with labels that the network gives by another way.
func checkExample(t *testing.T, cfg configs.Export, o infer.Options) {
	t.Helper()
	x := tensorsOf(t, cfg.Output+"/"+checkFile)
	planes, shape := x["image"].Data().([]float32), x["image"].Shape()
	h, w := shape[2], shape[3]
	image := semidavil.NewImage(w, h)
	for i := range image.Pix {
		image.Pix[i] = uint8(planes[i%3*w*h+i/3])
	}
	ids := make([]int32, 0, text.Context)
	for _, id := range x["tokens"].Data().([]int64) {
		ids = append(ids, int32(id))
	}
	p := trained.NewOracle(t, o).Pixels(t, image, textfeatures.Tokens{IDs: ids, Count: int(x["count"].Data().([]int64)[0])})
	logits, classes := x["logits"].Data().([]float32), map[uint8]bool{}
	for i, label := range p.Label {
		best := 0
		for k := range len(logits) / (w * h) {
			if logits[k*w*h+i] > logits[best*w*h+i] {
				best = k
			}
		}
		if classes[label] = true; best != int(label) {
			t.Fatalf("pixel %d: the stored logits say class %d, the network %d", i, best, label)
		}
	}
	if len(classes) < 2 {
		t.Error("one class for all pixels shows nothing")
	}
}

func checkConfig(t *testing.T, output, model string) {
	t.Helper()
	var c struct {
		Network  string
		Image    struct{ Width, Height int }
		Window   []int
		Guidance struct {
			Kind    string
			Context int
			Scale   float64
		}
		Decoder struct {
			Kind, Norm string
			Classes    int
			Absent     []int
		}
		Classes []struct {
			Name  string
			ID    int
			Color [3]int
		}
		Caption string `json:"default_caption"`
	}
	data, err := os.ReadFile(output + "/" + configFile)
	if err == nil {
		err = json.Unmarshal(data, &c)
	}
	if err != nil {
		t.Fatal(err)
	}
	if c.Network != model || c.Image.Width == 0 || c.Image.Height == 0 || c.Window == nil || c.Guidance.Kind != "outer_res" || c.Guidance.Context != 77 || c.Guidance.Scale != 1/0.07 ||
		c.Decoder.Kind != "simple" || c.Decoder.Norm != "bn" || c.Decoder.Classes != 19 || c.Decoder.Absent == nil ||
		len(c.Classes) != 19 || c.Classes[18].Name != "bicycle" || c.Classes[18].ID != 33 || c.Classes[18].Color != [3]int{119, 11, 32} || !strings.Contains(c.Caption, "bicycle") {
		t.Errorf("%s", data)
	}
}

// TestAgain: a run over its own output writes the same bytes, also in Cloud Storage; one of
// another network is refused; and one that is cut short leaves no output that looks whole.
func TestAgain(t *testing.T) {
	n := trained.Write(t, trained.Options{Set: semidavil.Cityscapes19})
	cfg := settings(t, n.Output)
	must := func(cfg configs.Export) {
		t.Helper()
		if out, err := command(t, cfg); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
	}
	must(cfg)
	first := fixture.Tree(t, cfg.Output, "run.json")
	must(cfg)
	fixture.SameBytes(t, fixture.Tree(t, cfg.Output, "run.json"), first)

	server := cloud.Start(t)
	gs := cfg
	gs.Checkpoint, gs.Output = server.Upload(t, n.Output, "train"), "gs://data/out"
	must(gs)
	fixture.SameBytes(t, server.Tree(t, "out", "run.json"), first)

	other := cfg
	other.Model = "teacher"
	if _, err := command(t, other); err == nil || !strings.Contains(err.Error(), "holds the output of another configuration") {
		t.Error(err)
	}
	other.Overwrite = true
	must(other)
	if second := fixture.Tree(t, cfg.Output, "run.json"); !slices.Equal(slices.Sorted(maps.Keys(second)), slices.Sorted(maps.Keys(first))) || second[headFile].Data == first[headFile].Data {
		t.Error("the teacher was not exported")
	}

	uploads := 0
	server.SetFault(func(w http.ResponseWriter, r *http.Request) bool {
		if r.Method == http.MethodGet || r.Method == http.MethodDelete {
			return false
		}
		if uploads++; uploads < 8 {
			return false
		}
		http.Error(w, `{"error":{"code":403,"message":"the quota is used up"}}`, http.StatusForbidden)
		return true
	})
	if _, err := command(t, gs); err == nil || !strings.Contains(err.Error(), "quota") {
		t.Errorf("%v", err)
	}
	server.SetFault(nil)
	if _, whole := server.Tree(t, "out")[configFile]; whole {
		t.Error("an export that was cut short looks whole")
	}
}

// TestRefused: what cannot be exported is named, and nothing is written.
func TestRefused(t *testing.T) {
	n := trained.Write(t, trained.Options{Set: semidavil.Cityscapes19})
	alone := trained.Write(t, trained.Options{Alone: true})
	clip := trained.CLIPFolder(t, 1)
	clipped := trained.Write(t, trained.Options{CLIP: clip})
	changed := func(change func(*checkpoint.State)) string {
		m := trained.Write(t, trained.Options{Set: semidavil.Cityscapes19})
		trained.Change(t, m.Best(), change)
		return m.Best()
	}
	garbage := filepath.Join(t.TempDir(), "garbage.safetensors")
	fixture.Write(t, filepath.Dir(garbage), "garbage.safetensors", []byte("no weights"))
	data, err := os.ReadFile(n.Best())
	if err != nil {
		t.Fatal(err)
	}
	cut := filepath.Join(t.TempDir(), "cut.safetensors")
	fixture.Write(t, filepath.Dir(cut), "cut.safetensors", data[:len(data)-9])
	for want, change := range map[string]func(*configs.Export){
		"dlg/out/bias: is missing": func(c *configs.Export) {
			c.Checkpoint = changed(func(s *checkpoint.State) { delete(s.Values, "dlg/out/bias") })
		},
		"vision/blocks/1/mlp/up/weight: is missing": func(c *configs.Export) {
			c.Checkpoint = changed(func(s *checkpoint.State) { delete(s.Values, "vision/blocks/1/mlp/up/weight") })
		},
		"dlg/gate: is no parameter of guidance outer_res": func(c *configs.Export) {
			c.Checkpoint = changed(func(s *checkpoint.State) { s.Values["dlg/gate"] = s.Values["dlg/out/bias"] })
		},
		"decode/classifier/bias: has shape [18], want [19]": func(c *configs.Export) {
			c.Checkpoint = changed(func(s *checkpoint.State) {
				s.Values["decode/classifier/bias"] = params.Dense(make([]float32, 18), 18)
			})
		},
		"is of a network on volumes; want one on images": func(c *configs.Export) { c.Checkpoint = trained.Volumes(t, 1).Output },
		"holds none":                    func(c *configs.Export) { c.Checkpoint = t.TempDir() },
		"find checkpoint":               func(c *configs.Export) { c.Checkpoint = n.Output + "/absent.safetensors" },
		garbage:                         func(c *configs.Export) { c.Checkpoint = garbage },
		cut:                             func(c *configs.Export) { c.Checkpoint = cut },
		"is no checkpoint":              func(c *configs.Export) { c.Checkpoint = clip + "/model.safetensors" },
		"teacher is in the checkpoints": func(c *configs.Export) { c.Checkpoint, c.Model = n.Best(), "teacher" },
		"it has no teacher":             func(c *configs.Export) { c.Checkpoint, c.Model = alone.Output, "teacher" },
		`"professor" is unknown`:        func(c *configs.Export) { c.Model = "professor" },
		"give it as --clip":             func(c *configs.Export) { c.Checkpoint = clipped.Output },
		"is not the one that the network was trained with": func(c *configs.Export) { c.Checkpoint, c.CLIP = clipped.Output, trained.CLIPFolder(t, 2) },
		"load tokenizer": func(c *configs.Export) { c.Tokenizer = n.Output },
	} {
		cfg := settings(t, n.Output)
		change(&cfg)
		if _, err := command(t, cfg); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
		if left, _ := filepath.Glob(cfg.Output + "*"); len(left) > 0 {
			t.Errorf("%s: left %q", want, left)
		}
	}
}

// TestScript: the script knows every kind of guidance, decoder and normalisation, and the files
// that the command writes.
func TestScript(t *testing.T) {
	for _, name := range slices.Concat(dlg.Kinds(), decode.Kinds(), decode.Norms(), []string{headFile, checkFile, configFile}) {
		if !bytes.Contains(script, []byte(`"`+name+`"`)) {
			t.Errorf("segment.py does not know %q", name)
		}
	}
}
