package prepare

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"semidavil"
	"semidavil/configs"
	"semidavil/internal/fixture"
)

// TestCaptionsFromService captions through a stand-in service, once an image
// even where an image is in two subsets, and reuses the file in a later run.
func TestCaptionsFromService(t *testing.T) {
	var asked atomic.Int64
	service := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n := asked.Add(1)
		if n == 2 {
			http.Error(w, "slow down", http.StatusTooManyRequests)
			return
		}
		fmt.Fprint(w, `{"choices":[{"message":{"role":"assistant","content":"A street with a red car."}}]}`)
	}))
	defer service.Close()
	city := t.TempDir()
	fixture.Cityscapes(t, city, 3, 1, 2)
	set := func(c *configs.Prepare) {
		c.Target, c.TargetSize = []string{"cityscapes:" + city}, "32x16"
		c.Captions, c.CaptionURL, c.CaptionModel, c.CaptionConcurrency = "http", service.URL, "eye", 2
	}
	output, _, err := prepare(t, set)
	if err != nil {
		t.Fatal(err)
	}
	first := asked.Load()
	if first != 7 { // six images and one retry
		t.Errorf("%d requests", first)
	}
	for _, s := range samplesOf(t, output, semidavil.Unlabelled) {
		if s.Caption != "A street with a red car." || !strings.HasPrefix(s.Meta.Captioner, "http") || s.Label != nil {
			t.Errorf("%s: %q by %s", s.Key, s.Caption, s.Meta.Captioner)
		}
	}
	if _, _, err := prepare(t, func(c *configs.Prepare) { set(c); c.CaptionsFrom = output + "/captions" }); err != nil {
		t.Error(err)
	}
	if asked.Load() != first {
		t.Errorf("%d more requests in a run with captions", asked.Load()-first)
	}
	service.Close()
	city2 := t.TempDir()
	fixture.Cityscapes(t, city2, 1, 1, 1)
	if _, _, err := prepare(t, func(c *configs.Prepare) { set(c); c.Target = []string{"cityscapes:" + city2 + "/nowhere"} }); err == nil || !strings.Contains(err.Error(), "nowhere") {
		t.Errorf("missing folder: %v", err)
	}
}

// TestOverwriteForgetsOtherData: the captions of other images with the same keys
// must not be used, even where the new images are the older files.
func TestOverwriteForgetsOtherData(t *testing.T) {
	say := "the first town"
	service := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(w, `{"choices":[{"message":{"role":"assistant","content":%q}}]}`, say)
	}))
	defer service.Close()
	output := t.TempDir()
	with := func(root string) {
		t.Helper()
		_, _, err := prepare(t, func(c *configs.Prepare) {
			c.Source, c.Output, c.Overwrite, c.SourceSize = []string{"gta5:" + root}, output, true, "24x15"
			c.Captions, c.CaptionURL, c.CaptionModel = "http", service.URL, "eye"
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	a, b := t.TempDir(), t.TempDir()
	fixture.GTA5(t, a, 2)
	fixture.GTA5(t, b, 2)
	old := time.Now().Add(-time.Hour)
	err := filepath.WalkDir(b, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		return os.Chtimes(path, old, old)
	})
	if err != nil {
		t.Fatal(err)
	}
	with(a)
	say = "the second town"
	with(b)
	for _, s := range samplesOf(t, output, semidavil.SourceTrain) {
		if s.Caption != say {
			t.Errorf("%s: %q", s.Key, s.Caption)
		}
	}
}
