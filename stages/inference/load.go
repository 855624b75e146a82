package inference

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"iter"
	"runtime"
	"sync"

	"semidavil"
	"semidavil/internal/parallel"
	"semidavil/internal/store"
	"semidavil/model/textfeatures"
	"semidavil/stages/plans"
	"semidavil/stages/rejects"
	"semidavil/transforms/datasets"
	"semidavil/transforms/labels"
	"semidavil/transforms/pixels"
	"semidavil/transforms/pixels/resize"
	"semidavil/transforms/shards"
)

// LoadParams say where the images of a network come from: from data sets, whose plans list
// references, or from shards.
type LoadParams struct {
	Sets []plans.DataSet
	// Follow permits links out of the roots.
	Follow bool
	// W and H are the size that the network sees, Filter resizes images to it. With 0
	// only labels are read.
	W, H   int
	Filter resize.Filter
	// Side, where it is not 0, is for people instead of a network: images are shrunk to fit a
	// square of this side, and no tokens are read.
	Side int
	// Classes are those of labels in shards.
	Classes semidavil.ClassSet
}

// Image is one image ready for a network.
type Image struct {
	Ref     semidavil.Ref
	Caption string
	tokens  textfeatures.Tokens
	// Further are the captions with which the networks see the image once more.
	Further []plans.Caption
	// Pixels have the network's size; Width and Height are the image's own.
	Pixels        *semidavil.Image
	Width, Height int
	// prepared is the image as a captioner reads it, instead of Pixels.
	prepared []float32
	// SHA256 is that of the image's file, in hexadecimal digits; of a shard, that of the file
	// of which the sample was made, where that is known.
	SHA256 string
	// Truth has the label's own size; nil without a label. LabelTurned is how EXIF turned it.
	Truth       *semidavil.LabelMap
	LabelTurned pixels.Orientation
	// EXIF says how the orientations of image and label differ; see [pixels.Doubtful].
	EXIF string
	// Err is why there is no image, with the stage that found it.
	Err   error
	Stage string
}

// loader reads images for a network; its methods may be called by several goroutines.
type loader struct {
	params LoadParams
	// prepare makes what a captioner reads of an image, which is decoded as it is then; labels
	// and tokens are not read. It may be nil.
	prepare  func(*semidavil.Image) ([]float32, error)
	adapters map[string]datasets.Adapter
	tools    sync.Pool // of *loadTools
}

// loadTools are the buffers of one image in progress.
type loadTools struct {
	codec       pixels.Codec
	resizer     resize.Resizer
	native      semidavil.Image
	file, label []byte
}

// loadSlots bounds the images that are decoded at once in a process.
var loadSlots = make(chan struct{}, runtime.GOMAXPROCS(0))

func newLoader(p LoadParams) (*loader, error) {
	l := &loader{params: p, adapters: map[string]datasets.Adapter{}}
	l.tools.New = func() any { return new(loadTools) }
	for _, set := range p.Sets {
		a, err := set.Adapter()
		if err != nil {
			return nil, err
		}
		l.adapters[a.Name] = a
	}
	return l, nil
}

// Read yields the images of a plan in its order, decoded ahead of their use.
func Read(ctx context.Context, p LoadParams, plan plans.Plan) iter.Seq2[*Image, error] {
	return func(yield func(*Image, error) bool) {
		l, err := newLoader(p)
		if err != nil {
			yield(nil, err)
			return
		}
		l.each(ctx, plan, nil)(yield)
	}
}

// each yields the images of a plan in its order, decoded ahead of their use; wanted,
// where not nil, leaves images out.
func (l *loader) each(ctx context.Context, plan plans.Plan, wanted func(plans.Sample) bool) iter.Seq2[*Image, error] {
	further := map[string][]plans.Caption{}
	for _, f := range plan.Further {
		further[f.Key] = f.Captions
	}
	return parallel.Map(ctx, sources(ctx, plan, wanted), loadSlots, cap(loadSlots)+2, func(ctx context.Context, s source) (*Image, error) {
		s.further = further[s.planned.Ref.Key]
		return l.load(ctx, s)
	})
}

// load reads one image; what is wrong with it is in its Err.
func (l *loader) load(ctx context.Context, s source) (*Image, error) {
	out := &Image{Ref: s.planned.Ref, Caption: s.planned.Caption, Further: s.further, Stage: "load"}
	out.Err = rejects.Guard(ctx, "load", s.planned.Ref, func() error {
		t := l.tools.Get().(*loadTools)
		defer l.tools.Put(t)
		if s.stored != nil {
			return l.fromShard(t, out, s.stored)
		}
		if err := l.fromFiles(ctx, t, out, s.planned); err != nil {
			return rejects.BelowRoot(s.planned.Ref.Root, err)
		}
		return nil
	})
	return out, nil
}

