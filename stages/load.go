package stages

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"iter"
	"runtime"
	"sync"

	"semidavil"
	"semidavil/internal/store"
	"semidavil/model/textfeatures"
	"semidavil/transforms/datasets"
	"semidavil/transforms/labels"
	"semidavil/transforms/pixels"
	"semidavil/transforms/pixels/resize"
	"semidavil/transforms/shards"
)

// LoadParams say how images come to a network: from data sets, whose plans list
// references, or from shards.
type LoadParams struct {
	Sets []DataSet
	// Follow permits links out of the roots.
	Follow bool
	// W and H are the size that the network sees, Filter how images come to it. With 0
	// only labels are read.
	W, H   int
	Filter resize.Filter
	// Classes are those of labels in shards.
	Classes semidavil.ClassSet
}

// loaded is one image ready for a network.
type loaded struct {
	ref     semidavil.Ref
	caption string
	tokens  textfeatures.Tokens
	// image has the network's size; width and height are the image's own.
	image         *semidavil.Image
	width, height int
	// truth has the label's own size; nil without a label.
	truth *semidavil.LabelMap
	// err is why there is no image, with the stage that found it.
	err   error
	stage string
}

// loader reads images for a network; its methods may be called by several goroutines.
type loader struct {
	params   LoadParams
	adapters map[string]datasets.Adapter
	tools    sync.Pool // of *loadTools
}

