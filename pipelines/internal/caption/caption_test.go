package caption

import (
	"fmt"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/apache/beam/sdks/v2/go/pkg/beam"

	"semidavil/configs"
	"semidavil/internal/fixture"
	"semidavil/internal/fixture/cloud"
	"semidavil/internal/fixture/trained"
	"semidavil/pipelines"
	"semidavil/runners/runnerstest"
	"semidavil/stages"
	"semidavil/stages/inference"
	"semidavil/transforms/captions"
)

// TestFolder: every image of a folder gets a row, a picture and its place in the statistics, and
// what prepare reads back is what was written.
func TestFolder(t *testing.T) {
	root := photos(t, 7)
	if err := os.Remove(root + "/day0/p02.txt"); err != nil {
		t.Fatal(err)
	}
	cfg := settings(t, root)
	stdout := must(t, cfg)
	got := rows(t, cfg.Output)
	if len(got) != 7 || got["day1/p03.png"].Caption != "a street with 3 cars and a bus" || got["day1/p03.png"].Captioner != "sidecar" ||
		!strings.HasPrefix(got["day0/p02.png"].Caption, "A street scene with road, ") {
		t.Errorf("%v", got)
	}
	for _, want := range []string{"captions   7, 7 of them different; 8 to ", "6 by sidecar", "1 images had none", "rejects    0"} {
		if !strings.Contains(stdout, want) {
			t.Errorf("no %q in\n%s", want, stdout)
		}
	}
	html := page(t, cfg.Output)
	for what, n := range map[string]int{`"jpeg":"`: 7, `"caption":"a street with 3 cars and a bus"`: 1, `"mark":"class names"`: 1, "chosen at random": 0, `data-word="cars"`: 1} {
		if got := strings.Count(html, what); got != n {
			t.Errorf("%d times %q in the page, want %d", got, what, n)
		}
	}
	stats, err := stages.ReadCaptionStats(t.Context(), cfg.Output)
	if err != nil || stats.Captions != 7 || stats.Fallbacks != 1 || stats.Rejects != 0 || stats.Captioners[0] != (captions.Count{Text: "sidecar", Images: 6}) {
		t.Errorf("%+v %v", stats, err)
	}

	// Given to another run, whose images have no texts, from the output or a folder of outputs.
	bare := t.TempDir()
	for i := range 7 {
		photo(t, bare, i, i)
	}
	for _, from := range []string{cfg.Output, filepath.Dir(cfg.Output), cfg.Output + "/captions"} {
		again := settings(t, bare)
		again.CaptionsFrom = from
		if from == filepath.Dir(cfg.Output) { // in a folder of its own
			again.CaptionsFrom = t.TempDir()
			if err := os.CopyFS(again.CaptionsFrom+"/one", os.DirFS(cfg.Output)); err != nil {
				t.Fatal(err)
			}
		}
		must(t, again)
		if !maps.Equal(rows(t, again.Output), got) {
			t.Errorf("from %s: %v", from, rows(t, again.Output))
		}
	}
}

// TestWays: the bytes are the same however the pipeline runs.
func TestWays(t *testing.T) {
	s := newService(t)
	root := photos(t, 7)
	for kind, change := range map[string]func(*configs.Caption){"sidecar": func(*configs.Caption) {}, "http": s.ask, "blip2": look(trained.BLIP2Folder(t, 1)),
		"blip": func(c *configs.Caption) {
			look(trained.BLIPFolder(t, 1))(c)
			c.Captions = "blip"
		},
		"cliptags": func(c *configs.Caption) { c.Captions, c.CaptionBackend = "cliptags", "go" }} {
		var first map[string]fixture.File
		for _, way := range runnerstest.Ways {
			cfg := settings(t, root)
			cfg.Sheet = 4
			change(&cfg)
			p, _, err := newPlan(t.Context(), cfg)
			if err != nil {
				t.Fatal(err)
			}
			err = runnerstest.Run(t, way, func(s beam.Scope) { pipelines.Caption(s, p) })
			inference.Close()
			if err != nil {
				t.Fatalf("%s, %s: %v", kind, way, err)
			}
			if way == "vet" {
				continue
			}
			got := fixture.Tree(t, cfg.Output)
			if first == nil {
				if first = got; len(got) != 6 {
					t.Errorf("%s: files %v", kind, slices.Sorted(maps.Keys(got)))
				}
			}
			fixture.SameBytes(t, got, first)
			if html := page(t, cfg.Output); strings.Count(html, `"jpeg":"`) != 4 || !strings.Contains(html, "4 of 7 images, chosen at random.") {
				t.Errorf("%s, %s: the page shows others", kind, way)
			}
		}
	}
}

