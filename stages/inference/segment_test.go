package inference

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"semidavil"
	"semidavil/internal/fixture"
	"semidavil/model/infer"
	"semidavil/model/textfeatures"
	"semidavil/stages/plans"
	"semidavil/transforms/pixels/resize"
	"semidavil/transforms/shards"
)

// TestNetworkFaults: an image on which the networks fail or panic is the only one to have
// an error; networks that fail on a blank image too, as a lost device does, end the plan.
func TestNetworkFaults(t *testing.T) {
	root := t.TempDir()
	plan := plans.Plan{Name: "p"}
	for i, stem := range []string{"a", "b", "panic", "c", "error"} {
		fixture.Write(t, root, stem+".png", fixture.PNG(t, fixture.Picture(48, 32, 9)))
		// The last token says what the network is to do with the image.
		plan.Samples = append(plan.Samples, plans.Sample{Tokens: append(make([]int32, shards.Context-1), int32(i)),
			Ref: semidavil.Ref{Key: stem, Dataset: "images", Domain: semidavil.Target, Root: root, Image: stem + ".png"}})
	}
	load := LoadParams{Sets: []plans.DataSet{{Kind: "images", Root: root, Domain: semidavil.Target}}, W: 32, H: 24, Filter: resize.Bilinear}
	g, err := Open(t.Context(), load, nil)
	if err != nil {
		t.Fatal(err)
	}
	device := &faultyNetwork{panics: 2, fails: 4}
	g.networks = []network{device}
	each := func() (map[string]string, error) {
		var mu sync.Mutex
		out := map[string]string{}
		err := g.Each(t.Context(), plan, nil, func(_ context.Context, _ int, image *Image, p []infer.Prediction) error {
			mu.Lock()
			defer mu.Unlock()
			out[image.Ref.Key] = fmt.Sprint(image.Stage, " ", image.Err, " ", len(p))
			return nil
		})
		return out, err
	}
	got, err := each()
	if err != nil {
		t.Fatal(err)
	}
	for key, want := range map[string]string{"a": "<nil> 1", "b": "<nil> 1", "c": "<nil> 1",
		"panic": "network stages: panic: no more of this image", "error": "network this image cannot be done"} {
		if !strings.Contains(got[key], want) {
			t.Errorf("%s: %q, want %q", key, got[key], want)
		}
	}
	device.lost = true
	if got, err := each(); err == nil || !strings.Contains(err.Error(), "the device is lost") || len(got) > 0 {
		t.Errorf("a lost device: %v, %v", got, err)
	}
}

// faultyNetwork predicts nothing, and fails on images of a last token.
type faultyNetwork struct {
	panics, fails int32
	lost          bool
}

func (n *faultyNetwork) Batch() int { return 2 }

func (n *faultyNetwork) Segment(_ context.Context, images []*semidavil.Image, captions []textfeatures.Tokens, _, _ int) ([]infer.Prediction, time.Duration, error) {
	for _, c := range captions {
		switch last := c.IDs[len(c.IDs)-1]; {
		case n.lost:
			panic("the device is lost")
		case last == n.panics:
			panic("no more of this image")
		case last == n.fails:
			return nil, 0, errors.New("this image cannot be done")
		}
	}
	return make([]infer.Prediction, len(images)), 0, nil
}
