package inputs

import (
	"os"
	"strings"
	"testing"

	"semidavil/configs"
	"semidavil/internal/fixture"
	"semidavil/runners"
	"semidavil/stages"
)

// names are folders whose names would mean something else elsewhere.
var names = []string{"plain", "run_12:10:00", "cityscapes:c", "pairs:p.yaml:c", "a[1]", "[", "a*b", "what?", "a,b", "50%#", "ü b"}

// resolved is what a flag's value becomes before anything is looked for.
func resolved(t *testing.T, arg string) string {
	t.Helper()
	cfg := configs.DefaultPseudolabel()
	cfg.Input = arg
	if err := cfg.Validate(); err != nil {
		t.Errorf("%s: %v", arg, err)
	}
	if err := Resolve(&runners.Session{Runner: "prism"}, &cfg.Inference, runners.Path{Flag: "input", Value: &cfg.Input}); err != nil {
		t.Errorf("%s: %v", arg, err)
	}
	return cfg.Input
}

// TestFoldersByName: a folder that is there is that folder, relative or absolute.
func TestFoldersByName(t *testing.T) {
	root := t.TempDir()
	t.Chdir(root)
	for _, name := range names {
		fixture.Write(t, root, name+"/raw/1.png", []byte("x"))
		fixture.Write(t, root, name+"/1.png", []byte("x"))
		fixture.Write(t, root, "prepared/"+name+"/"+stages.ManifestFile, []byte("{}"))
	}
	for _, name := range names {
		for _, dir := range []string{"", "./", root + "/"} {
			from := resolved(t, dir+name)
			if prepared, err := isPrepared(t.Context(), from); err != nil || prepared {
				t.Errorf("%s: prepared is %t, %v", dir+name, prepared, err)
			}
			if set, err := Raw(t.Context(), Request{From: from, Flag: "input"}); err != nil || set.Kind != "images" || set.Root != root+"/"+name || set.Part.Glob != "" {
				t.Errorf("%s: %+v, %v", dir+name, set, err)
			}
			from = resolved(t, "cityscapes:"+dir+name)
			if set, err := Raw(t.Context(), Request{From: from, Flag: "input"}); err != nil || set.Kind != "cityscapes" || set.Root != root+"/"+name {
				t.Errorf("cityscapes:%s: %+v, %v", dir+name, set, err)
			}
			from = resolved(t, dir+name+"/*/1.png")
			if isDataSet(from) { // as there is no folder of that name
				continue
			}
			if set, err := Raw(t.Context(), Request{From: from, Flag: "input"}); err != nil || set.Kind != "images" || set.Root != root+"/"+name || set.Part.Glob != "*/1.png" {
				t.Errorf("%s/*/1.png: %+v, %v", dir+name, set, err)
			}
		}
	}
	t.Chdir(root + "/prepared")
	for _, name := range names {
		if prepared, err := isPrepared(t.Context(), resolved(t, name)); err != nil || !prepared {
			t.Errorf("%s: prepared is %t, %v", name, prepared, err)
		}
	}
}

// TestGlobs: without such a folder, the kinds and patterns mean what they always do.
func TestGlobs(t *testing.T) {
	root := t.TempDir()
	for _, rel := range []string{"a1/x/1.png", "a[1]/x/1.png", "city/1.png", "a[1]/file"} {
		fixture.Write(t, root, rel, []byte("x"))
	}
	for from, want := range map[string]string{
		root + "/*/1.png":           root + " */1.png",
		root + "/[a-c]*/?.png":      root + " [a-c]*/?.png",
		root + "/a[1]/x/*.png":      root + "/a[1]/x *.png",
		root + "/a[1]/*/1.png":      root + "/a[1] */1.png",
		root + "/a[12]/x/*.png":     root + " a[12]/x/*.png",
		root + `/a\[1\]/x/*.png`:    root + ` a\[1\]/x/*.png`,
		root + "/a[1]/file/*.png":   root + "/a[1] file/*.png",
		"cityscapes:" + root:        root + " ",
		"images:" + root + "/a[1]":  root + "/a[1] ",
		"images:" + root + "/city/": root + "/city ",
	} {
		set, err := Raw(t.Context(), Request{From: resolved(t, from), Flag: "input"})
		if got := set.Root + " " + set.Part.Glob; err != nil || got != want {
			t.Errorf("%s: %q, %v, want %q", from, got, err, want)
		}
	}
	for from, want := range map[string]string{
		root + "/absent":       "no such file",
		root + "/absent/*":     "no such file",
		root + "/city/1.png":   "it is a file",
		root + "/city/[a":      "syntax error in pattern",
		"images:" + root + "*": "no such file",
	} {
		if _, err := Raw(t.Context(), Request{From: resolved(t, from), Flag: "input"}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", from, err, want)
		}
	}
}

// TestPairsFile: what is wrong in a description is told with its name.
func TestPairsFile(t *testing.T) {
	root := t.TempDir()
	for text, want := range map[string]string{
		"\xFF\xFEn\x00":                          "UTF-16",
		"name: a\nnme: b\n":                      `[2:1] "nme" is unknown`,
		"name: gta5\ntrain: {images: i}\n":       "built-in data set",
		"name: a\n" + strings.Repeat(" ", 1<<20): "too large",
	} {
		fixture.Write(t, root, "p.yaml", []byte(text))
		if _, err := DataSet(t.Context(), "pairs:"+root+"/p.yaml:"+root); err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), root+"/p.yaml") {
			t.Errorf("%.20q: %v, want %q", text, err, want)
		}
	}
	var texts []string
	for _, text := range []string{"name: a\ntrain: {images: i}\nclass_set: cityscapes19\n", "\uFEFFname: a\r\ntrain: {images: i}\r\nclass_set: cityscapes19\r\n"} {
		if err := os.WriteFile(root+"/p.yaml", []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		set, err := DataSet(t.Context(), "pairs:"+root+"/p.yaml:"+root)
		if err != nil {
			t.Error(err)
		}
		texts = append(texts, set.Pairs)
	}
	if texts[0] != texts[1] { // which shards are remade with
		t.Errorf("%q", texts)
	}
}

// TestUnknownKind: what looks like a data set of no kind that there is, is told so; paths and
// URLs are none.
func TestUnknownKind(t *testing.T) {
	folder := t.TempDir()
	t.Chdir(folder)
	if err := os.Mkdir("kitti:x", 0o777); err != nil {
		t.Fatal(err)
	}
	for arg, want := range map[string]string{
		"kitti:/data": "kitti", "bdd100k:data": "bdd100k", "kitti:x": "", "gta5:/data": "", "gs://bucket/a": "", "out/prepare": "",
		"a/kitti:b": "", "C:/data": "", "kitti:": "", "*.png": "", "run_12:10:00/x": "", "run:10/*.png": "",
	} {
		if got := unknownKind(arg); got != want {
			t.Errorf("%s: %q, want %q", arg, got, want)
		}
	}
}