// TestDataSet: the images of all splits or of one, with the keys of the data set.
func TestDataSet(t *testing.T) {
	city := t.TempDir()
	fixture.Cityscapes(t, city, 3, 2, 1)
	for subset, n := range map[string]int{"": 6, "val": 2, "train": 3} {
		cfg := settings(t, "cityscapes:"+city)
		cfg.Subset, cfg.Captions = subset, "classnames"
		must(t, cfg)
		got := rows(t, cfg.Output)
		if len(got) != n {
			t.Errorf("%q: %v", subset, got)
		}
		for image, row := range got {
			if !strings.HasPrefix(row.Key, "cityscapes_") {
				t.Errorf("%s: %s", image, row.Key)
			}
		}
		if strings.Contains(page(t, cfg.Output), `"mark":"class names"`) {
			t.Error("what was asked for is marked")
		}
	}
}

// TestBadImages: every fault has its row, and all else comes through.
func TestBadImages(t *testing.T) {
	s := newService(t)
	root := photos(t, 3)
	good := fixture.PNG(t, fixture.Picture(48, 40, 1))
	for name, data := range map[string][]byte{"cut.png": good[:len(good)/2], "empty.png": nil, "html.png": []byte("<html>404 not found</html>")} {
		fixture.Write(t, root, name, data)
	}
	if err := os.Symlink("/etc/hostname", filepath.Join(root, "link.png")); err != nil {
		t.Fatal(err)
	}
	want := []string{"cut.png", "empty.png", "html.png", "link.png"}
	cfg := settings(t, root)
	s.ask(&cfg)
	if _, err := command(t, cfg); err == nil || !strings.Contains(err.Error(), "57.1 % of the images were rejected, more than --max_rejects=0.05 allows") {
		t.Error(err)
	}
	if got := rejects(t, cfg.Output); !slices.Equal(slices.Sorted(maps.Keys(got)), want) {
		t.Errorf("%v", got)
	}
	if got := rows(t, cfg.Output); len(got) != 3 || s.answers.Load() != 3 {
		t.Errorf("%d answers, %v", s.answers.Load(), got)
	}
	html := page(t, cfg.Output)
	for _, name := range want {
		if !strings.Contains(html, `<th scope="row">`+name+"</th>") {
			t.Errorf("%s is not on the page", name)
		}
	}
	// One that is repaired is asked about by the next run, and no other.
	fixture.Write(t, root, "cut.png", good)
	cfg.MaxRejects = 1
	if stdout := must(t, cfg); s.answers.Load() != 4 || !strings.Contains(stdout, "reused     3 of 4 captions") {
		t.Errorf("%d answers\n%s", s.answers.Load(), stdout)
	}
	// A captioner that does not look at images gives all a caption; the page says which cannot be
	// shown.
	cfg = settings(t, root)
	cfg.Captions, cfg.MaxRejects = "classnames", 1
	must(t, cfg)
	if got, shown := rows(t, cfg.Output), strings.Count(page(t, cfg.Output), `"fault":"`); len(got) != 6 || shown != 2 {
		t.Errorf("%d faults, %v", shown, got)
	}
	// No good image at all is a whole output.
	bad := t.TempDir()
	fixture.Write(t, bad, "a.png", []byte("x"))
	cfg = settings(t, bad)
	s.ask(&cfg)
	if _, err := command(t, cfg); err == nil || !strings.Contains(err.Error(), "100.0 % of the images were rejected") {
		t.Error(err)
	}
	if len(rows(t, cfg.Output)) != 0 || len(rejects(t, cfg.Output)) != 1 || !strings.Contains(page(t, cfg.Output), "Rejected images") {
		t.Error("the output is not whole")
	}
}

