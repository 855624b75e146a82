package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"semidavil"
	"semidavil/configs"
	"semidavil/internal/fixture"
	"semidavil/runners"
	"semidavil/runners/runnerstest"
	"semidavil/transforms/classstats"
	"semidavil/transforms/shards"
)

func TestMain(m *testing.M) { runnerstest.Main(m) }

// prepare runs the command's own code and returns what it prints.
func prepare(t *testing.T, change func(*configs.Prepare)) (output, stdout string, err error) {
	t.Helper()
	cfg := configs.DefaultPrepare()
	cfg.Output = t.TempDir()
	change(&cfg)
	cfg = cfg.Clean()
	if err := cfg.Validate(); err != nil {
		return cfg.Output, "", err
	}
	var b bytes.Buffer
	s := &runners.Session{Runner: "prism", Quiet: true, Display: runners.NewDisplay(io.Discard, "prepare", true), Stdout: &b}
	err = run(context.Background(), s, cfg)
	return cfg.Output, b.String(), err
}

func manifestOf(t *testing.T, output string) shards.Manifest {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(output, "manifest.json"))
	if err != nil {
		t.Fatal(err)
	}
	m, err := shards.DecodeManifest(data)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func rejectsOf(t *testing.T, output string) map[string]string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(output, "rejects.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	for line := range strings.Lines(string(data)) {
		var r shards.Reject
		if err := json.Unmarshal([]byte(line), &r); err != nil {
			t.Fatal(err)
		}
		out[r.Path] = r.Reason
	}
	return out
}

