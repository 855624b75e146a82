package pseudolabel

import (
	"strings"
	"testing"

	"semidavil/internal/fixture"
	"semidavil/internal/fixture/cloud"
	"semidavil/stages"
)

// TestCloudStorage reads network and images from a stand-in for Cloud Storage, writes
// there, and wants the labels of a run on the local disk.
func TestCloudStorage(t *testing.T) {
	n, root := network(t), photos(t, 5)
	local := settings(t, n, root)
	must(t, local)

	server := cloud.Start(t)
	gs := local
	gs.Checkpoint, gs.Input, gs.Output = server.Upload(t, n.Output, "train"), server.Upload(t, root, "photos"), "gs://data/out"
	must(t, gs)
	if out := must(t, gs); !strings.Contains(out, "reused     5 of 5 images") {
		t.Error(out)
	}
	want, got := fixture.Tree(t, local.Output, "run.json"), server.Tree(t, "out", "run.json")
	for rel := range want { // predictions hold the generation of their image
		if strings.HasPrefix(rel, stages.PredictionsFolder+"/") {
			want[rel] = got[rel]
		}
	}
	fixture.SameBytes(t, got, want)
	if len(want) < 5*4+2 {
		t.Errorf("only %d files", len(want))
	}
}
