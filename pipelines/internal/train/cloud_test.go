package train

import (
	"path"
	"strings"
	"testing"

	"semidavil"
	"semidavil/internal/fixture"
	"semidavil/internal/fixture/cloud"
	"semidavil/internal/fixture/prepared"
	"semidavil/internal/fixture/trained"
	"semidavil/internal/store"
	"semidavil/model/checkpoint"
	"semidavil/model/train"
)

// lasting are the files of an output that have neither times nor places in them.
func lasting(files map[string]fixture.File) map[string]fixture.File {
	out := map[string]fixture.File{}
	for rel, f := range files {
		switch path.Ext(rel) {
		case ".safetensors", ".png":
			out[rel] = f
		}
	}
	return out
}

// TestCloud: data, CLIP and output in Cloud Storage give the bytes of local ones; a run
// goes on where it was, and a finished one is not repeated.
func TestCloud(t *testing.T) {
	data, clip := prepared.Write(t, trained.Images(t, semidavil.ClassSet{})), trained.CLIPFolder(t, 1)
	local := tiny(data, t.TempDir())
	local.CLIP = clip
	if _, err := command(t, "prism", local); err != nil {
		t.Fatal(err)
	}
	want := lasting(fixture.Tree(t, local.Output))

	server := cloud.Start(t)
	cfg := tiny(server.Upload(t, data, "data"), "gs://data/out/")
	cfg.CLIP = server.Upload(t, clip, "clip")
	stdout, err := command(t, "prism", cfg)
	if err != nil || !strings.Contains(stdout, "gs://data/out/best.safetensors") {
		t.Fatalf("%v\n%s", err, stdout)
	}
	fixture.SameBytes(t, lasting(server.Tree(t, "out")), want)
	if len(want) < 4 {
		t.Errorf("only %d files compared", len(want))
	}
	all := server.Tree(t, "out")
	for _, name := range []string{"run.json", train.MetricsFile, train.SummaryFile} {
		if all[name].Data == "" {
			t.Errorf("no %s", name)
		}
	}
	for rel := range fixture.Tree(t, local.Output) {
		folder := path.Dir(rel)
		found := false
		for r := range all {
			found = found || r == rel || folder == train.EventsDir && path.Dir(r) == folder
		}
		if !found {
			t.Errorf("no %s", rel)
		}
	}

	// From the step before the last, and from the end.
	for _, name := range []string{checkpoint.Path("gs://data/out", 2), "gs://data/out/" + train.SummaryFile} {
		if err := store.Remove(t.Context(), name); err != nil {
			t.Fatal(err)
		}
	}
	if stdout, err = command(t, "prism", cfg); err != nil || !strings.Contains(stdout, "1 of them by earlier runs") {
		t.Errorf("%v\n%s", err, stdout)
	}
	fixture.SameBytes(t, lasting(server.Tree(t, "out")), want)
	if stdout, err = command(t, "prism", cfg); err != nil || !strings.Contains(stdout, "2 of them by earlier runs") {
		t.Errorf("%v\n%s", err, stdout)
	}
	fixture.SameBytes(t, lasting(server.Tree(t, "out")), want)
	other := cfg
	other.Seed = 9
	if _, err := command(t, "prism", other); err == nil || !strings.Contains(err.Error(), "seed: 0 -> 9") {
		t.Error(err)
	}
}
