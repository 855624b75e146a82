package loader

import (
	"context"
	"fmt"
	"image"
	"iter"
	"sync"

	"semidavil"
	"semidavil/transforms/augment"
	"semidavil/transforms/datasets/minicity"
	"semidavil/transforms/pixels/resize"
	"semidavil/transforms/shards"
	"semidavil/transforms/text"
)

// The sizes of drawn scenes, prepare's default, and of their crops, those that train sees.
const (
	sceneW, sceneH         = 256, 128
	sceneCropW, sceneCropH = sceneW / 2, sceneH / 2
	firstScene             = 1 << 22 // no data set has scenes of such numbers
)

// Scenes draws MiniCity's scenes for contrastive learning, in turns one of the target and
// one of the source domain. Each gives four pairs: the whole scene, the same with one thing
// changed, and two crops, which are what train sees, all with captions of what they show.
// They are drawn when they are first asked for and stay in memory.
type Scenes struct {
	cfg           Config
	width, height int
	tokenizer     *text.Tokenizer
	drawn         []scene
}

// scene is a drawn scene: pixels and token ids of its views.
type scene struct {
	once   sync.Once
	err    error
	images [views][]uint8
	tokens [views][]int32
}

// views are the pairs of a scene: whole, changed, and two crops.
const views = 4

// NewScenes returns count scenes of a seed, whose views are resized to width x height. Of
// cfg it takes Seed, Workers and Prefetch.
func NewScenes(cfg Config, count, width, height int, tokenizer *text.Tokenizer) (*Scenes, error) {
	cfg.Dir = "scenes" // which Config asks for
	cfg, err := cfg.complete()
	if err != nil {
		return nil, err
	}
	return &Scenes{cfg: cfg, width: width, height: height, tokenizer: tokenizer, drawn: make([]scene, count)}, nil
}

// Pairs yields batches of count pairs, without end, from batch first on. Two views of the same
// scene stand next to each other, in one epoch the whole ones and in the next the crops, so
// that a batch has pairs that differ in little; otherwise each scene comes once per epoch.
// Batch n is a pure function of the seed, the sizes and n.
func (f *Scenes) Pairs(ctx context.Context, first, count int) iter.Seq2[*Pairs, error] {
	each := (count + 1) / 2
	if len(f.drawn) < each || count < 1 {
		return func(yield func(*Pairs, error) bool) {
			yield(nil, fmt.Errorf("loader: pairs of image and caption: %d are in a batch, which takes %d scenes, but there are %d", count, each, len(f.drawn)))
		}
	}
	perEpoch := len(f.drawn) / each
	return ordered(ctx, f.cfg, first, endless, func(ctx context.Context, n int) (*Pairs, error) {
		size := f.width * f.height * 3
		out := make([]uint8, 0, count*size)
		p := &Pairs{}
		epoch := n / perEpoch
		key := augment.Mix(f.cfg.Seed) + augment.Hash("scenes", "order", uint64(epoch))
		for j := range count {
			if err := ctx.Err(); err != nil {
				return nil, err
			}
			i := int(permute(uint64(n%perEpoch*each+j/2), uint64(len(f.drawn)), key))
			s := &f.drawn[i]
			if s.once.Do(func() { s.err = f.draw(s, i) }); s.err != nil {
				return nil, s.err
			}
			view := (epoch+i/2)%2*2 + j%2 // i/2: of both domains, whole ones and crops in each batch
			out = append(out, s.images[view]...)
			p.Tokens = append(p.Tokens, s.tokens[view]...)
		}
		p.Images = dense(out, count, f.height, f.width, 3)
		return p, nil
	})
}

// draw makes the views of scene i.
func (f *Scenes) draw(s *scene, i int) error {
	domain := []semidavil.Domain{semidavil.Target, semidavil.Source}[i%2]
	r := augment.Rand(f.cfg.Seed, "scenes", "crop", uint64(i))
	var crops []image.Rectangle
	for n := range views - 2 {
		// One to each side, and none of sky alone.
		x, y := n*(sceneW-sceneCropW)/2+r.IntN((sceneW-sceneCropW)/2+1), sceneH/8+r.IntN(sceneH-sceneCropH-sceneH/8+1)
		crops = append(crops, image.Rect(x, y, x+sceneCropW, y+sceneCropH))
	}
	var resizer resize.Resizer
	for n, v := range minicity.NewScene(f.cfg.Seed, domain, firstScene+i).Views(sceneW, sceneH, crops...) {
		to := semidavil.NewImage(f.width, f.height)
		if err := resizer.Resize(to, v.Image, resize.Bicubic); err != nil {
			return fmt.Errorf("loader: resize scene %d: %w", i, err)
		}
		s.images[n], s.tokens[n] = to.Pix, f.tokenizer.Frame(v.Caption).IDs
		if len(s.tokens[n]) != shards.Context {
			return fmt.Errorf("loader: caption of scene %d: %d tokens, want %d", i, len(s.tokens[n]), shards.Context)
		}
	}
	return nil
}