// reads tells that images are read, not labels alone.
func (l *loader) reads() bool { return l.params.W > 0 || l.params.Side > 0 }

func (l *loader) fromFiles(ctx context.Context, t *loadTools, out *Image, s plans.Sample) (err error) {
	if l.reads() || l.prepare != nil {
		if t.file, err = store.ReadBelow(ctx, t.file, s.Ref.Root, s.Ref.Image, store.Links(l.params.Follow)); err != nil {
			out.Stage = rejects.Read
			return err
		}
		if err := l.decode(t, out, t.file); err != nil {
			return fmt.Errorf("%s: %w", s.Ref.Image, err)
		}
		if l.prepare != nil {
			return nil
		}
		sum := sha256.Sum256(t.file)
		out.SHA256 = hex.EncodeToString(sum[:])
		if l.params.Side == 0 {
			if out.tokens, err = frame(s.Tokens); err != nil {
				return err
			}
		}
	}
	if s.Ref.Label == "" {
		return nil
	}
	if t.label, err = store.ReadBelow(ctx, t.label, s.Ref.Root, s.Ref.Label, store.Links(l.params.Follow)); err != nil {
		out.Stage = rejects.Read
		return err
	}
	adapter := l.adapters[s.Ref.Dataset]
	ids, err := t.codec.DecodeIDs(t.label)
	if err == nil {
		err = adapter.Storage.IDs(&ids)
	}
	if err == nil && l.reads() {
		err = t.codec.CheckSize(ids, out.Width, out.Height)
	}
	if err == nil {
		out.Truth = semidavil.NewLabelMap(ids.W, ids.H)
		err = labels.Remap(out.Truth, ids, adapter.Tables[s.Ref.Encoding])
	}
	if err != nil {
		return fmt.Errorf("%s: %w", s.Ref.Label, err)
	}
	var turned pixels.Orientation
	if turned, out.LabelTurned = t.codec.Turned(); l.reads() {
		out.EXIF = pixels.Doubtful("image", turned, "label", out.LabelTurned, out.Width, out.Height)
	}
	return nil
}

func (l *loader) fromShard(t *loadTools, out *Image, s *shards.Sample) error {
	out.SHA256 = s.Meta.SourceSHA256
	if l.reads() {
		if err := l.decode(t, out, s.Image); err != nil {
			return err
		}
	}
	if l.params.W > 0 {
		tokens, err := storedTokens(s)
		if err != nil {
			return err
		}
		out.tokens = tokens
	}
	if s.Label == nil {
		return nil
	}
	truth, err := DecodeTrainIDs(&t.codec, s.Label, l.params.Classes)
	out.Truth = truth
	return err
}

// DecodeTrainIDs reads a label file of this program.
func DecodeTrainIDs(codec *pixels.Codec, file []byte, classes semidavil.ClassSet) (*semidavil.LabelMap, error) {
	ids, err := codec.DecodeIDs(file)
	if err == nil {
		err = datasets.TrainIDs.IDs(&ids)
	}
	if err != nil {
		return nil, err
	}
	m := semidavil.NewLabelMap(ids.W, ids.H)
	return m, labels.Remap(m, ids, labels.TrainIDs(classes))
}

// decode brings an image to the network's size.
func (l *loader) decode(t *loadTools, out *Image, file []byte) (err error) {
	if err := t.codec.DecodeRGBInto(&t.native, file); err != nil {
		return err
	}
	out.Width, out.Height = t.native.W, t.native.H
	if l.prepare != nil {
		out.prepared, err = l.prepare(&t.native)
		return err
	}
	w, h := l.params.W, l.params.H
	if l.params.Side > 0 {
		w, h = resize.Within(out.Width, out.Height, l.params.Side)
	}
	out.Pixels = semidavil.NewImage(w, h)
	if out.Width == w && out.Height == h {
		copy(out.Pixels.Pix, t.native.Pix)
		return nil
	}
	return t.resizer.Resize(out.Pixels, &t.native, l.params.Filter)
}

// frame pads token ids.
func frame(ids []int32) (textfeatures.Tokens, error) {
	if len(ids) < 1 || len(ids) > shards.Context {
		return textfeatures.Tokens{}, fmt.Errorf("stages: %d tokens: want 1 to %d", len(ids), shards.Context)
	}
	all := make([]int32, shards.Context)
	copy(all, ids)
	return textfeatures.Tokens{IDs: all, Count: len(ids)}, nil
}
