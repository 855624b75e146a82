package pseudolabel

import (
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"semidavil/internal/fixture"
	"semidavil/internal/fixture/cloud"
	"semidavil/stages"
	"semidavil/transforms/pseudo"
)

// rewritten lists the files below some folder of an output that have changed since.
func rewritten(before, after map[string]fixture.File, folder string) (out []string) {
	for name, f := range after {
		if b, ok := before[name]; strings.HasPrefix(name, folder+"/") && (!ok || !b.Changed.Equal(f.Changed)) {
			out = append(out, name)
		}
	}
	slices.Sort(out)
	return out
}

// TestRemoved: whatever file is lost, the same run brings it back and does not do
// finished work again.
func TestRemoved(t *testing.T) {
	n, root := network(t), photos(t, 5)
	cfg := settings(t, n, root)
	cfg.Confidence, cfg.Rule = true, "cb"
	must(t, cfg)
	whole := fixture.Tree(t, cfg.Output, "run.json")
	again := func(what string, redone map[string][]string) {
		t.Helper()
		before := fixture.Tree(t, cfg.Output, "run.json")
		stdout := must(t, cfg)
		after := fixture.Tree(t, cfg.Output, "run.json")
		fixture.SameBytes(t, after, whole)
		for _, folder := range []string{stages.PredictionsFolder, stages.LabelsFolder} {
			if got := rewritten(before, after, folder); !slices.Equal(got, redone[folder]) {
				t.Errorf("%s: %v written anew, want %v", what, got, redone[folder])
			}
		}
		if want := fmt.Sprintf("reused     %d of 5", 5-len(redone[stages.PredictionsFolder])); !strings.Contains(stdout, want) {
			t.Errorf("%s: no %q in\n%s", what, want, stdout)
		}
	}
	again("nothing", nil)
	files := []string{"labels/day0/p02_pseudo_color.png", "labels/day0/p02_pseudo_confidence.png", "labels/day0/p02_pseudo_labelIds.png", "labels/day0/p02_pseudo_labelTrainIds.png"}
	for _, name := range []string{"predictions/day0/p02.prediction", stages.ThresholdsFile, stages.LabelsFile, stages.LabelStatsFile, stages.RejectsFile, files[0], files[1], files[2], files[3]} {
		if err := os.Remove(filepath.Join(cfg.Output, name)); err != nil {
			t.Fatal(err)
		}
		redone := map[string][]string{}
		switch {
		case strings.HasPrefix(name, "predictions/"):
			redone["predictions"], redone["labels"] = []string{name}, files
		case strings.HasPrefix(name, "labels/"):
			redone["labels"] = files
		case name == stages.ThresholdsFile:
			for name := range whole {
				if strings.HasPrefix(name, "labels/") {
					redone["labels"] = append(redone["labels"], name)
				}
			}
			slices.Sort(redone["labels"])
		}
		again(name, redone)
	}
	// A damaged prediction counts for nothing, wherever the damage is.
	name := "predictions/day0/p02.prediction"
	data := read(t, cfg.Output, name)
	for _, spoilt := range [][]byte{nil, data[:20], data[:len(data)-1], []byte("SDPP"), append(slices.Clone(data[:len(data)-9]), make([]byte, 9)...)} {
		fixture.Write(t, cfg.Output, name, spoilt)
		again("damaged", map[string][]string{"predictions": {name}, "labels": files})
	}
}

// TestChangedInput: another image or caption is looked at again, and nothing else.
func TestChangedInput(t *testing.T) {
	n, root := network(t), photos(t, 5)
	cfg := settings(t, n, root)
	must(t, cfg)
	check := func(what, want string) {
		t.Helper()
		before := fixture.Tree(t, cfg.Output)
		stdout := must(t, cfg)
		after := fixture.Tree(t, cfg.Output)
		if got := rewritten(before, after, stages.PredictionsFolder); !slices.Equal(got, []string{"predictions/" + want + ".prediction"}) {
			t.Errorf("%s: %v\n%s", what, got, stdout)
		}
		fresh := cfg
		fresh.Output = t.TempDir()
		must(t, fresh)
		fixture.SameBytes(t, fixture.Tree(t, cfg.Output, "run.json"), fixture.Tree(t, fresh.Output, "run.json"))
	}
	check("image", photo(t, root, 1, 40))
	fixture.Write(t, root, "day0/p02.txt", []byte("night, rain, nobody is on the road"))
	check("caption", "day0/p02")
	// Another image of the same size in bytes, with the time of its change alone.
	place := filepath.Join(root, "day1/p03.png")
	later := time.Now().Add(time.Second)
	if err := os.Chtimes(place, later, later); err != nil {
		t.Fatal(err)
	}
	time.Sleep(1100 * time.Millisecond) // so that the prediction is newer than the image
	check("time", "day1/p03")
}

