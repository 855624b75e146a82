package stages

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"semidavil"
	"semidavil/internal/captioner"
	"semidavil/internal/fixture"
	"semidavil/stages/inference"
	"semidavil/stages/plans"
	"semidavil/transforms/captions"
	"semidavil/transforms/shards"
)

// eye is a network that says how wide an image is, and fails on some of its widths.
type eye struct {
	mu      sync.Mutex
	batches []int // their sizes
	lost    bool
}

func (e *eye) Prepare(m *semidavil.Image) ([]float32, error) {
	if m.W == 13 {
		return nil, errors.New("an unlucky width")
	}
	return []float32{float32(m.W)}, nil
}

func (e *eye) Captions(_ context.Context, prepared [][]float32) ([]string, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.batches = append(e.batches, len(prepared))
	var out []string
	for _, p := range prepared {
		switch {
		case e.lost:
			return nil, errors.New("the device is lost")
		case p[0] == 17:
			panic("too much for a network")
		case p[0] == 19:
			out = append(out, " \n")
		default:
			out = append(out, fmt.Sprintf(" an image  %g wide\n", p[0]))
		}
	}
	return out, nil
}

func (e *eye) Close() {}

// TestLook: images go through the network in batches, each on its own where they fail together;
// captions are kept, and nothing is looked at twice.
func TestLook(t *testing.T) {
	root := t.TempDir()
	network := &eye{}
	plan := plans.Plan{Name: "unlabelled-00000"}
	add := func(name string, data []byte) {
		fixture.Write(t, root, name, data)
		plan.Samples = append(plan.Samples, plans.Sample{Ref: semidavil.Ref{Key: t.Name() + name, Root: root, Image: name}})
	}
	for _, w := range []int{10, 11, 12, 13, 14, 17, 18, 19} {
		add(fmt.Sprint(w, ".png"), fixture.PNG(t, fixture.Picture(w, 8, w)))
	}
	add("cut.png", []byte("no picture"))
	add("20.png", fixture.PNG(t, fixture.Picture(20, 8, 0)))
	config := captioner.Config{Kind: captioner.BLIP2, Classes: []string{"road"}, Network: captioner.Network{Digest: "d", Beams: 1}}
	output := t.TempDir()
	run := func() (texts []string, rejected map[string]string, err error) {
		t.Helper()
		f := &captionFn{Params: CaptionParams{Captioner: config, Output: output}}
		if err := f.Setup(t.Context()); err != nil {
			t.Fatal(err)
		}
		f.open = func(context.Context) (*inference.Describer, error) { return inference.NewDescriber(network, 3, false) }
		rejected = map[string]string{}
		err = f.ProcessElement(t.Context(), plan, func(p plans.Plan) {
			for _, s := range p.Samples {
				texts = append(texts, s.Caption)
				if s.Captioner != config.ID() {
					t.Errorf("%s by %s", s.Ref.Key, s.Captioner)
				}
			}
		}, func(r shards.Reject) { rejected[r.Path] = r.Reason })
		return texts, rejected, err
	}
	texts, rejected, err := run()
	if want := []string{"an image 10 wide", "an image 11 wide", "an image 12 wide", "an image 14 wide", "an image 18 wide", "an image 20 wide"}; err != nil || !slices.Equal(texts, want) {
		t.Errorf("%q %v", texts, err)
	}
	for path, want := range map[string]string{"13.png": "an unlucky width", "17.png": "too much for a network", "19.png": captions.ErrEmpty.Error(), "cut.png": "cut.png: "} {
		if !strings.Contains(rejected[path], want) {
			t.Errorf("%s: %q, want %q", path, rejected[path], want)
		}
	}
	if len(rejected) != 4 {
		t.Errorf("%v", rejected)
	}
	// 10 to 12 together, 14 to 18 together and then alone with a blank image, 19 and 20 apart since
	// what lies between has no pixels.
	slices.Sort(network.batches)
	if want := []int{1, 1, 1, 1, 1, 1, 3, 3}; !slices.Equal(network.batches, want) {
		t.Errorf("batches of %v, want %v", network.batches, want)
	}

	// What has a caption is not looked at again: by this process, nor by one that reads the files,
	// as under a root of which this one knows nothing.
	moved := t.TempDir()
	for _, process := range []string{"this", "another"} {
		network.batches = nil
		again, _, err := run()
		if err != nil || !slices.Equal(again, texts) {
			t.Errorf("%s process: %q %v", process, again, err)
		}
		// 17 and 19 together, alone, and a blank image.
		if slices.Sort(network.batches); !slices.Equal(network.batches, []int{1, 1, 1, 2}) {
			t.Errorf("%s process: batches of %v", process, network.batches)
		}
		for i := range plan.Samples {
			plan.Samples[i].Ref.Root = moved
		}
		for name, f := range fixture.Tree(t, root) {
			fixture.Write(t, moved, name, []byte(f.Data))
		}
	}

	network.lost = true
	config.Network.Digest = "other"
	if _, _, err := run(); err == nil || !strings.Contains(err.Error(), "the device is lost") {
		t.Errorf("a lost device: %v", err)
	}
}