// loadTools are the buffers of one image in work.
type loadTools struct {
	codec       pixels.Codec
	resizer     resize.Resizer
	native      semidavil.Image
	prediction  semidavil.LabelMap
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

// source is one image before it is read: a planned sample, or a sample of a shard.
type source struct {
	planned PlannedSample
	stored  *shards.Sample
}

// each yields the images of a plan in its order, decoded ahead of their use; wanted,
// where not nil, leaves images out.
func (l *loader) each(ctx context.Context, plan Plan, wanted func(PlannedSample) bool) iter.Seq2[*loaded, error] {
	return mapOrdered(ctx, l.sources(ctx, plan, wanted), loadSlots, cap(loadSlots)+2, l.load)
}

func (l *loader) sources(ctx context.Context, plan Plan, wanted func(PlannedSample) bool) iter.Seq2[source, error] {
	if wanted == nil {
		wanted = func(PlannedSample) bool { return true }
	}
	if plan.Shard != "" {
		return l.stored(ctx, plan, wanted)
	}
	return func(yield func(source, error) bool) {
		for _, s := range plan.Samples {
			if wanted(s) && !yield(source{planned: s}, nil) {
				return
			}
		}
	}
}

// stored reads a shard from its begin to its end, where its bytes have to be those that the
// manifest names.
func (l *loader) stored(ctx context.Context, plan Plan, wanted func(PlannedSample) bool) iter.Seq2[source, error] {
	return func(yield func(source, error) bool) {
		fail := func(err error) { yield(source{}, fmt.Errorf("stages: read %s: %w", plan.Shard, err)) }
		file, err := store.Open(ctx, plan.Shard)
		if err != nil {
			fail(err)
			return
		}
		defer file.Close()
		sum := sha256.New()
		all := io.TeeReader(file, sum)
		for r := shards.NewReader(all); ; {
			s, err := r.Next()
			if errors.Is(err, io.EOF) {
				if err := checkSum(all, sum, plan.Digest); err != nil {
					fail(err)
				}
				return
			}
			if err != nil {
				fail(err)
				return
			}
			ref := semidavil.Ref{Key: s.Key, Dataset: s.Meta.Dataset, Domain: s.Meta.Domain, Split: s.Meta.Split, Image: s.Meta.Source}
			planned := PlannedSample{Ref: ref, Caption: s.Caption}
			if wanted(planned) && !yield(source{planned: planned, stored: &s}, nil) {
				return
			}
		}
	}
}

// checkSum reads the rest of a shard into its sum, and compares that with the manifest's.
func checkSum(rest io.Reader, sum hash.Hash, want string) error {
	if _, err := io.Copy(io.Discard, rest); err != nil {
		return err
	}
	if got := hex.EncodeToString(sum.Sum(nil)); got != want {
		return fmt.Errorf("its SHA-256 is %s, the manifest says %s: it was changed or belongs to another run; prepare the data again", got, want)
	}
	return nil
}

// load reads one image.
func (l *loader) load(ctx context.Context, s source) *loaded {
	out := &loaded{ref: s.planned.Ref, caption: s.planned.Caption, stage: "load"}
	out.err = guard(ctx, "load", s.planned.Ref, func() error {
		t := l.tools.Get().(*loadTools)
		defer l.tools.Put(t)
		if s.stored != nil {
			return l.fromShard(t, out, s.stored)
		}
		if err := l.fromFiles(ctx, t, out, s.planned); err != nil {
			return belowRoot{s.planned.Ref.Root, err}
		}
		return nil
	})
	return out
}

func (l *loader) fromFiles(ctx context.Context, t *loadTools, out *loaded, s PlannedSample) (err error) {
	if l.params.W > 0 {
		if t.file, err = readBelow(ctx, t.file, s.Ref.Root, s.Ref.Image, l.params.Follow); err != nil {
			out.stage = readStage
			return err
		}
		if err := l.decode(t, out, t.file); err != nil {
			return fmt.Errorf("%s: %w", s.Ref.Image, err)
		}
		if out.tokens, err = frame(s.Tokens); err != nil {
			return err
		}
	}
	if s.Ref.Label == "" {
		return nil
	}
	if t.label, err = readBelow(ctx, t.label, s.Ref.Root, s.Ref.Label, l.params.Follow); err != nil {
		out.stage = readStage
		return err
	}
	adapter := l.adapters[s.Ref.Dataset]
	ids, err := t.codec.DecodeIDs(t.label)
	if err == nil {
		err = adapter.Storage.IDs(&ids)
	}
	if err == nil && l.params.W > 0 && (ids.W != out.width || ids.H != out.height) {
		err = fmt.Errorf("stages: label is %dx%d, its image %dx%d", ids.W, ids.H, out.width, out.height)
	}
	if err == nil {
		out.truth = semidavil.NewLabelMap(ids.W, ids.H)
		err = labels.Remap(out.truth, ids, adapter.Tables[s.Ref.Encoding])
	}
	if err != nil {
		return fmt.Errorf("%s: %w", s.Ref.Label, err)
	}
	return nil
}

func (l *loader) fromShard(t *loadTools, out *loaded, s *shards.Sample) error {
	if l.params.W > 0 {
		if err := l.decode(t, out, s.Image); err != nil {
			return err
		}
		ids, err := shards.DecodeTokens(s.Tokens)
		if err != nil {
			return err
		}
		data := ids.Data().([]int32)
		if s.Meta.Tokens < 1 || s.Meta.Tokens > len(data) {
			return fmt.Errorf("stages: %d of %d tokens are said to count", s.Meta.Tokens, len(data))
		}
		out.tokens = textfeatures.Tokens{IDs: data, Count: s.Meta.Tokens}
	}
	if s.Label == nil {
		return nil
	}
	label, err := t.codec.DecodeIDs(s.Label)
	if err == nil {
		err = datasets.TrainIDs.IDs(&label)
	}
	if err != nil {
		return err
	}
	out.truth = semidavil.NewLabelMap(label.W, label.H)
	return labels.Remap(out.truth, label, labels.TrainIDs(l.params.Classes))
}

// decode brings an image to the network's size.
func (l *loader) decode(t *loadTools, out *loaded, file []byte) error {
	if err := t.codec.DecodeRGBInto(&t.native, file); err != nil {
		return err
	}
	out.width, out.height = t.native.W, t.native.H
	out.image = semidavil.NewImage(l.params.W, l.params.H)
	if out.width == l.params.W && out.height == l.params.H {
		copy(out.image.Pix, t.native.Pix)
		return nil
	}
	return t.resizer.Resize(out.image, &t.native, l.params.Filter)
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
