package prepare

import (
	"fmt"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"

	"semidavil/configs"
	"semidavil/internal/fixture"
	"semidavil/internal/fixture/cloud"
	"semidavil/transforms/text/builtin"
)

// TestCloudStorage reads from and writes to a stand-in for Cloud Storage and
// wants the bytes of a run on the local disk.
func TestCloudStorage(t *testing.T) {
	gta, city := t.TempDir(), t.TempDir()
	fixture.GTA5(t, gta, 4)
	fixture.Cityscapes(t, city, 3, 1, 2)
	set := func(source, target string) func(c *configs.Prepare) {
		return func(c *configs.Prepare) {
			c.Source, c.Target, c.Labelled = []string{"gta5:" + source}, []string{"cityscapes:" + target}, "1"
			c.SourceSize, c.TargetSize = "24x15", "32x16"
		}
	}
	local, _, err := prepare(t, set(gta, city))
	if err != nil {
		t.Fatal(err)
	}

	server := cloud.Start(t)
	gs := set(server.Upload(t, gta, "gta"), server.Upload(t, city, "city"))
	for range 2 { // the second run finds everything finished
		_, _, err = prepare(t, func(c *configs.Prepare) { gs(c); c.Output = "gs://data/out" })
		if err != nil {
			t.Fatal(err)
		}
	}
	want, got := fixture.Tree(t, local, "run.json"), server.Tree(t, "out", "run.json")
	fixture.SameBytes(t, cloud.Rename(got, "gs://data/gta", gta, "gs://data/city", city), want)
	if len(want) < 12 {
		t.Errorf("only %d files compared", len(want))
	}
}

// TestCloudPaths has every path that prepare takes in Cloud Storage, with a slash at the
// end where it is a folder.
func TestCloudPaths(t *testing.T) {
	root, tokenizer := t.TempDir(), t.TempDir()
	server := cloud.Start(t)
	for i := range 6 {
		name := fmt.Sprintf("%02d.png", i)
		fixture.Write(t, root, "images/"+name, fixture.PNG(t, fixture.Picture(32, 16, i)))
		fixture.Write(t, root, "labels/"+name, fixture.PNG(t, fixture.IDs(32, 16, func(x, y int) uint8 { return uint8((x/8 + y/8 + i) % 3) })))
	}
	fixture.Write(t, root, "pairs.yaml", []byte("name: own\ntrain: {images: images, labels: labels}\nclasses: [{name: a}, {name: b}, {name: c}]\n"))
	fixture.Write(t, root, "list.txt", []byte("images/03.png\n"))
	fixture.Write(t, root, "captions.jsonl", []byte(`{"key":"own_train_00","image":"x","captioner":"eye","caption":"a street in the fog"}`+"\n"))
	invented(t, root+"/pseudo", 32, 16, func(string) func(x, y int) uint8 { return func(_, _ int) uint8 { return 2 } }, "own_train_01")
	if err := os.CopyFS(tokenizer, builtin.Files); err != nil {
		t.Fatal(err)
	}
	set := func(root, tokenizer, slash string) func(c *configs.Prepare) {
		return func(c *configs.Prepare) {
			c.Target, c.TargetSize = []string{"pairs:" + root + "/pairs.yaml:" + root + slash}, "32x16"
			c.LabelledList, c.CaptionsFrom, c.PseudoLabels, c.Tokenizer = root+"/list.txt", root+"/captions.jsonl", root+"/pseudo"+slash, tokenizer+slash
		}
	}
	local, _, err := prepare(t, set(root, tokenizer, ""))
	if err != nil {
		t.Fatal(err)
	}
	gs, gsTokenizer := server.Upload(t, root, "own"), server.Upload(t, tokenizer, "tokenizer")
	if _, _, err := prepare(t, func(c *configs.Prepare) { set(gs, gsTokenizer, "/")(c); c.Output = "gs://data/out/" }); err != nil {
		t.Fatal(err)
	}
	fixture.SameBytes(t, cloud.Rename(server.Tree(t, "out", "run.json"), gs, root, gsTokenizer, tokenizer), fixture.Tree(t, local, "run.json"))
	labels := labelled(t, local)
	if len(labels) != 2 || labels["own_train_01"] == nil || labels["own_train_01"].Pix[0] != 2 {
		t.Errorf("%d labelled images", len(labels))
	}
}

// TestOutageLosesNoImage: where the service refuses or fails, the run ends with an error and
// no manifest, instead of rejecting images that are in order; the next run does the rest.
func TestOutageLosesNoImage(t *testing.T) {
	root := t.TempDir()
	fixture.GTA5(t, root, 6)
	server := cloud.Start(t)
	set := func(c *configs.Prepare) {
		c.Source, c.SourceSize, c.Output, c.MaxRejects = []string{"gta5:" + "gs://data/gta"}, "24x15", "gs://data/out", 1
	}
	server.Upload(t, root, "gta")
	server.SetFault(func(w http.ResponseWriter, r *http.Request) bool {
		if r.Method != http.MethodGet || !strings.HasSuffix(r.URL.Path, "images/00003.png") {
			return false
		}
		http.Error(w, "credentials have expired", http.StatusForbidden)
		return true
	})
	_, _, err := prepare(t, set)
	if err == nil || !strings.Contains(err.Error(), "images/00003.png") || !strings.Contains(err.Error(), "credentials have expired") {
		t.Errorf("an outage: %v", err)
	}
	if names := server.Names(t, "out/"); slices.Contains(names, "manifest.json") {
		t.Errorf("the output looks whole: %q", names)
	}
	server.SetFault(nil)
	_, stdout, err := prepare(t, set)
	if err != nil || !strings.Contains(stdout, "rejects    0") {
		t.Errorf("after the outage: %v\n%s", err, stdout)
	}
}
