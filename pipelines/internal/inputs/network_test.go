package inputs

import (
	"path/filepath"
	"strings"
	"testing"

	"semidavil/configs"
	"semidavil/internal/fixture/trained"
	"semidavil/internal/outputs"
	"semidavil/model/infer"
	"semidavil/runners"
)

// TestReadNetwork finds checkpoint, CLIP and window of a training.
func TestReadNetwork(t *testing.T) {
	clip := trained.CLIPFolder(t, 1)
	n := trained.Write(t, trained.Options{CLIP: clip})
	given := configs.DefaultEvaluate().Inference
	given.Checkpoint, given.Backend = n.Output, "go"
	both := []string{infer.Student, infer.Teacher}
	if _, err := ReadNetwork(t.Context(), &runners.Session{Runner: "prism"}, given, both); err == nil || !strings.Contains(err.Error(), "give it as --clip") {
		t.Error(err)
	}
	trainedWith := configs.DefaultTrain()
	trainedWith.CLIP = clip
	record, err := configs.NewRecord("train", "prism", trainedWith, trainedWith)
	if err == nil {
		err = outputs.Write(t.Context(), n.Output, record)
	}
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		path  string
		names []string
		files []string
	}{
		"folder":     {n.Output, both, []string{n.Best(), n.Newest()}},
		"best":       {n.Best(), both[:1], []string{n.Best()}},
		"checkpoint": {n.Newest(), both, []string{n.Newest(), n.Newest()}},
	} {
		given.Checkpoint = c.path
		got, err := ReadNetwork(t.Context(), &runners.Session{Runner: "prism"}, given, c.names)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		for i, p := range got.Params {
			if p.Checkpoint != c.files[i] || p.Network != c.names[i] || p.CLIP != clip || p.Batch != given.Batch || p.Backend != "go" || p.Window != (infer.Window{}) {
				t.Errorf("%s: %+v", name, p)
			}
		}
		if len(got.Params) != len(c.names) || got.Facts.ClassSet.Len() != 4 || got.Tokenizer != "" {
			t.Errorf("%s: %+v", name, got)
		}
	}
	given.Checkpoint, given.Window = n.Output, "sliding"
	if got, err := ReadNetwork(t.Context(), &runners.Session{Runner: "prism"}, given, both); err != nil || got.Params[0].Window != infer.Sliding(32, 32) { // the crop
		t.Errorf("%+v %v", got, err)
	}
	given.WindowSize = "24x16"
	if got, err := ReadNetwork(t.Context(), &runners.Session{Runner: "prism"}, given, both); err != nil || got.Params[1].Window != (infer.Window{Width: 24, Height: 16, Stride: 10}) {
		t.Errorf("%+v %v", got, err)
	}
	given.CLIP = filepath.Join(n.Output, "absent")
	if _, err := ReadNetwork(t.Context(), &runners.Session{Runner: "prism"}, given, both); err == nil || !strings.Contains(err.Error(), "give its folder as --clip") {
		t.Error(err)
	}
}

// TestDataSet reads what images are asked for.
func TestDataSet(t *testing.T) {
	root := t.TempDir()
	for from, want := range map[string][3]string{
		root:                    {"images", root, ""},
		root + "/*.png":         {"images", root, "*.png"},
		root + "/a*/[bc]/?.png": {"images", root, "a*/[bc]/?.png"},
		"cityscapes:" + root:    {"cityscapes", root, ""},
		"images:" + root:        {"images", root, ""},
	} {
		got, err := Raw(t.Context(), Request{From: from, Flag: "input", Subset: "val"})
		if err != nil || [3]string{got.Kind, got.Root, got.Part.Glob} != want || got.Part.Split != "val" || !got.Part.WithoutLabels {
			t.Errorf("%s: %+v %v", from, got, err)
		}
	}
	for from, want := range map[string]string{"*.png": "no folder before the pattern", root + "/[a": "syntax error", root + "/absent": "absent"} {
		if _, err := Raw(t.Context(), Request{From: from, Flag: "input"}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", from, err, want)
		}
	}
}