// TestServiceFails: without any answer the run ends and says so; what it was told remains.
func TestServiceFails(t *testing.T) {
	s := newService(t)
	cfg := settings(t, photos(t, 12))
	cfg.GroupSize = 12
	s.ask(&cfg)
	down := func(w http.ResponseWriter) bool {
		http.Error(w, "no such key", http.StatusUnauthorized)
		return true
	}
	s.fault = down
	refused(t, cfg, "the service failed for 5 images and succeeded for none", "no such key")
	if _, err := os.Stat(cfg.Output + "/" + stages.CaptionStatsFile); err == nil {
		t.Error("the output looks whole")
	}
	// It answers a while.
	s.fault = func(w http.ResponseWriter) bool { return s.answers.Load() >= 4 && down(w) }
	if _, err := command(t, cfg); err == nil || !strings.Contains(err.Error(), "66.7 % of the images were rejected") {
		t.Error(err)
	}
	if got := rows(t, cfg.Output); len(got) != 4 {
		t.Errorf("%v", got)
	}
	// Down once more, although four captions are known.
	s.fault = down
	refused(t, cfg, "succeeded for none")
	if got := rows(t, cfg.Output); len(got) != 4 {
		t.Errorf("after another failure %v", got)
	}
	s.fault = nil
	if stdout := must(t, cfg); s.answers.Load() != 12 || !strings.Contains(stdout, "reused     4 of 12") {
		t.Errorf("%d answers\n%s", s.answers.Load(), stdout)
	}
}

// TestOtherSettings: an output of others is refused, names the differences, and is replaced only
// where that is asked for; what its own captioner said stays known.
func TestOtherSettings(t *testing.T) {
	s := newService(t)
	cfg := settings(t, photos(t, 4))
	s.ask(&cfg)
	must(t, cfg)
	other := cfg
	other.CaptionPrompt = "What is to be seen?"
	refused(t, other, "caption_prompt", "--overwrite")
	other.Overwrite = true
	must(t, other)
	if s.answers.Load() != 8 {
		t.Errorf("%d answers to two questions about 4 images", s.answers.Load())
	}
	if html := page(t, cfg.Output); !strings.Contains(html, "asked: What is to be seen?") {
		t.Error("the page does not tell the prompt")
	}
	// What does not decide captions may change, and is no reason to ask.
	other.Overwrite, other.Sheet, other.MaxRejects, other.CaptionConcurrency = false, 1, 0.5, 7
	if must(t, other); s.answers.Load() != 8 || strings.Count(page(t, cfg.Output), `"jpeg":"`) != 1 {
		t.Errorf("%d answers", s.answers.Load())
	}
	// Other images may have the same keys.
	other.Input, other.Overwrite = photos(t, 2), true
	if must(t, other); s.answers.Load() != 10 || len(rows(t, cfg.Output)) != 2 {
		t.Errorf("%d answers, %v", s.answers.Load(), rows(t, cfg.Output))
	}
	// Fewer images leave no file behind.
	if err := os.RemoveAll(other.Input + "/day1"); err != nil {
		t.Fatal(err)
	}
	other.Overwrite = false
	if must(t, other); len(rows(t, cfg.Output)) != 1 {
		t.Errorf("%v", rows(t, cfg.Output))
	}
}

