package inference

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"time"

	"semidavil"
	"semidavil/internal/captioner"
	"semidavil/internal/parallel"
	"semidavil/model/backend"
	"semidavil/stages/counters"
	"semidavil/stages/plans"
	"semidavil/transforms/captions"
)

// Describer runs a captioner that looks at images over those of plans.
type Describer struct {
	loader  *loader
	network *oneByOne
	size    int
}

// describers are the captioners of this process, each opened once.
var describers parallel.Cache[*oneByOne]

// OpenDescriber returns a describer that computes size images at once. The network is that of the
// process, opened once.
func OpenDescriber(ctx context.Context, c captioner.Config, follow bool) (*Describer, error) {
	name, err := json.Marshal(c)
	if err != nil {
		return nil, fmt.Errorf("stages: open captioner: %w", err)
	}
	network, err := describers.Get(string(name), func() (*oneByOne, error) {
		b, err := backends.Get(c.Network.Backend, func() (backend.Choice, error) { return backend.Open(c.Network.Backend) })
		if err != nil {
			return nil, fmt.Errorf("stages: open captioner: %w", err)
		}
		n, err := captioner.Open(ctx, b, c)
		return &oneByOne{Network: n}, err
	})
	if err != nil {
		return nil, err
	}
	return newDescriber(network, c.Network.Batch, follow)
}

// NewDescriber returns a describer that computes size images at once with a network.
func NewDescriber(n captions.Network, size int, follow bool) (*Describer, error) {
	return newDescriber(&oneByOne{Network: n}, size, follow)
}

func newDescriber(n *oneByOne, size int, follow bool) (*Describer, error) {
	loader, err := newLoader(LoadParams{Follow: follow})
	if err != nil {
		return nil, err
	}
	loader.prepare = n.Prepare
	return &Describer{loader, n, max(1, size)}, nil
}

// Each describes the images of a plan in their order. It calls receive with the number of an
// image, its caption, or why it has none; its error ends the plan, as does a network that fails
// on a blank image too.
func (d *Describer) Each(ctx context.Context, plan plans.Plan, receive func(n int, caption string, err error) error) error {
	number := 0
	b := batches[string]{loader: d.loader, size: d.size, alike: func(a, b *Image) bool { return true }, compute: d.describe, blank: d.blank}
	for done, err := range b.each(ctx, plan, nil) {
		if err != nil {
			return err
		}
		counters.Add(ctx, counters.NetworkTime, int(done.busy.Milliseconds()))
		for i, image := range done.images {
			if err := receive(number, done.results[i], image.Err); err != nil {
				return err
			}
			number++
		}
	}
	return nil
}

func (d *Describer) describe(ctx context.Context, images []*Image) ([]string, time.Duration, error) {
	prepared := make([][]float32, len(images))
	for i, image := range images {
		prepared[i] = image.prepared
	}
	return d.network.timed(ctx, prepared)
}

// blank is a black image; what networks are given is of one size.
func (d *Describer) blank(*Image) (*Image, error) {
	prepared, err := d.network.Prepare(semidavil.NewImage(64, 64))
	return &Image{prepared: prepared}, err
}

// oneByOne lets the bundles of a process wait for each other: a batch may take most of the
// memory of a device.
type oneByOne struct {
	captions.Network
	mu sync.Mutex
}

func (o *oneByOne) timed(ctx context.Context, prepared [][]float32) ([]string, time.Duration, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return nil, 0, err
	}
	begin := time.Now()
	texts, err := o.Captions(ctx, prepared)
	if err == nil && len(texts) != len(prepared) {
		err = fmt.Errorf("stages: %d captions of %d images", len(texts), len(prepared))
	}
	return texts, time.Since(begin), err
}
