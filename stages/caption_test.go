package stages

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/apache/beam/sdks/v2/go/pkg/beam"

	"semidavil"
	"semidavil/internal/captioner"
	"semidavil/internal/captionservice"
	"semidavil/internal/fixture"
	"semidavil/runners/runnerstest"
	"semidavil/stages/captionstore"
	"semidavil/stages/plans"
	"semidavil/transforms/captions"
)

// TestAnswersOutliveShards: another size of shards moves the images, and yet a
// service is not asked again, by another process either.
func TestAnswersOutliveShards(t *testing.T) {
	var asked atomic.Int64
	service := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		asked.Add(1)
		fmt.Fprint(w, `{"choices":[{"message":{"role":"assistant","content":"A street."}}]}`)
	}))
	defer service.Close()
	gta, out := t.TempDir(), t.TempDir()
	fixture.GTA5(t, gta, 7)
	run := func(perShard int) {
		t.Helper()
		err := runnerstest.Run(t, "prism", func(s beam.Scope) {
			refs, _ := Match(s, MatchParams{Sets: []plans.DataSet{{Kind: "gta5", Root: gta, Domain: semidavil.Source}}})
			assigned, _ := Split(s, SplitParams{Labelled: -1}, refs)
			Caption(s, CaptionParams{Captioner: captioner.Config{Kind: captioner.HTTP, Classes: []string{"road"},
				Endpoint: captionservice.Endpoint{URL: service.URL, Model: "eye"}}, Output: out, Concurrency: 2}, Assign(s, AssignParams{PerShard: perShard}, assigned))
		})
		if err != nil {
			t.Fatal(err)
		}
		moved := filepath.Join(t.TempDir(), "gta5") // where this process was told nothing yet, as another
		if err := os.Rename(gta, moved); err != nil {
			t.Fatal(err)
		}
		gta = moved
	}
	run(3)
	if asked.Load() != 7 {
		t.Errorf("%d questions about 7 images", asked.Load())
	}
	run(2)
	if asked.Load() != 7 {
		t.Errorf("%d questions after a run with other shards", asked.Load())
	}
	name := out + "/source-00000.jsonl"
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	fixture.Write(t, out, "source-00000.jsonl", bytes.Replace(data, []byte("A street."), []byte("**A street.**"), 1))
	if run(2); asked.Load() != 8 {
		t.Errorf("%d questions after one stored answer is no sentence", asked.Load())
	}
	fixture.Write(t, gta, "images/00003.png", fixture.PNG(t, fixture.Picture(48, 30, 50)))
	run(2)
	if asked.Load() != 9 {
		t.Errorf("%d questions after one image has changed", asked.Load())
	}
}

// TestServiceDownEndsTheRun, but faults of images do not.
func TestServiceDownEndsTheRun(t *testing.T) {
	service := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		http.Error(w, "no such key", http.StatusUnauthorized)
	}))
	defer service.Close()
	plan := func(images string, n int) (*captionFn, *captioning) {
		root := t.TempDir()
		p := &captioning{lines: make([][]byte, n), faults: make([]error, n)}
		for i := range n {
			name := fmt.Sprintf("%d.png", i)
			data := []byte(images)
			if images == "" {
				data = fixture.PNG(t, fixture.Picture(8, 8, i))
			}
			fixture.Write(t, root, name, data)
			p.Samples = append(p.Samples, plans.Sample{Ref: semidavil.Ref{Key: name, Root: root, Image: name}})
		}
		f := &captionFn{Params: CaptionParams{Output: t.TempDir(), Captioner: captioner.Config{Kind: captioner.HTTP, Classes: []string{"road"},
			Endpoint: captionservice.Endpoint{URL: service.URL, Model: "eye"}}}}
		if err := f.Setup(t.Context()); err != nil {
			t.Fatal(err)
		}
		return f, p
	}
	file := func(f *captionFn) *captionstore.File {
		file, err := captionstore.OpenFile(t.Context(), f.Params.Output+"/x.jsonl")
		if err != nil {
			t.Fatal(err)
		}
		return file
	}
	f, p := plan("", 8)
	if err := f.fill(t.Context(), p, file(f)); err == nil || !strings.Contains(err.Error(), "succeeded for none") {
		t.Errorf("a service without access: %v", err)
	}
	f, p = plan("no picture", 8)
	if err := f.fill(t.Context(), p, file(f)); err != nil || p.faults[7] == nil {
		t.Errorf("eight bad files: %v %v", err, p.faults)
	}
}

// TestFallbackCoversAbsenceOnly, of a file or of a text in it, and never a fault.
func TestFallbackCoversAbsenceOnly(t *testing.T) {
	root := t.TempDir()
	fixture.Write(t, root, "empty.txt", []byte(" \n"))
	fixture.Write(t, root, "latin.txt", []byte("caf\xe9"))
	fixture.Write(t, root, "captions.jsonl", []byte(`{"image":"row.png","caption":""}`))
	f := &captionFn{Params: CaptionParams{FallBack: true, Output: t.TempDir(), Captioner: captioner.Config{Kind: captioner.Sidecar, Classes: []string{"road"}}}}
	if err := f.Setup(t.Context()); err != nil {
		t.Fatal(err)
	}
	one := func(name string) (s plans.Sample, err error) {
		s.Caption, s.Captioner, err = f.caption(t.Context(), semidavil.Ref{Key: name, Root: root, Image: name + ".png"})
		return s, err
	}
	for _, name := range []string{"absent", "empty", "row"} {
		if s, err := one(name); err != nil || s.Caption != "A street scene with road." || s.Captioner != f.fallback.ID() {
			t.Errorf("%s: %+v %v", name, s, err)
		}
	}
	if _, err := one("latin"); err == nil || errors.Is(err, captions.ErrMissing) {
		t.Errorf("not UTF-8: %v", err)
	}
	f.Params.FallBack = false
	if _, err := one("empty"); !errors.Is(err, captions.ErrEmpty) {
		t.Errorf("empty: %v", err)
	}
}
