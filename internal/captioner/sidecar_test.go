package captioner

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"semidavil/internal/store"
	"semidavil/transforms/captions"
)

// dataset writes files below a new folder and returns it.
func dataset(t *testing.T, files map[string]string) string {
	t.Helper()
	root := t.TempDir()
	for rel, content := range files {
		if err := store.WriteFile(t.Context(), filepath.Join(root, rel), []byte(content)); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

func sidecarOf(t *testing.T, cfg Config) captions.Captioner {
	t.Helper()
	cfg.Kind = Sidecar
	c, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestSidecar(t *testing.T) {
	root := dataset(t, map[string]string{
		"train/a.txt":         " Beside\r\nthe  image. ",
		"train/b.caption.txt": "Second name.",
		"train/c.txt":         "Preferred.",
		"train/c.caption.txt": "Not this.",
		"train/empty.txt":     " \n",
		"train/odd.x.txt":     "Odd stem.",
		"train/latin.txt":     "Stra\xdfe",
		"train/large.txt":     strings.Repeat("x", maxSidecar+1),
		"train/folder.txt/x":  "",
		"captions.jsonl": "\uFEFF" + `{"image":"train/t.png","caption":"From the  table.","model":"m"}` + "\n\n" +
			`{"image":"./train/a.png","caption":"Hidden by the file beside."}` + "\r\n" +
			`{"image":"train/twice.png","caption":"Same."}` + "\n" +
			`{"image":"train/twice.png","caption":"Same. "}` + "\n" +
			`{"image":"train/clash.png","caption":"One."}` + "\n" +
			`{"image":"train/clash.png","caption":"Other."}` + "\n" +
			`{"image":"train/void.png","caption":""}`,
	})
	c := sidecarOf(t, Config{})
	ask := func(rel string) (string, error) {
		return c.Caption(t.Context(), captions.Request{Key: "k_" + rel, Image: filepath.Join(root, rel), Root: root})
	}
	for _, tc := range []struct{ rel, want string }{
		{"train/a.png", "Beside the image."},
		{"train/b.png", "Second name."},
		{"train/c.jpeg", "Preferred."},
		{"train/odd.x.png", "Odd stem."},
		{"train/t.png", "From the table."},
		{"train/twice.png", "Same."},
	} {
		if got, err := ask(tc.rel); got != tc.want || err != nil {
			t.Errorf("%s: %q, %v; want %q", tc.rel, got, err, tc.want)
		}
	}
	for _, tc := range []struct {
		rel  string
		is   error
		text string
	}{
		{"train/none.png", captions.ErrMissing, "captions.jsonl"},
		{"train/empty.png", captions.ErrEmpty, ""},
		{"train/void.png", captions.ErrEmpty, ""},
		{"train/clash.png", nil, "lines 6 and 7"},
		{"train/latin.png", nil, "UTF-8"},
		{"train/large.png", store.ErrTooLarge, ""},
		{"train/folder.png", nil, "folder"},
		{"../outside.png", nil, "below"},
	} {
		got, err := ask(tc.rel)
		if err == nil || tc.is != nil && !errors.Is(err, tc.is) || !strings.Contains(err.Error(), tc.text) || !strings.Contains(err.Error(), "k_"+tc.rel) {
			t.Errorf("%s: %q, %v", tc.rel, got, err)
		}
		if tc.is == nil && (errors.Is(err, captions.ErrMissing) || errors.Is(err, captions.ErrEmpty)) {
			t.Errorf("%s: a fault passes for a missing caption: %v", tc.rel, err)
		}
	}
}

func TestBeside(t *testing.T) {
	for image, want := range map[string]string{
		"gs://b/a.b/c#1.png": "gs://b/a.b/c#1.txt",
		"gs://b/a.b/c":       "gs://b/a.b/c.txt",
		"d/.png":             "d/.png.txt",
		"a_leftImg8bit.png":  "a_leftImg8bit.txt",
	} {
		if got := sidecarNames(image)[0]; got != want {
			t.Errorf("beside(%s) = %s, want %s", image, got, want)
		}
	}
}

func TestRelative(t *testing.T) {
	for _, tc := range [][3]string{
		{"gs://b/set", "gs://b/set/a/b.png", "a/b.png"},
		{"gs://b/set/", "gs://b/set/a.png", "a.png"},
		{"gs://b", "gs://b/a.png", "a.png"},
		{"/d", "/d/x/../a.png", "a.png"},
		{"gs://b/set", "gs://b/settings/a.png", ""},
		{"/d", "/e/a.png", ""},
		{"/d", "gs://b/a.png", ""},
	} {
		got, err := relative(tc[0], tc[1])
		if got != tc[2] || (err == nil) != (tc[2] != "") {
			t.Errorf("relative(%s, %s) = %q, %v; want %q", tc[0], tc[1], got, err, tc[2])
		}
	}
}

// The table is parsed once per process however many captioners read it, and again
// when it changed.
func TestTableShared(t *testing.T) {
	root := dataset(t, map[string]string{"captions.jsonl": `{"image":"a.png","caption":"First."}`})
	req := captions.Request{Key: "k", Image: filepath.Join(root, "a.png"), Root: root}
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			if got, err := sidecarOf(t, Config{}).Caption(t.Context(), req); got != "First." || err != nil {
				t.Errorf("%q, %v", got, err)
			}
		})
	}
	wg.Wait()
	count := func() (n int) {
		shared.Lock()
		defer shared.Unlock()
		for v := range shared.byVersion {
			if strings.HasPrefix(v.path, root) {
				n++
			}
		}
		return n
	}
	if count() != 1 {
		t.Errorf("%d tables are kept", count())
	}
	if err := os.WriteFile(filepath.Join(root, "captions.jsonl"), []byte(`{"image":"a.png","caption":"Second one."}`), 0o644); err != nil {
		t.Fatal(err)
	}
	if got, err := sidecarOf(t, Config{}).Caption(t.Context(), req); got != "Second one." || err != nil {
		t.Errorf("after a change: %q, %v", got, err)
	}
	if count() != 1 {
		t.Errorf("%d tables are kept after a change", count())
	}
}

