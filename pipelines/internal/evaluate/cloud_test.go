package evaluate

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"semidavil"
	"semidavil/configs"
	"semidavil/internal/fixture"
	"semidavil/internal/fixture/cloud"
	"semidavil/internal/fixture/trained"
	"semidavil/transforms/text/builtin"
)

// TestCloud has every path that evaluate takes in Cloud Storage, and wants the files of
// a run on the local disk, twice.
func TestCloud(t *testing.T) {
	clip := trained.CLIPFolder(t, 1)
	n, own := network(t), trained.Write(t, trained.Options{Set: semidavil.Cityscapes19, CLIP: clip})
	root, tokenizer, predictions, captions := t.TempDir(), t.TempDir(), t.TempDir(), t.TempDir()
	fixture.Cityscapes(t, root, 0, 3, 0)
	if err := os.CopyFS(tokenizer, builtin.Files); err != nil {
		t.Fatal(err)
	}
	for i := range 3 {
		fixture.Write(t, predictions, fmt.Sprintf("day/bonn_%06d_000019.png", i), raster(t, 64, guess(i)))
	}
	fixture.Write(t, captions, "c.jsonl", []byte(`{"key":"cityscapes_val_bonn_000001_000019","image":"x","captioner":"eye","caption":"a bus in the rain at night"}`+"\n"))
	pairs := t.TempDir()
	fixture.Write(t, pairs, "im/a.png", fixture.PNG(t, fixture.Picture(64, 32, 1)))
	fixture.Write(t, pairs, "lb/a.png", raster(t, 64, guess(1)))
	fixture.Write(t, pairs, "p.yaml", []byte("name: own\ntrain: {images: im, labels: lb}\nclasses: ["+strings.Repeat("{name: x}, ", 13)+"{name: y}]\n"))
	for i := range 13 { // names must differ
		data := strings.Replace(string(read(t, pairs, "p.yaml")), "{name: x}", fmt.Sprintf("{name: c%d}", i), 1)
		fixture.Write(t, pairs, "p.yaml", []byte(data))
	}
	fixture.Write(t, pairs, "guess/a.png", raster(t, 64, guess(2)))

	server := cloud.Start(t)
	folders := map[string]string{"train": n.Output, "train-own": own.Output, "data": n.Data, "city": root, "clip": clip,
		"tokenizer": tokenizer, "predictions": predictions, "captions": captions, "pairs": pairs}
	var back []string // names in Cloud Storage and on the disk
	at := map[string]string{}
	for name, folder := range folders {
		at[name] = server.Upload(t, folder, "in/"+name+".d")
		back = append(back, at[name], folder)
	}
	for name, set := range map[string]func(c *configs.Evaluate, at map[string]string){
		"prepared": func(c *configs.Evaluate, at map[string]string) {
			c.Checkpoint, c.Data, c.Models, c.Pictures = at["train"], at["data"], []string{"student", "teacher"}, 2
		},
		"images": func(c *configs.Evaluate, at map[string]string) {
			c.Checkpoint, c.Data, c.Tokenizer, c.CaptionsFrom = at["train"]+"/best.safetensors", "cityscapes:"+at["city"], at["tokenizer"], at["captions"]
		},
		"clip": func(c *configs.Evaluate, at map[string]string) {
			c.Checkpoint, c.Data, c.CLIP = at["train-own"], "cityscapes:"+at["city"], at["clip"]
		},
		"predictions": func(c *configs.Evaluate, at map[string]string) {
			c.Data, c.Predictions = "cityscapes:"+at["city"], at["predictions"]
		},
		"pairs": func(c *configs.Evaluate, at map[string]string) {
			c.Data, c.Predictions, c.Subset = "pairs:"+at["pairs"]+"/p.yaml:"+at["pairs"], at["pairs"]+"/guess", "train"
		},
	} {
		local := settings(t, trained.Network{}, "")
		set(&local, folders)
		_, e := must(t, local)
		want := fixture.Tree(t, local.Output, "run.json")
		gs := local
		set(&gs, at)
		gs.Output = "gs://data/out/" + name
		for range 2 {
			out, err := command(t, gs)
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			if !strings.Contains(out, gs.Output) {
				t.Errorf("%s: the output is not named:\n%s", name, out)
			}
			fixture.SameBytes(t, cloud.Rename(server.Tree(t, "out/"+name, "run.json"), back...), want)
		}
		if e.Rejects != 0 || len(want) < 5 {
			t.Errorf("%s: %d rejects, %d files", name, e.Rejects, len(want))
		}
		gs.Filter = "box"
		if _, err := command(t, gs); err == nil || !strings.Contains(err.Error(), "filter: ") {
			t.Errorf("%s: another configuration: %v", name, err)
		}
	}
}