// samplesOf reads the samples of all shards of a subset.
func samplesOf(t *testing.T, output string, subset semidavil.Subset) []shards.Sample {
	t.Helper()
	var out []shards.Sample
	for _, shard := range manifestOf(t, output).Shards {
		if shard.Subset != subset {
			continue
		}
		f, err := os.Open(filepath.Join(output, "shards", shard.Name+".tar"))
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		r := shards.NewReader(f)
		for {
			s, err := r.Next()
			if err == io.EOF {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			out = append(out, s)
		}
	}
	return out
}

// TestHostileFolder: every fault has its row and everything else comes through.
func TestHostileFolder(t *testing.T) {
	root := t.TempDir()
	fixture.GTA5(t, root, 12)
	good, err := os.ReadFile(filepath.Join(root, "labels/00012.png"))
	if err != nil {
		t.Fatal(err)
	}
	picture := fixture.PNG(t, fixture.Picture(48, 30, 1))
	fixture.Write(t, root, "images/00001.png", picture[:len(picture)/2])
	fixture.Write(t, root, "images/00002.png", []byte("<html>404 not found</html>"))
	fixture.Write(t, root, "images/00003.png", nil)
	if err := os.Remove(filepath.Join(root, "labels/00004.png")); err != nil {
		t.Fatal(err)
	}
	fixture.Write(t, root, "labels/00005.png", fixture.PNG(t, fixture.IDs(47, 30, fixture.StreetIDs(1))))
	fixture.Write(t, root, "labels/00006.png", fixture.PNG(t, fixture.IDs(48, 30, func(x, y int) uint8 { return uint8(200 + x%3) })))
	fixture.Write(t, root, "labels/00007.png", picture) // 8-bit RGB
	fixture.Write(t, root, "images/00008.txt", []byte(" \n\t"))
	fixture.Write(t, root, "images/00009.jpg", picture)
	fixture.Write(t, root, "labels/00010.png", good[:len(good)-20])
	if err := os.Symlink("/etc/hostname", filepath.Join(root, "images/00020.png")); err != nil {
		t.Fatal(err)
	}
	fixture.Write(t, root, "labels/00020.png", good)
	fixture.Write(t, root, "labels/00099.png", good) // an orphan

	output, stdout, err := prepare(t, func(c *configs.Prepare) {
		c.Source, c.SourceSize = []string{"gta5:" + root}, "24x15"
		c.MaxRejects = 1
	})
	if err != nil {
		t.Fatal(err)
	}
	got := rejectsOf(t, output)
	for path, want := range map[string]string{
		"images/00001.png": "end early", "images/00002.png": "bad image data", "images/00003.png": "empty",
		"images/00004.png": "missing label", "images/00005.png": "label is 47x30", "images/00006.png": "id 200",
		"images/00007.png": "8-bit RGB", "images/00008.png": "empty", "images/00009.png": "duplicate key",
		"images/00010.png": "end early", "images/00020.png": "links",
	} {
		if !strings.Contains(got[path], want) {
			t.Errorf("%s: %q, want %q", path, got[path], want)
		}
		delete(got, path)
	}
	if len(got) != 0 {
		t.Errorf("further rejects: %v", got)
	}
	// 00009.jpg sorts first, holds a PNG and is taken for what it is.
	var keys []string
	for _, s := range samplesOf(t, output, semidavil.SourceTrain) {
		keys = append(keys, s.Key)
	}
	slices.Sort(keys)
	if fmt.Sprint(keys) != "[gta5_train_00009 gta5_train_00011 gta5_train_00012]" {
		t.Errorf("samples: %v", keys)
	}
	if !strings.Contains(stdout, "labels     2 have no image") || !strings.Contains(stdout, "rejects    11") {
		t.Error(stdout)
	}
}

func TestTooManyRejectsFail(t *testing.T) {
	root := t.TempDir()
	fixture.GTA5(t, root, 4)
	fixture.Write(t, root, "images/00002.png", []byte("x"))
	output, _, err := prepare(t, func(c *configs.Prepare) { c.Source = []string{"gta5:" + root} })
	if err == nil || !strings.Contains(err.Error(), "25.0 % of the images were rejected") {
		t.Errorf("%v", err)
	}
	if m := manifestOf(t, output); m.Samples[semidavil.SourceTrain] != 3 {
		t.Errorf("the good samples must be written all the same: %v", m.Samples)
	}
}

func TestRefusesAnotherConfiguration(t *testing.T) {
	root, output := t.TempDir(), t.TempDir()
	fixture.GTA5(t, root, 3)
	with := func(seed uint64, overwrite bool) error {
		_, _, err := prepare(t, func(c *configs.Prepare) {
			c.Source, c.Output, c.Seed, c.Overwrite = []string{"gta5:" + root}, output, seed, overwrite
		})
		return err
	}
	if err := with(1, false); err != nil {
		t.Fatal(err)
	}
	if err := with(2, false); err == nil || !strings.Contains(err.Error(), "seed: 1 -> 2") {
		t.Errorf("%v", err)
	}
	if manifestOf(t, output).Samples[semidavil.SourceTrain] != 3 {
		t.Error("the refused run touched the output")
	}
	if err := with(2, true); err != nil {
		t.Error(err)
	}
}

const ownPairs = "name: %s\ntrain: {images: im, labels: lb}\nclasses: [{name: a}, {name: b}]\nids: {1: %s}\n"

// TestConfusableDataSets: two tables under one name would relabel each other.
func TestConfusableDataSets(t *testing.T) {
	root := t.TempDir()
	for _, dir := range []string{"x", "y"} {
		fixture.Write(t, root, dir+"/im/1.png", fixture.PNG(t, fixture.Picture(8, 8, 1)))
		fixture.Write(t, root, dir+"/lb/1.png", fixture.PNG(t, fixture.IDs(8, 8, func(_, _ int) uint8 { return 1 })))
	}
	fixture.Write(t, root, "a.yaml", fmt.Appendf(nil, ownPairs, "own", "a"))
	fixture.Write(t, root, "b.yaml", fmt.Appendf(nil, ownPairs, "own", "b"))
	fixture.Write(t, root, "c.yaml", fmt.Appendf(nil, ownPairs, "gta5", "b"))
	with := func(source, target string) error {
		_, _, err := prepare(t, func(c *configs.Prepare) {
			c.Source, c.Target = []string{"pairs:" + root + "/" + source}, []string{"pairs:" + root + "/" + target}
		})
		return err
	}
	for want, pair := range map[string][2]string{
		"different descriptions": {"a.yaml:" + root + "/x", "b.yaml:" + root + "/y"},
		"built-in data set":      {"c.yaml:" + root + "/x", "a.yaml:" + root + "/y"},
		"given twice":            {"a.yaml:" + root + "/x", "a.yaml:" + root + "/x/"},
	} {
		if err := with(pair[0], pair[1]); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v: %v, want %q", pair, err, want)
		}
	}
}

