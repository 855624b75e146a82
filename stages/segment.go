package stages

import (
	"context"
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/apache/beam/sdks/v2/go/pkg/beam"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/log"
	"golang.org/x/sync/errgroup"

	"semidavil"
	"semidavil/model/infer"
	"semidavil/model/textfeatures"
	"semidavil/transforms/shards"
)

// NetworkTime counts the milliseconds in which networks computed.
const NetworkTime = "network_ms"

// segmenter runs networks over the images of plans.
type segmenter struct {
	loader   *loader
	networks []*infer.Model
}

func newSegmenter(ctx context.Context, load LoadParams, params []NetworkParams) (*segmenter, error) {
	loader, err := newLoader(load)
	if err != nil {
		return nil, err
	}
	g := &segmenter{loader: loader}
	for _, p := range params {
		m, err := openNetwork(ctx, p)
		if err != nil {
			return nil, err
		}
		g.networks = append(g.networks, m)
	}
	return g, nil
}

// use is told the number of an image within its plan, the image and what each network
// made of it, of the image's own size; nothing where it could not be loaded. It is
// called by several goroutines, so that files are written while networks compute.
type use func(ctx context.Context, n int, image *loaded, predictions []infer.Prediction) error

// each segments the wanted images of a plan, in batches of one size. An image on which
// the networks fail is given to use with its error; networks that fail on a blank image too
// end the bundle.
func (g *segmenter) each(ctx context.Context, plan Plan, wanted func(PlannedSample) bool, use use) (err error) {
	after, ctx := errgroup.WithContext(ctx)
	after.SetLimit(runtime.GOMAXPROCS(0) + 1)
	defer func() {
		if e := after.Wait(); e != nil {
			err = e // the cause: what else fails, fails since ctx has ended
		}
	}()
	var batch []*loaded
	first := 0 // number of the batch's first image
	flush := func() error {
		if len(batch) == 0 {
			return nil
		}
		predictions, err := g.predict(ctx, batch)
		if err != nil && ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil && len(batch) > 1 {
			predictions = g.predictEach(ctx, batch)
		} else if err != nil {
			batch[0].err, predictions = err, make([][]infer.Prediction, 1)
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		probed := false
		for _, image := range batch {
			if image.err == nil {
				continue
			}
			if !probed && g.probe(ctx, image) != nil {
				return image.err
			}
			probed = true
			image.stage = networkStage
			beam.NewCounter(Namespace, Rejects).Inc(ctx, 1)
		}
		countDone(ctx, int64(len(batch))) // counters are for this goroutine alone
		for i, image := range batch {
			n := first + i
			after.Go(func() error { return use(ctx, n, image, predictions[i]) })
		}
		first, batch = first+len(batch), nil
		return nil
	}
	size := 1
	if len(g.networks) > 0 {
		size = g.networks[0].Batch()
	}
	for image, err := range g.loader.each(ctx, plan, wanted) {
		if err != nil {
			return err
		}
		if err := ofRun(ctx, image.err); err != nil {
			return err
		}
		if image.err != nil || len(batch) > 0 && (batch[0].width != image.width || batch[0].height != image.height) {
			if err := flush(); err != nil {
				return err
			}
		}
		if image.err != nil {
			n := first
			first++
			countDone(ctx, 1)
			beam.NewCounter(Namespace, Rejects).Inc(ctx, 1)
			after.Go(func() error { return use(ctx, n, image, nil) })
			continue
		}
		if batch = append(batch, image); len(batch) == size {
			if err := flush(); err != nil {
				return err
			}
		}
	}
	return flush()
}

// networkStage is where an image is rejected that a network cannot compute.
const networkStage = "network"

// probe tells whether the networks compute at all: a blank image as large as another one,
// without a caption. A device that is lost or out of memory fails on it too.
func (g *segmenter) probe(ctx context.Context, like *loaded) error {
	blank := &loaded{width: like.width, height: like.height, tokens: textfeatures.Tokens{IDs: make([]int32, shards.Context), Count: 1}}
	blank.image = &semidavil.Image{W: like.image.W, H: like.image.H, Pix: make([]uint8, len(like.image.Pix))}
	_, err := g.predict(ctx, []*loaded{blank})
	return err
}

// predictEach predicts image by image. On the Go backend that gives the same as together;
// other backends may round otherwise. Where it fails, the image has the error.
func (g *segmenter) predictEach(ctx context.Context, batch []*loaded) [][]infer.Prediction {
	out := make([][]infer.Prediction, len(batch))
	for i := range batch {
		one, err := g.predict(ctx, batch[i:i+1])
		if err != nil {
			batch[i].err = err
			continue
		}
		out[i] = one[0]
	}
	return out
}

// predict returns the predictions of each image by each network.
func (g *segmenter) predict(ctx context.Context, batch []*loaded) (out [][]infer.Prediction, err error) {
	defer func() {
		if v := recover(); v != nil {
			log.Errorf(ctx, "stages: panic in a network: %v\n%s", v, debug.Stack())
			out, err = nil, fmt.Errorf("stages: panic: %v", v)
		}
	}()
	if before != nil {
		for _, l := range batch {
			if err := before(networkStage, l.ref); err != nil {
				return nil, err
			}
		}
	}
	images := make([]*semidavil.Image, len(batch))
	tokens := make([]textfeatures.Tokens, len(batch))
	for i, l := range batch {
		images[i], tokens[i] = l.image, l.tokens
	}
	out = make([][]infer.Prediction, len(batch))
	for _, network := range g.networks {
		all, busy, err := network.Segment(ctx, images, tokens, batch[0].width, batch[0].height)
		if err != nil {
			return nil, err
		}
		beam.NewCounter(Namespace, NetworkTime).Inc(ctx, busy.Milliseconds())
		for i, p := range all {
			out[i] = append(out[i], p)
		}
	}
	return out, nil
}