// TestOtherThresholds asks for --overwrite, names the differences and keeps predictions.
func TestOtherThresholds(t *testing.T) {
	n, root := network(t), photos(t, 4)
	cfg := settings(t, n, root)
	must(t, cfg)
	before := fixture.Tree(t, cfg.Output)
	other := cfg
	other.Threshold, other.Rule = 0.5, "cb-cap"
	refused(t, other, "threshold: 0.95 -> 0.5", "cb-cap", "--overwrite")
	for name, f := range fixture.Tree(t, cfg.Output) {
		if !before[name].Changed.Equal(f.Changed) {
			t.Errorf("the refused run wrote %s", name)
		}
	}
	other.Overwrite = true
	if stdout := must(t, other); !strings.Contains(stdout, "reused     4 of 4") || strings.Contains(stdout, "images/s") {
		t.Error(stdout)
	}
	after := fixture.Tree(t, cfg.Output)
	if got := rewritten(before, after, stages.PredictionsFolder); len(got) != 0 {
		t.Error(got)
	}
	fresh := other
	fresh.Output = t.TempDir()
	must(t, fresh)
	fixture.SameBytes(t, fixture.Tree(t, cfg.Output, "run.json"), fixture.Tree(t, fresh.Output, "run.json"))
	// Another network keeps no prediction.
	other.Model = "teacher"
	if stdout := must(t, other); strings.Contains(stdout, "reused") {
		t.Error(stdout)
	}
	// What does not decide labels may change.
	other.MaxRejects, other.Overwrite = 0.5, false
	if stdout := must(t, other); !strings.Contains(stdout, "reused     4 of 4") {
		t.Error(stdout)
	}
	// Neither does what the pictures of a smaller run have to leave behind.
	other.Confidence, other.Overwrite = true, true
	must(t, other)
	other.Confidence = false
	must(t, other)
	for name := range fixture.Tree(t, cfg.Output) {
		if strings.HasSuffix(name, pseudo.ConfidenceEnding) {
			t.Errorf("%s is left of another configuration", name)
		}
	}
}

// TestKilled kills the command while it predicts, and starts it again. The images lie in
// a stand-in for Cloud Storage, which gives out too few for it to end.
func TestKilled(t *testing.T) {
	if testing.Short() {
		t.Skip("starts and kills processes")
	}
	server := cloud.Start(t)
	n, root := network(t), server.Upload(t, photos(t, 24), "photos")
	cfg := settings(t, n, root)
	cfg.Scales, cfg.Batch, cfg.GroupSize = []float64{1, 2, 3}, 1, 6
	undisturbed := cfg
	undisturbed.Output = t.TempDir()
	must(t, undisturbed)
	want := fixture.Tree(t, undisturbed.Output, "run.json")
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	predictions := func() (n int) {
		found, err := filepath.Glob(cfg.Output + "/predictions/*/*.prediction")
		if err != nil {
			t.Fatal(err)
		}
		return len(found)
	}
	args := []string{"-q", "--checkpoint=" + cfg.Checkpoint, "--input=" + root, "--output=" + cfg.Output, "--backend=go", "--scales=1,2,3", "--batch=1", "--group_size=6"}
	for _, at := range []int{2, 9} {
		// Up to ten images may be loaded and wait for one before them that is held back: of
		// two plans of six, since two loads are at work.
		var given atomic.Int64
		most := int64(at + 10 - predictions())
		server.SetFault(func(_ http.ResponseWriter, r *http.Request) bool {
			if strings.HasSuffix(r.URL.Path, ".png") && given.Add(1) > most {
				<-r.Context().Done()
				panic(http.ErrAbortHandler)
			}
			return false
		})
		child := exec.Command(self, args...)
		child.Env = append(os.Environ(), childVariable+"=1", "GOMAXPROCS=2", "TMPDIR="+t.TempDir())
		if err := child.Start(); err != nil {
			t.Fatal(err)
		}
		for begin := time.Now(); predictions() < at && time.Since(begin) < 2*time.Minute; {
			time.Sleep(time.Millisecond)
		}
		child.Process.Kill()
		child.Wait()
		if n := predictions(); n < at || n == 24 {
			t.Fatalf("%d predictions at the kill", n)
		}
	}
	server.SetFault(nil)
	before := fixture.Tree(t, cfg.Output)
	finished := predictions()
	child := exec.Command(self, args...)
	child.Env = append(os.Environ(), childVariable+"=1", "TMPDIR="+t.TempDir())
	out, err := child.Output()
	if err != nil || !strings.Contains(string(out), fmt.Sprintf("reused     %d of 24", finished)) {
		t.Errorf("%v\n%s", err, out)
	}
	after := fixture.Tree(t, cfg.Output, "run.json")
	fixture.SameBytes(t, after, want)
	if made := rewritten(before, after, stages.PredictionsFolder); len(made) != 24-finished {
		t.Errorf("%d predictions made anew, %d were finished", len(made), finished)
	}
}