// TestInspectionWritesNothing: a pipeline that is only looked at leaves a
// finished output as it is and starts no new one.
func TestInspectionWritesNothing(t *testing.T) {
	root, output, fresh := t.TempDir(), t.TempDir(), filepath.Join(t.TempDir(), "new")
	fixture.GTA5(t, root, 2)
	cfg := configs.DefaultPrepare()
	cfg.Source, cfg.Output = []string{"gta5:" + root}, output
	s := &runners.Session{Runner: "prism", Quiet: true, Display: runners.NewDisplay(io.Discard, "prepare", true), Stdout: io.Discard}
	if err := run(context.Background(), s, cfg); err != nil {
		t.Fatal(err)
	}
	s.Runner = "vet"
	if err := run(context.Background(), s, cfg); err != nil {
		t.Fatal(err)
	}
	manifestOf(t, output)
	builtIn := configs.DefaultPrepare()
	builtIn.Output = fresh
	if err := run(context.Background(), s, builtIn); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(fresh); err == nil {
		t.Error("an inspection wrote files")
	}
}

// TestLinkedSplit: a whole folder behind a link is no single reject.
func TestLinkedSplit(t *testing.T) {
	root, elsewhere := t.TempDir(), t.TempDir()
	fixture.Cityscapes(t, elsewhere, 1, 0, 2)
	fixture.Cityscapes(t, root, 2, 1, 0)
	if err := os.Symlink(filepath.Join(elsewhere, "leftImg8bit/train_extra"), filepath.Join(root, "leftImg8bit/train_extra")); err != nil {
		t.Fatal(err)
	}
	set := func(c *configs.Prepare) { c.Target = []string{"cityscapes:" + root} }
	if _, _, err := prepare(t, set); err == nil || !strings.Contains(err.Error(), "--follow_links") {
		t.Errorf("%v", err)
	}
	output, _, err := prepare(t, func(c *configs.Prepare) { set(c); c.FollowLinks = true })
	if err != nil || manifestOf(t, output).Samples[semidavil.Unlabelled] != 4 {
		t.Errorf("%v", err)
	}
}

// TestNamesAndShares: a name that is not UTF-8 is a reject, crops do not dilute
// the share of rejects, and a run that failed early binds nobody.
func TestNamesAndShares(t *testing.T) {
	root, output := t.TempDir(), t.TempDir()
	fixture.GTA5(t, root, 3)
	set := func(c *configs.Prepare) {
		c.Output, c.Source = output, []string{"gta5:" + root}
		c.SourceSize, c.Crop, c.Crops = "24x15", "8x8", 20
	}
	if _, _, err := prepare(t, func(c *configs.Prepare) { set(c); c.Source = []string{"gta5:" + t.TempDir()} }); err == nil {
		t.Error("an empty folder was accepted")
	}
	fixture.Write(t, root, "images/00002.png", []byte("x"))
	if _, _, err := prepare(t, set); err == nil || !strings.Contains(err.Error(), "33.3 %") {
		t.Errorf("%v", err)
	}
	own := t.TempDir()
	fixture.Write(t, own, "p.yaml", fmt.Appendf(nil, ownPairs, "own", "a"))
	fixture.Write(t, own, "im/\xff.png", fixture.PNG(t, fixture.Picture(8, 8, 1)))
	fixture.Write(t, own, "lb/\xff.png", fixture.PNG(t, fixture.IDs(8, 8, func(_, _ int) uint8 { return 1 })))
	fixture.Write(t, own, "im/1.png", fixture.PNG(t, fixture.Picture(8, 8, 1)))
	fixture.Write(t, own, "lb/1.png", fixture.PNG(t, fixture.IDs(8, 8, func(_, _ int) uint8 { return 1 })))
	got, _, err := prepare(t, func(c *configs.Prepare) { c.Source, c.MaxRejects = []string{"pairs:" + own + "/p.yaml:" + own}, 1 })
	if err != nil || len(rejectsOf(t, got)) == 0 || manifestOf(t, got).Images != 1 {
		t.Errorf("%v", err)
	}
}

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

