package prepare

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
	"semidavil/runners"
)

const ownPairs = "name: %s\ntrain: {images: im, labels: lb}\nclasses: [{name: a}, {name: b}]\nids: {1: %s}\n"

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
	fixture.Write(t, root, "images/00008.txt", []byte("caf\xe9"))
	fixture.Write(t, root, "images/00009.jpg", picture)
	fixture.Write(t, root, "labels/00010.png", good[:len(good)-30]) // not all rows are there
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
		"images/00007.png": "8-bit RGB", "images/00008.png": "not UTF-8", "images/00009.png": "duplicate key",
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

// TestRemoteRefusals: what workers elsewhere do not have is told at once.
func TestRemoteRefusals(t *testing.T) {
	cloud := configs.DefaultPrepare()
	cloud.Output, cloud.Source = "gs://b/o", []string{"gta5:gs://b/gta5"}
	cloud.Captions, cloud.CaptionURL, cloud.CaptionModel = "http", "https://captions.example/v1", "m"
	s := &runners.Session{Runner: "dataflow"}
	if err := resolve(s, &cloud); err != nil {
		t.Errorf("refused: %v", err)
	}
	for want, change := range map[string]func(*configs.Prepare){
		"--output=":             func(c *configs.Prepare) { c.Output = "/out" },
		"--source=":             func(c *configs.Prepare) { c.Source = []string{"gta5:/data"} },
		"local services":        func(c *configs.Prepare) { c.CaptionURL = "http://127.0.0.1:8000/v1" },
		"machine's environment": func(c *configs.Prepare) { c.CaptionKeyEnv = "KEY" },
	} {
		c := cloud
		change(&c)
		if err := resolve(s, &c); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}

// TestNothingToLearn: labels without one pixel of a class end the run.
func TestNothingToLearn(t *testing.T) {
	root := t.TempDir()
	fixture.GTA5(t, root, 2)
	for i := 1; i <= 2; i++ {
		fixture.Write(t, root, fmt.Sprintf("labels/%05d.png", i), fixture.PNG(t, fixture.IDs(48, 30, func(_, _ int) uint8 { return 0 })))
	}
	_, _, err := prepare(t, func(c *configs.Prepare) { c.Source, c.SourceSize = []string{"gta5:" + root}, "24x15" })
	if err == nil || !strings.Contains(err.Error(), "are ignored: there is nothing to learn") {
		t.Error(err)
	}
}

// TestTurned: pairs that EXIF turned differently and whose sizes do not show it are told, also
// where their shard was finished by an earlier run.
func TestTurned(t *testing.T) {
	root := t.TempDir()
	fixture.GTA5(t, root, 5)
	turn := func(rel string, orientation uint8) {
		data, err := os.ReadFile(filepath.Join(root, rel))
		if err != nil {
			t.Fatal(err)
		}
		fixture.Write(t, root, rel, fixture.Turn(data, orientation))
	}
	turn("images/00001.png", 3)
	turn("labels/00001.png", 3) // as its image
	turn("images/00002.png", 2)
	turn("labels/00003.png", 4)
	turn("images/00004.png", 1)
	set := func(c *configs.Prepare) {
		c.Source, c.SourceSize, c.TargetSize, c.Crop, c.Crops = []string{"gta5:" + root}, "24x15", "24x15", "12x8", 2
	}
	output, stdout, err := prepare(t, set)
	if err != nil {
		t.Fatal(err)
	}
	_, again, err := prepare(t, func(c *configs.Prepare) { set(c); c.Output = output })
	if err != nil || !strings.Contains(again, "reused     1 of 1") {
		t.Fatalf("%v\n%s", err, again)
	}
	turned := manifestOf(t, output).Turned
	if turned == nil || turned.Images != 2 || turned.Example != "images/00002.png: EXIF orientation 2 turned the image, the label's file has none" &&
		turned.Example != "images/00003.png: EXIF orientation 4 turned the label, the image's file has none" {
		t.Fatalf("%+v", turned)
	}
	for _, stdout := range []string{stdout, again} {
		if !strings.Contains(stdout, "exif       2 pairs") || !strings.Contains(stdout, turned.Example) {
			t.Error(stdout)
		}
	}
	if got := rejectsOf(t, output); len(got) != 0 {
		t.Errorf("%v", got)
	}
}
