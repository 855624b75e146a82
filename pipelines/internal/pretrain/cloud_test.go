package pretrain

import (
	"path"
	"strings"
	"testing"

	"semidavil/internal/fixture"
	"semidavil/internal/fixture/cloud"
	"semidavil/internal/fixture/prepared"
	"semidavil/internal/store"
	"semidavil/model/checkpoint"
	"semidavil/model/train"
)

// lasting are the checkpoints and models of an output.
func lasting(files map[string]fixture.File) map[string]fixture.File {
	out := map[string]fixture.File{}
	for rel, f := range files {
		if path.Ext(rel) == ".safetensors" || path.Dir(rel) == train.ModelDir {
			out[rel] = f
		}
	}
	return out
}

// TestCloud: data, CLIP and output in Cloud Storage give the bytes of local ones; a run
// goes on where it was, and a finished one is not repeated.
func TestCloud(t *testing.T) {
	data, server := prepared.Write(t, prepared.Small), cloud.Start(t)
	gsData := server.Upload(t, data, "data")
	first := tiny(data, t.TempDir())
	if _, err := command(t, first); err != nil {
		t.Fatal(err)
	}
	for output, start := range map[string]string{"out": "", "again": first.Output + "/" + train.ModelDir} {
		local := tiny(data, t.TempDir())
		local.CLIP, local.Seed = start, 3
		if _, err := command(t, local); err != nil {
			t.Fatal(err)
		}
		want := lasting(fixture.Tree(t, local.Output))
		if len(want) < 4 {
			t.Errorf("only %d files compared", len(want))
		}
		cfg := local
		cfg.Data, cfg.Output = gsData, "gs://data/"+output
		if start != "" {
			cfg.CLIP = server.Upload(t, start, "clip")
		}
		stdout, err := command(t, cfg)
		if err != nil || !strings.Contains(stdout, cfg.Output+"/clip") {
			t.Fatalf("%v\n%s", err, stdout)
		}
		fixture.SameBytes(t, lasting(server.Tree(t, output)), want)
		for _, name := range []string{checkpoint.Path(cfg.Output, 2), cfg.Output + "/" + train.SummaryFile} {
			if err := store.Remove(t.Context(), name); err != nil {
				t.Fatal(err)
			}
		}
		for range 2 { // from the step before the last, and from the end
			if _, err := command(t, cfg); err != nil {
				t.Fatal(err)
			}
			fixture.SameBytes(t, lasting(server.Tree(t, output)), want)
		}
		cfg.LR = 2e-3
		if _, err := command(t, cfg); err == nil || !strings.Contains(err.Error(), "lr: 0.001 -> 0.002") {
			t.Error(err)
		}
	}
}
