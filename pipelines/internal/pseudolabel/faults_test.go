package pseudolabel

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"semidavil"
	"semidavil/configs"
	"semidavil/internal/fixture"
	"semidavil/internal/fixture/prepared"
	"semidavil/internal/fixture/trained"
	"semidavil/stages"
)

// TestBadImages: every fault has its row, and all else comes through.
func TestBadImages(t *testing.T) {
	n, root := network(t), photos(t, 3)
	good := fixture.PNG(t, fixture.Picture(48, 40, 1))
	add := func(stem string, data []byte) {
		fixture.Write(t, root, stem+".png", data)
		fixture.Write(t, root, stem+".txt", []byte("a street"))
	}
	add("cut", good[:len(good)/2])
	add("empty", nil)
	add("html", []byte("<html>404 not found</html>"))
	add("odd", fixture.PNG(t, fixture.Picture(33, 17, 3)))
	add("dot", fixture.PNG(t, fixture.Picture(1, 1, 3)))
	fixture.Write(t, root, "silent.png", good)
	add("blank", good)
	fixture.Write(t, root, "blank.txt", []byte(" \n"))
	add("link", nil)
	if err := os.Remove(filepath.Join(root, "link.png")); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("/etc/hostname", filepath.Join(root, "link.png")); err != nil {
		t.Fatal(err)
	}
	want := map[string]string{"cut.png": "load: ", "empty.png": "empty", "html.png": "load: ", "silent.png": "caption: ", "blank.png": "caption: ", "link.png": "link"}
	if os.Getuid() != 0 {
		add("secret", good)
		if err := os.Chmod(filepath.Join(root, "secret.png"), 0); err != nil {
			t.Fatal(err)
		}
		want["secret.png"] = "permission"
	}
	cfg := settings(t, n, root)
	cfg.CaptionFallback, cfg.MaxRejects = "reject", 0.2
	stdout, err := command(t, cfg)
	if err == nil || !strings.Contains(err.Error(), "% of the images were rejected, more than --max_rejects=0.2 allows") {
		t.Errorf("%v\n%s", err, stdout)
	}
	got := rejects(t, cfg.Output)
	for path, reason := range want {
		if !strings.Contains(got[path], reason) || strings.HasPrefix(got[path], "load: ") && strings.Contains(got[path], root) {
			t.Errorf("%s: %q, want %q, of files without the root", path, got[path], reason)
		}
	}
	if len(got) != len(want) {
		t.Errorf("%v", got)
	}
	list := rows(t, cfg.Output)
	if names := sortedKeys(list); !slices.Equal(names, []string{"day0/p00.png", "day0/p02.png", "day1/p01.png", "dot.png", "odd.png"}) {
		t.Error(names)
	}
	if r := list["odd.png"]; r.Width != 33 || r.Height != 17 {
		t.Errorf("%+v", r)
	}
	cfg.MaxRejects = 1
	if stdout := must(t, cfg); !strings.Contains(stdout, "reused     5 of 5") || !strings.Contains(stdout, "cut.png") {
		t.Error(stdout)
	}
	// An image that is repaired is labelled by the next run.
	fixture.Write(t, root, "cut.png", good)
	must(t, cfg)
	if got := rejects(t, cfg.Output); got["cut.png"] != "" || rows(t, cfg.Output)["cut.png"].Width != 48 {
		t.Error(got)
	}
}

// TestAllBad: without any good image there is still a whole output.
func TestAllBad(t *testing.T) {
	root := t.TempDir()
	fixture.Write(t, root, "a.png", []byte("x"))
	for _, rule := range []string{"fixed", "cb"} {
		cfg := settings(t, network(t), root)
		cfg.Rule = rule
		if _, err := command(t, cfg); err == nil || !strings.Contains(err.Error(), "100.0 % of the images were rejected") {
			t.Error(err)
		}
		if len(rows(t, cfg.Output)) != 0 || len(rejects(t, cfg.Output)) != 1 {
			t.Error("rows")
		}
		cfg.MaxRejects = 1
		must(t, cfg)
	}
}

