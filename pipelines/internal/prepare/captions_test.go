package prepare

import (
	"fmt"
	"maps"
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
	"semidavil/runners"
)

// TestCaptionsFromService captions through a stand-in service, once per image
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

// TestTables: rows that name images in their own way find them, broken ones are rejects,
// and the summary tells what became of all.
func TestTables(t *testing.T) {
	root := t.TempDir()
	fixture.GTA5(t, root, 6)
	for i := range 6 {
		if err := os.Remove(fmt.Sprintf("%s/images/%05d.txt", root, i+1)); err != nil {
			t.Fatal(err)
		}
	}
	table := func(rows ...string) {
		fixture.Write(t, root, "captions.jsonl", []byte("\uFEFF"+strings.Join(rows, "\r\n")))
	}
	run := func(change func(*configs.Prepare)) (captions map[string]string, output, stdout string) {
		t.Helper()
		output, stdout, err := prepare(t, func(c *configs.Prepare) {
			c.Source, c.SourceSize, c.MaxRejects = []string{"gta5:" + root}, "24x15", 1
			change(c)
		})
		if err != nil {
			t.Fatal(err)
		}
		captions = map[string]string{}
		for _, s := range samplesOf(t, output, semidavil.SourceTrain) {
			captions[s.Key[len("gta5_train_"):]] = s.Caption
		}
		return captions, output, stdout
	}
	// Labels have the names of the images, and yet a bare name is not ambiguous.
	table(`{"image":"images/00001.png","caption":"One."}`, `{"image":"images\\00002.png","caption":"Two."}`, `{"image":"00003.png"`,
		`{"image":"00004.png","caption":"Four."}`, `{"image":"`+filepath.ToSlash(root)+`/images/00005.png","caption":"Five."}`,
		`{"image":"images/00006.png","caption":" "}`, `{"image":"no.png","caption":"x"}`, `{"image":"nor.png","caption":"x"}`)
	got, output, stdout := run(func(*configs.Prepare) {})
	sentence := got["00003"]
	if !strings.HasPrefix(sentence, "A street scene with road") {
		t.Errorf("the image of the broken row: %q", sentence)
	}
	want := map[string]string{"00001": "One.", "00002": "Two.", "00003": sentence, "00004": "Four.", "00005": "Five.", "00006": sentence}
	if !maps.Equal(got, want) {
		t.Errorf("%v", got)
	}
	if rejects := rejectsOf(t, output); len(rejects) != 1 || !strings.HasPrefix(rejects["captions.jsonl"], "line 3: ") {
		t.Errorf("%v", rejects)
	}
	for _, want := range []string{": 5 rows matched an image, 2 did not: \"no.png\", \"nor.png\"\n", " 1 rows are broken, the first in line 3: ", "2 images had none"} {
		if !strings.Contains(stdout, want) {
			t.Errorf("want %q in %s", want, stdout)
		}
	}
	got, output, _ = run(func(c *configs.Prepare) { c.CaptionFallback = "reject" })
	if rejects := rejectsOf(t, output); len(got) != 4 || !strings.Contains(rejects["images/00006.png"], "empty") || !strings.Contains(rejects["images/00003.png"], "no caption") {
		t.Errorf("%v, %v", got, rejects)
	}

	refused := func(wants ...string) {
		t.Helper()
		_, _, err := prepare(t, func(c *configs.Prepare) { c.Source = []string{"gta5:" + root} })
		for _, want := range append(wants, root+"/captions.jsonl: none of the") {
			if runners.ExitCode(err) != runners.ExitUsage || !strings.Contains(err.Error(), want) {
				t.Errorf("%v, want %q", err, want)
			}
		}
	}
	table(`{"image":"img/1.png","caption":"x"}`, "{")
	refused(`2 rows`, `"img/1.png"`, `"images/00001.png"`)
	table("{")
	refused("line 1: ")
	fixture.Write(t, root, "images/00006.PNG", nil)
	table(`{"image":"00006.png","caption":"x"}`)
	refused(`"00006.png" could be several images`)
	if err := os.Remove(root + "/images/00006.PNG"); err != nil {
		t.Fatal(err)
	}
	table() // nothing is lost
	if got, _, _ := run(func(*configs.Prepare) {}); got["00001"] != sentence {
		t.Errorf("an empty table: %v", got)
	}
}

// TestGivenCaptions: the summary tells how many of them are of these images; where none is,
// all would be lost.
func TestGivenCaptions(t *testing.T) {
	root, from := t.TempDir(), ""
	fixture.GTA5(t, root, 2)
	run := func(change func(*configs.Prepare), keys ...string) (stdout string, err error) {
		var rows strings.Builder
		for _, key := range keys {
			fmt.Fprintf(&rows, `{"key":%q,"image":"i","caption":"Given.","captioner":"c"}`+"\n", key)
		}
		from = t.TempDir() + "/given.jsonl" // a process reads each once
		fixture.Write(t, filepath.Dir(from), filepath.Base(from), []byte(rows.String()))
		_, stdout, err = prepare(t, func(c *configs.Prepare) {
			c.Source, c.SourceSize, c.CaptionsFrom = []string{"gta5:" + root}, "24x15", from
			change(c)
		})
		return stdout, err
	}
	plain := func(*configs.Prepare) {}
	if stdout, err := run(plain, "gta5_train_00001", "00002"); err != nil || !strings.Contains(stdout, `given.jsonl: 1 rows matched an image, 1 did not: "00002"`) {
		t.Errorf("%v\n%s", err, stdout)
	}
	if _, err := run(plain); err != nil {
		t.Errorf("no row is lost: %v", err)
	}
	for name, change := range map[string]func(*configs.Prepare){
		"gta5_train_00001":  plain,
		"cityscapes_extra_": func(c *configs.Prepare) { c.Source, c.Scenes = nil, [4]int{1, 1, 1, 1} },
	} {
		_, err := run(change, "images/00001", "b")
		if runners.ExitCode(err) != runners.ExitUsage || !strings.Contains(err.Error(), "--captions_from: "+from+": none of the 2 rows names an image: the first has \"b\", where an image has \""+name) {
			t.Errorf("%v", err)
		}
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
