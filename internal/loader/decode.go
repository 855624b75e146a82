package loader

import (
	"fmt"
	"os"

	"semidavil"
	"semidavil/transforms/augment"
	"semidavil/transforms/classstats"
	"semidavil/transforms/pixels"
	"semidavil/transforms/pixels/fastpng"
	"semidavil/transforms/pixels/resize"
)

// picture is a decoded sample.
type picture struct {
	image semidavil.Image
	label semidavil.LabelMap // empty for unlabelled samples
}

// tools are what one goroutine decodes and augments with.
type tools struct {
	codec   pixels.Codec
	resizer resize.Resizer
	file    []byte
	picture picture
	spare   []uint8 // of augment.Blur
	first   []uint8 // see cutMix
	valid   []uint8
}

// getTools returns tools for one goroutine and a function that gives them back.
func (f *Loader) getTools() (*tools, func()) {
	t := f.tools.Get().(*tools)
	return t, func() { f.tools.Put(t) }
}

// picture returns a decoded sample, which must not be changed: from the cache, or in
// the memory of t until its next call.
func (f *Loader) picture(s *sample, t *tools) (*picture, error) {
	if p := s.cached.Load(); p != nil {
		return p, nil
	}
	// Images that found room stay for good: with each one used once per epoch,
	// making room for others would leave fewer hits.
	need := int64(s.w) * int64(s.h) * 3
	if s.files.label.n > 0 {
		need += int64(s.w) * int64(s.h)
	}
	keep := f.cacheLeft.Add(-need) >= 0
	if !keep {
		f.cacheLeft.Add(need)
	}
	p := &t.picture
	if keep {
		p = new(picture)
	}
	err := f.decode(p, s, t)
	if keep && (err != nil || !s.cached.CompareAndSwap(nil, p)) {
		f.cacheLeft.Add(need)
	}
	return p, err
}

// decode reads and decodes image and label of a sample into p.
func (f *Loader) decode(p *picture, s *sample, t *tools) error {
	file, err := os.Open(s.shard.path)
	if err != nil {
		return s.fail("read", err)
	}
	defer file.Close()
	if err := t.read(file, s.files.image); err != nil {
		return s.fail("read image of", err)
	}
	t.codec.MaxPixels = s.w * s.h // known before a pixel is allocated
	if err := t.codec.DecodeRGBInto(&p.image, t.file); err != nil {
		return s.fail("decode image of", err)
	}
	if p.image.W != s.w || p.image.H != s.h {
		return s.fail("decode image of", fmt.Errorf("it is %dx%d, its description says %dx%d", p.image.W, p.image.H, s.w, s.h))
	}
	p.label.W, p.label.H, p.label.Pix = 0, 0, p.label.Pix[:0]
	if s.files.label.n == 0 {
		return nil
	}
	if err := t.read(file, s.files.label); err != nil {
		return s.fail("read label of", err)
	}
	ids, err := t.codec.DecodeIDs(t.file)
	if err == nil {
		switch {
		case ids.Kind != fastpng.Gray || ids.Depth != 8:
			err = fmt.Errorf("it has %v of %d bits, want gray of 8", ids.Kind, ids.Depth)
		case ids.W != s.w || ids.H != s.h:
			err = fmt.Errorf("it is %dx%d, its image %dx%d", ids.W, ids.H, s.w, s.h)
		default:
			p.label.W, p.label.H, p.label.Pix = ids.W, ids.H, append(p.label.Pix, ids.Pix8...)
			_, _, err = classstats.Histogram(&p.label, len(f.manifest.Classes))
		}
	}
	if err != nil {
		return s.fail("decode label of", err)
	}
	return nil
}

// read reads a member into t.file.
func (t *tools) read(file *os.File, at span) error {
	if int64(cap(t.file)) < at.n {
		t.file = make([]byte, at.n)
	}
	t.file = t.file[:at.n]
	_, err := file.ReadAt(t.file, at.at)
	return err
}

// view is a part of an image with the image's size.
type view struct {
	augment.View
	w, h int
}
