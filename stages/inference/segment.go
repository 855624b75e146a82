// Package inference runs networks on the images of plans: they are read and decoded ahead,
// segmented or described in batches, and passed on while the next are in progress.
package inference

import (
	"context"
	"runtime"
	"time"

	"golang.org/x/sync/errgroup"

	"semidavil"
	"semidavil/model/infer"
	"semidavil/model/textfeatures"
	"semidavil/stages/counters"
	"semidavil/stages/plans"
	"semidavil/transforms/shards"
)

// Segmenter runs networks over the images of plans.
type Segmenter struct {
	loader   *loader
	networks []network
}

// network is an [infer.Model].
type network interface {
	// Batch is how many images it takes at once at most.
	Batch() int
	// Segment predicts images, with results of size width x height, and returns how long
	// it computed.
	Segment(ctx context.Context, images []*semidavil.Image, captions []textfeatures.Tokens, width, height int) ([]infer.Prediction, time.Duration, error)
}

// Open returns a segmenter for the images of load; the networks are those of the process,
// opened once. Without any, images and labels are only read.
func Open(ctx context.Context, load LoadParams, params []NetworkParams) (*Segmenter, error) {
	loader, err := newLoader(load)
	if err != nil {
		return nil, err
	}
	g := &Segmenter{loader: loader}
	for _, p := range params {
		m, err := openNetwork(ctx, p)
		if err != nil {
			return nil, err
		}
		g.networks = append(g.networks, m)
	}
	return g, nil
}

// Receive gets the number of an image within its plan, the image and the prediction of each
// network at the image's own size; none where the image could not be loaded. Behind the
// prediction of a network with the image's own caption are those with its Further ones, which have no
// confidences, so that they take little memory. It is
// called by several goroutines, so that files are written while networks compute.
type Receive func(ctx context.Context, n int, image *Image, predictions []infer.Prediction) error

// Each segments the wanted images of a plan, all where wanted is nil, in batches of one
// size, while the next are loaded and the last written. An image on which the networks fail
// is handed on with its error; networks that fail on a blank image too end the bundle.
func (g *Segmenter) Each(ctx context.Context, plan plans.Plan, wanted func(plans.Sample) bool, receive Receive) (err error) {
	after, ctx := errgroup.WithContext(ctx)
	after.SetLimit(runtime.GOMAXPROCS(0) + 1)
	defer func() {
		if e := after.Wait(); e != nil {
			err = e // the cause: what else fails, fails since ctx has ended
		}
	}()
	first := 0 // number of the batch's first image
	for done, err := range g.batches().each(ctx, plan, wanted) {
		if err != nil {
			return err
		}
		// Counters are for this goroutine alone.
		counters.Add(ctx, counters.NetworkTime, int(done.busy.Milliseconds()))
		counters.AddDone(ctx, len(done.images))
		for i, image := range done.images {
			if image.Err != nil {
				counters.Add(ctx, counters.Rejects, 1)
			}
			n := first + i
			after.Go(func() error { return receive(ctx, n, image, done.results[i]) })
		}
		first += len(done.images)
	}
	return nil
}

// batches have images of one size, with as many captions.
func (g *Segmenter) batches() batches[[]infer.Prediction] {
	b := batches[[]infer.Prediction]{loader: g.loader, size: 1, compute: g.predict, blank: blank}
	b.alike = func(a, b *Image) bool {
		return a.Width == b.Width && a.Height == b.Height && len(a.Further) == len(b.Further)
	}
	if len(g.networks) > 0 {
		b.size = g.networks[0].Batch()
	}
	return b
}

// blank is a black image as large as another one, without a caption.
func blank(like *Image) (*Image, error) {
	return &Image{Width: like.Width, Height: like.Height, tokens: textfeatures.Tokens{IDs: make([]int32, shards.Context), Count: 1},
		Pixels: semidavil.NewImage(like.Pixels.W, like.Pixels.H)}, nil
}

// predict returns the predictions of each image by each network, and how long those
// computed.
func (g *Segmenter) predict(ctx context.Context, batch []*Image) (out [][]infer.Prediction, busy time.Duration, err error) {
	images := make([]*semidavil.Image, len(batch))
	tokens := make([][]textfeatures.Tokens, 1+len(batch[0].Further)) // of each caption
	for i, l := range batch {
		images[i], tokens[0] = l.Pixels, append(tokens[0], l.tokens)
		for k, c := range l.Further {
			t, err := frame(c.Tokens)
			if err != nil {
				return nil, 0, err
			}
			tokens[1+k] = append(tokens[1+k], t)
		}
	}
	out = make([][]infer.Prediction, len(batch))
	for _, network := range g.networks {
		for k, captions := range tokens {
			all, computed, err := network.Segment(ctx, images, captions, batch[0].Width, batch[0].Height)
			if busy += computed; err != nil {
				return nil, busy, err
			}
			for i, p := range all {
				if k > 0 {
					p = infer.Prediction{Label: p.Label}
				}
				out[i] = append(out[i], p)
			}
		}
	}
	return out, busy, nil
}
