package stages

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"

	"semidavil"
	"semidavil/internal/fixture"
	"semidavil/internal/fixture/trained"
	"semidavil/model/infer"
	"semidavil/transforms/pixels/resize"
	"semidavil/transforms/shards"
)

// TestNetworkFaults: an image on which the networks fail or panic is the only one to have
// an error; networks that fail on a blank image too, as a lost device does, end the plan.
func TestNetworkFaults(t *testing.T) {
	n := trained.Write(t, trained.Options{})
	defer CloseNetworks()
	hook := before
	defer func() { before = hook }()
	root := t.TempDir()
	plan := Plan{Name: "p"}
	for _, stem := range []string{"a", "b", "panic-network", "c", "error-network"} {
		fixture.Write(t, root, stem+".png", fixture.PNG(t, fixture.Picture(48, 32, 9)))
		plan.Samples = append(plan.Samples, PlannedSample{Tokens: make([]int32, shards.Context),
			Ref: semidavil.Ref{Key: stem, Dataset: "images", Domain: semidavil.Target, Root: root, Image: stem + ".png"}})
	}
	params := NetworkParams{Backend: "go", Options: infer.Options{Checkpoint: n.Best(), Network: infer.Student, Batch: 2}}
	load := LoadParams{Sets: []DataSet{{Kind: "images", Root: root, Domain: semidavil.Target}}, W: 32, H: 24, Filter: resize.Bilinear}
	g, err := newSegmenter(t.Context(), load, []NetworkParams{params})
	if err != nil {
		t.Fatal(err)
	}
	each := func() (map[string]string, error) {
		var mu sync.Mutex
		out := map[string]string{}
		err := g.each(t.Context(), plan, func(PlannedSample) bool { return true }, func(_ context.Context, _ int, image *loaded, p []infer.Prediction) error {
			mu.Lock()
			defer mu.Unlock()
			out[image.ref.Key] = fmt.Sprint(image.stage, " ", image.err, " ", len(p))
			return nil
		})
		return out, err
	}
	got, err := each()
	if err != nil {
		t.Fatal(err)
	}
	for key, want := range map[string]string{"a": "<nil> 1", "b": "<nil> 1", "c": "<nil> 1",
		"panic-network": "network stages: panic: no more of this image", "error-network": "network this image cannot be done"} {
		if !strings.Contains(got[key], want) {
			t.Errorf("%s: %q, want %q", key, got[key], want)
		}
	}
	before = func(stage string, ref semidavil.Ref) error {
		if stage == networkStage {
			panic("the device is lost")
		}
		return nil
	}
	if got, err := each(); err == nil || !strings.Contains(err.Error(), "the device is lost") || len(got) > 0 {
		t.Errorf("a lost device: %v, %v", got, err)
	}
}