// TestCamVid prepares the real set and compares with its README.
func TestCamVid(t *testing.T) {
	root := fixture.Data(t, "camvid")
	output, _, err := prepare(t, func(c *configs.Prepare) { c.Target = []string{"camvid:" + root} })
	if err != nil {
		t.Fatal(err)
	}
	m := manifestOf(t, output)
	if m.Rejects != 0 || m.Samples[semidavil.Labelled] != 367 || m.Samples[semidavil.Val] != 101 {
		t.Errorf("%v, %d rejects", m.Samples, m.Rejects)
	}
	data, err := os.ReadFile(filepath.Join(output, "class_stats.json"))
	if err != nil {
		t.Fatal(err)
	}
	table, err := classstats.Decode(data)
	if err != nil {
		t.Fatal(err)
	}
	for subset, want := range map[semidavil.Subset]string{
		semidavil.Labelled: "16.85 23.26 0.98 31.66 4.49 9.72 1.17 1.13 5.87 0.64 0.29",
		semidavil.Val:      "9.18 25.96 0.56 28.95 8.72 16.34 0.89 3.08 1.75 0.65 2.22",
	} {
		var got []string
		for _, share := range table.Subsets[subset].Shares() {
			got = append(got, fmt.Sprintf("%.2f", 100*share))
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%s: %v, want %s", subset, got, want)
		}
	}
}

// TestBuiltIn draws a small MiniCity; a second run leaves it alone.
func TestBuiltIn(t *testing.T) {
	set := func(c *configs.Prepare) { c.Scenes, c.SceneSize, c.Labelled = [4]int{6, 4, 2, 3}, "64x32", "2" }
	output, stdout, err := prepare(t, set)
	if err != nil {
		t.Fatal(err)
	}
	m := manifestOf(t, output)
	if fmt.Sprint(m.Samples) != "map[labelled:2 source:6 unlabelled:5 val:2]" || m.Rejects != 0 {
		t.Errorf("%v, %d rejects\n%s", m.Samples, m.Rejects, stdout)
	}
	for _, s := range samplesOf(t, output, semidavil.Labelled) {
		if s.Meta.Captioner == "classnames" || len(s.Caption) < 10 || s.Meta.Tokens < 5 {
			t.Errorf("%s: caption %q of %d tokens by %s", s.Key, s.Caption, s.Meta.Tokens, s.Meta.Captioner)
		}
	}
	if _, stdout, err = prepare(t, func(c *configs.Prepare) { set(c); c.Output = output }); err != nil || !strings.Contains(stdout, "reused     4 of 4") {
		t.Errorf("%v\n%s", err, stdout)
	}
	if _, _, err = prepare(t, func(c *configs.Prepare) { set(c); c.Output, c.Scenes[0], c.Overwrite = output, 3, true }); err != nil {
		t.Error(err)
	}
	if m := manifestOf(t, output); m.Samples[semidavil.SourceTrain] != 3 {
		t.Errorf("scenes of other options are left: %v", m.Samples)
	}
}

func TestLoadReportsAllFaults(t *testing.T) {
	file := filepath.Join(t.TempDir(), "c.yaml")
	fixture.Write(t, filepath.Dir(file), "c.yaml", []byte("filter: cubic\nlabelled: few\nimage_format: gif\n"))
	_, err := load(file)
	for _, want := range []string{"filter", "labelled", "image_format"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
		}
	}
	fixture.Write(t, filepath.Dir(file), "c.yaml", []byte("seed: 1\n\nlabeled: 3\n"))
	if _, err := load(file); err == nil || !strings.Contains(err.Error(), "labeled") || !strings.Contains(err.Error(), "3 |") {
		t.Errorf("an unknown key must be named with its line: %v", err)
	}
}