// TestNoPlan: where no image has a caption, the rejects are written all the same.
func TestNoPlan(t *testing.T) {
	root := t.TempDir()
	for i := range 2 {
		fixture.Write(t, root, fmt.Sprint(i, ".png"), fixture.PNG(t, fixture.Picture(32, 32, i)))
	}
	cfg := settings(t, network(t), root)
	cfg.Captions, cfg.CaptionFallback = "sidecar", "reject"
	if _, err := command(t, cfg); err == nil || !strings.Contains(err.Error(), "100.0 % of the images were rejected") {
		t.Error(err)
	}
	if len(rejects(t, cfg.Output)) != 2 {
		t.Errorf("rejects %v", rejects(t, cfg.Output))
	}
}

func TestRefused(t *testing.T) {
	n, root := network(t), photos(t, 1)
	other := trained.Write(t, trained.Options{})
	clip := trained.CLIPFolder(t, 1)
	clipped := trained.Write(t, trained.Options{Set: semidavil.Cityscapes19, CLIP: clip})
	for want, change := range map[string]func(*configs.Pseudolabel){
		"no images below":         func(c *configs.Pseudolabel) { c.Input = t.TempDir() },
		"no images below " + root: func(c *configs.Pseudolabel) { c.Input = root + "/*.jpg" },
		"absent":                  func(c *configs.Pseudolabel) { c.Input = root + "/absent" },
		"a file, not a folder":    func(c *configs.Pseudolabel) { c.Input = root + "/day0/p00.png" },
		"syntax error in pattern": func(c *configs.Pseudolabel) { c.Input = root + "/[*.png" },
		"holds none":              func(c *configs.Pseudolabel) { c.Checkpoint = root },
		"it is an output of pretrain": func(c *configs.Pseudolabel) {
			c.Checkpoint = t.TempDir()
			fixture.Write(t, c.Checkpoint, "run.json", []byte(`{"command":"pretrain","fingerprint":"x","config":{}}`))
		},
		"find checkpoint":                   func(c *configs.Pseudolabel) { c.Checkpoint = root + "/absent.safetensors" },
		"--backend":                         func(c *configs.Pseudolabel) { c.Backend = "abacus" },
		"student, teacher":                  func(c *configs.Pseudolabel) { c.Model = "professor" },
		"fixed, cb, cb-cap":                 func(c *configs.Pseudolabel) { c.Rule = "most" },
		"1.5 is not within 0 to 1":          func(c *configs.Pseudolabel) { c.Threshold = 1.5 },
		"load tokenizer":                    func(c *configs.Pseudolabel) { c.Tokenizer = root + "/absent" },
		"19 classes of cityscapes19, the":   func(c *configs.Pseudolabel) { c.Input, c.Checkpoint = n.Data, other.Output },
		"unknown; valid of a prepared":      func(c *configs.Pseudolabel) { c.Input, c.Subset = n.Data, "few" },
		"--captions_from":                   func(c *configs.Pseudolabel) { c.CaptionsFrom = root + "/absent" },
		"give it as --clip":                 func(c *configs.Pseudolabel) { c.Checkpoint = clipped.Output },
		"multiples of the patch":            func(c *configs.Pseudolabel) { c.Window, c.WindowSize = "sliding", "20x20" },
		"only --window=sliding has windows": func(c *configs.Pseudolabel) { c.WindowSize = "24x24" },
		"teacher":                           func(c *configs.Pseudolabel) { c.Checkpoint, c.Model = n.Best(), "teacher" },
	} {
		cfg := settings(t, n, root)
		change(&cfg)
		refused(t, cfg, want)
		if _, err := os.Stat(filepath.Join(cfg.Output, stages.LabelsFile)); err == nil {
			t.Errorf("%s: the output looks whole", want)
		}
	}
	// With its CLIP it works, with another not.
	cfg := settings(t, clipped, root)
	cfg.CLIP = clip
	must(t, cfg)
	cfg = settings(t, clipped, root)
	cfg.CLIP = trained.CLIPFolder(t, 2)
	refused(t, cfg, "is not the one that the network was trained with")
}

// TestEmptySubset names the subset that has no images.
func TestEmptySubset(t *testing.T) {
	n := trained.Write(t, trained.Options{Alone: true})
	cfg := settings(t, n, n.Data)
	cfg.Subset = ""
	must(t, cfg)
	o := trained.Images(t, semidavil.ClassSet{})
	o.Counts[2] = 0
	cfg = settings(t, n, prepared.Write(t, o))
	refused(t, cfg, "has no unlabelled images")
}