// TestTableOfOtherNames: the images are listed once, and only for a name that is no path.
func TestTableOfOtherNames(t *testing.T) {
	root := dataset(t, map[string]string{"captions.jsonl": `{"image":"train/a.png","caption":"A."}` + "\n{\n" +
		`{"image":"train\\b.png","caption":"B."}` + "\n" + `{"image":"c.png","caption":"C."}` + "\n" + `{"image":"d.png","caption":"D."}`})
	listed := 0
	req := captions.Request{Root: root, Images: func(context.Context) ([]string, error) {
		listed++
		return []string{"train/a.png", "train/b.png", "train/c.png", "train/d.png", "val/d.png"}, nil
	}}
	c := sidecarOf(t, Config{})
	ask := func(rel string) (string, error) {
		req.Key, req.Image = rel, filepath.Join(root, rel)
		return c.Caption(t.Context(), req)
	}
	if got, err := ask("train/a.png"); got != "A." || err != nil || listed != 0 {
		t.Errorf("%q, %v, listed %d times", got, err, listed)
	}
	for rel, want := range map[string]string{"train/b.png": "B.", "train/c.png": "C."} {
		if got, err := ask(rel); got != want || err != nil {
			t.Errorf("%s: %q, %v", rel, got, err)
		}
	}
	if got, err := ask("val/d.png"); !errors.Is(err, captions.ErrMissing) {
		t.Errorf("an ambiguous name gave %q, %v", got, err)
	}
	if listed != 1 {
		t.Errorf("listed %d times", listed)
	}

	fit, err := FitTable(t.Context(), req)
	if err != nil || fit.Path != filepath.Join(root, "captions.jsonl") || fit.Images != 5 || fit.Example != "train/a.png" || fit.First != "train/a.png" ||
		fit.Rows != 4 || fit.Matched != 3 || len(fit.Ambiguous) != 1 || len(fit.Broken) != 1 || fit.Broken[0].Line != 2 {
		t.Errorf("%+v, %v", fit, err)
	}
	// The images may have changed since the table was read.
	req.Images = func(context.Context) ([]string, error) { return []string{"val/d.png"}, nil }
	if fit, err := FitTable(t.Context(), req); err != nil || fit.Matched != 1 {
		t.Errorf("%+v, %v", fit, err)
	}
	if got, err := ask("val/d.png"); got != "D." || err != nil {
		t.Errorf("%q, %v", got, err)
	}
	if fit, err := FitTable(t.Context(), captions.Request{Root: t.TempDir(), Images: req.Images}); fit != nil || err != nil {
		t.Errorf("no table: %+v, %v", fit, err)
	}
}
