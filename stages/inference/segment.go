// Package inference runs networks on the images of plans: they are read and decoded ahead,
// segmented in batches, and passed on while the next are in progress.
package inference

import (
	"context"
	"iter"
	"runtime"
	"time"

	"golang.org/x/sync/errgroup"

	"semidavil"
	"semidavil/internal/parallel"
	"semidavil/model/infer"
	"semidavil/model/textfeatures"
	"semidavil/stages/counters"
	"semidavil/stages/plans"
	"semidavil/stages/rejects"
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

// networkSlots bounds the batches that are in progress at once in a process. A network that
// takes one after the other lets the next wait.
var networkSlots = make(chan struct{}, runtime.GOMAXPROCS(0)+1)

// segmented is a batch with what the networks made of each image.
type segmented struct {
	images      []*Image
	predictions [][]infer.Prediction
	busy        time.Duration // of the networks
	err         error         // of all of them, or of an image alone
}

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
	for done, err := range parallel.Map(ctx, g.batches(ctx, plan, wanted), networkSlots, cap(networkSlots), g.segment) {
		if err != nil {
			return err
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		// Counters are for this goroutine alone.
		counters.Add(ctx, counters.NetworkTime, int(done.busy.Milliseconds()))
		counters.AddDone(ctx, len(done.images))
		probed := false
		for i, image := range done.images {
			if image.Err != nil {
				if done.err != nil && !probed {
					if probed = true; g.probe(ctx, image) != nil {
						return image.Err
					}
				}
				counters.Add(ctx, counters.Rejects, 1)
			}
			n := first + i
			after.Go(func() error { return receive(ctx, n, image, done.predictions[i]) })
		}
		first += len(done.images)
	}
	return nil
}

// batches groups images of one size, with as many captions; one that could not be loaded is alone.
func (g *Segmenter) batches(ctx context.Context, plan plans.Plan, wanted func(plans.Sample) bool) iter.Seq2[[]*Image, error] {
	size := 1
	if len(g.networks) > 0 {
		size = g.networks[0].Batch()
	}
	return func(yield func([]*Image, error) bool) {
		var batch []*Image
		flush := func() bool {
			full := batch
			batch = nil
			return len(full) == 0 || yield(full, nil)
		}
		for image, err := range g.loader.each(ctx, plan, wanted) {
			if err == nil {
				err = rejects.OfRun(ctx, image.Err)
			}
			if err != nil {
				yield(nil, err)
				return
			}
			if len(batch) > 0 && (image.Err != nil || batch[0].Width != image.Width || batch[0].Height != image.Height || len(batch[0].Further) != len(image.Further)) && !flush() {
				return
			}
			if batch = append(batch, image); (image.Err != nil || len(batch) == size) && !flush() {
				return
			}
		}
		flush()
	}
}

// segment predicts the images of a batch, one by one where they fail together.
func (g *Segmenter) segment(ctx context.Context, batch []*Image) (segmented, error) {
	done := segmented{images: batch, predictions: make([][]infer.Prediction, len(batch))}
	if batch[0].Err != nil {
		return done, nil
	}
	together, busy, err := g.predict(ctx, batch)
	if done.busy = busy; err == nil {
		done.predictions = together
		return done, nil
	}
	for i, image := range batch {
		if len(batch) > 1 {
			together, busy, err = g.predict(ctx, batch[i:i+1])
			done.busy += busy
		}
		if err == nil {
			done.predictions[i] = together[0]
			continue
		}
		image.Err, image.Stage, done.err = err, networkStage, err
	}
	return done, nil
}

// networkStage is where an image is rejected that a network cannot compute.
const networkStage = "network"

// probe reports whether the networks compute at all: a blank image as large as another one,
// without a caption. A device that is lost or out of memory fails on it too.
func (g *Segmenter) probe(ctx context.Context, like *Image) error {
	blank := &Image{Width: like.Width, Height: like.Height, tokens: textfeatures.Tokens{IDs: make([]int32, shards.Context), Count: 1}}
	blank.Pixels = &semidavil.Image{W: like.Pixels.W, H: like.Pixels.H, Pix: make([]uint8, len(like.Pixels.Pix))}
	_, _, err := g.predict(ctx, []*Image{blank})
	return err
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
	err = rejects.Guard(ctx, networkStage, batch[0].Ref, func() error {
		for _, network := range g.networks {
			for k, captions := range tokens {
				all, computed, err := network.Segment(ctx, images, captions, batch[0].Width, batch[0].Height)
				if busy += computed; err != nil {
					return err
				}
				for i, p := range all {
					if k > 0 {
						p = infer.Prediction{Label: p.Label}
					}
					out[i] = append(out[i], p)
				}
			}
		}
		return nil
	})
	if err != nil {
		return nil, busy, err
	}
	return out, busy, nil
}