func TestRefused(t *testing.T) {
	root, model, other := photos(t, 1), trained.BLIP2Folder(t, 1), trained.BLIP2Folder(t, 1)
	if err := os.Remove(other + "/vocab.json"); err != nil {
		t.Fatal(err)
	}
	for want, change := range map[string]func(*configs.Caption){
		"no images below":                   func(c *configs.Caption) { c.Input = t.TempDir() },
		"no images below " + root:           func(c *configs.Caption) { c.Input = root + "/*.jpg" },
		"absent":                            func(c *configs.Caption) { c.Input = root + "/absent" },
		"holds volumes; want images":        func(c *configs.Caption) { c.Input = "minict:" + root },
		"a file, not a folder":              func(c *configs.Caption) { c.Input = root + "/day0/p00.png" },
		"syntax error in pattern":           func(c *configs.Caption) { c.Input = root + "/[*.png" },
		"http needs":                        func(c *configs.Caption) { c.Captions = "http" },
		"--captions_from":                   func(c *configs.Caption) { c.CaptionsFrom = root + "/absent" },
		"blip2 needs caption_weights":       func(c *configs.Caption) { c.Captions = "blip2" },
		"no files of a model are there":     func(c *configs.Caption) { look(t.TempDir())(c) },
		"--caption_backend":                 func(c *configs.Caption) { look(model)(c); c.CaptionBackend = "abacus" },
		"is more than caption_max_tokens":   func(c *configs.Caption) { c.CaptionMinTokens, c.CaptionMaxTokens = 9, 8 },
		"vocab.json":                        func(c *configs.Caption) { look(other)(c) },
		"sheet: -1":                         func(c *configs.Caption) { c.Sheet = -1 },
		"valid: sidecar, classnames, http,": func(c *configs.Caption) { c.Captions = "oracle" },
	} {
		cfg := settings(t, root)
		change(&cfg)
		refused(t, cfg, want)
		if _, err := os.Stat(filepath.Join(cfg.Output, stages.CaptionStatsFile)); err == nil {
			t.Errorf("%s: the output looks whole", want)
		}
	}
}

// TestNetwork: a network in this process looks once at each image; other weights and other settings
// of it are told from each other, and what does not decide captions changes none.
func TestNetwork(t *testing.T) {
	root := photos(t, 6)
	fixture.Write(t, root, "cut.png", []byte("no picture"))
	cfg := settings(t, root)
	cfg.MaxRejects = 0.2
	look(trained.BLIP2Folder(t, 1))(&cfg)
	first := must(t, cfg)
	got := rows(t, cfg.Output)
	if r := rejects(t, cfg.Output); len(got) != 6 || len(r) != 1 || r["cut.png"] == "" {
		t.Errorf("%v, %v", got, r)
	}
	for image, row := range got {
		if !strings.HasPrefix(row.Captioner, "blip2:weights=") || strings.HasPrefix(row.Caption, "a street") {
			t.Errorf("%s: %+v", image, row)
		}
	}
	if !strings.Contains(first, "s of network an image") || strings.Contains(first, "reused") {
		t.Error(first)
	}
	cfg.CaptionBatch = 1
	if again := must(t, cfg); !maps.Equal(rows(t, cfg.Output), got) || !strings.Contains(again, "reused     6 of 6") {
		t.Error(again)
	}
	alone := cfg
	alone.Output = t.TempDir()
	if must(t, alone); !maps.Equal(rows(t, alone.Output), got) {
		t.Error("images alone have other captions")
	}
	cfg.CaptionBeams = 3
	refused(t, cfg, "caption_beams", "--overwrite")
	cfg.Overwrite = true
	if again := must(t, cfg); strings.Contains(again, "reused") {
		t.Error(again)
	}
	look(trained.BLIP2Folder(t, 2))(&cfg)
	if again := must(t, cfg); strings.Contains(again, "reused") {
		t.Error(again)
	}
}

// TestCloudStorage reads images from a stand-in for Cloud Storage, writes there, and wants the
// captions of a run on the local disk.
func TestCloudStorage(t *testing.T) {
	s := newService(t)
	root := photos(t, 5)
	local := settings(t, root)
	s.ask(&local)
	must(t, local)

	server := cloud.Start(t)
	gs := local
	gs.Input, gs.Output = server.Upload(t, root, "photos"), "gs://data/out"
	must(t, gs)
	if out := must(t, gs); !strings.Contains(out, "reused     5 of 5 captions") || s.answers.Load() != 10 {
		t.Errorf("%d answers\n%s", s.answers.Load(), out)
	}
	got := cloud.Rename(server.Tree(t, "out", "run.json"), fmt.Sprint(gs.Input), root)
	fixture.SameBytes(t, got, fixture.Tree(t, local.Output, "run.json"))
}
