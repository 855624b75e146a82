package weights

import (
	"math"

	"semidavil/model/clip"
)

// maxLayers bounds the layers of a tower; the largest CLIP has 48.
const maxLayers = 1000

// infer reads the sizes of the towers off the shapes. What cannot be inferred is 0; the
// heads cannot be inferred at all.
func infer(naming string, tensors map[string]located, f *faults) clip.Config {
	names := map[string]string{}
	for name, p := range layout(naming, clip.Config{}) {
		names[p.param] = name
	}
	dim := func(param string, rank, axis int) int {
		t, ok := tensors[names[param]]
		if !ok || len(t.Shape) != rank || t.Len() == 0 {
			return 0 // reported as missing or with its shape
		}
		return t.Shape[axis]
	}
	var c clip.Config
	c.PatchSize = dim("vision/patch/weight", 4, 2)
	c.VisionWidth = vote(dim("vision/class", 1, 0), dim("vision/ln_pre/bias", 1, 0), dim("vision/ln_post/bias", 1, 0))
	c.TextWidth = vote(dim("text/tokens", 2, 1), dim("text/positions", 2, 1), dim("text/ln_final/bias", 1, 0))
	c.Vocab = dim("text/tokens", 2, 0)
	c.Context = dim("text/positions", 2, 0)
	c.Embed = dim("vision/proj/weight", 2, 1)
	stacks := [2]string{"visual.transformer.resblocks", "transformer.resblocks"}
	if naming == HF {
		c.Embed = dim("vision/proj/weight", 2, 0)
		stacks = [2]string{"vision_model.encoder.layers", "text_model.encoder.layers"}
	}
	if rows := dim("vision/positions", 2, 0); rows > 0 {
		side := int(math.Sqrt(float64(rows - 1)))
		if side*side != rows-1 || side == 0 {
			f.add("%s: has %d rows, want 1 and a square", quoted(names["vision/positions"]), rows)
		} else {
			c.ImageSize = side * c.PatchSize
		}
	}
	for name, t := range tensors {
		for i, layers := range []*int{&c.VisionLayers, &c.TextLayers} {
			if layer, ok := layerOf(name, stacks[i]); ok && layer < maxLayers && t.Len() > 0 {
				*layers = max(*layers, layer+1)
			}
		}
	}
	// With no layer at all, those of a first one are reported as missing.
	c.VisionLayers, c.TextLayers = max(c.VisionLayers, 1), max(c.TextLayers, 1)
	return c
}

// vote is what two of three agree on, so that one tensor of another shape is reported as
// that and not as a fault of all others.
func vote(a, b, c int) int {
	if b == c && b != 0 {
		return b
	}
	return a
}

// compare reports which tensors are missing, too many, or have another shape or type.
func (f *Folder) compare(l Layout, network string, unused func(name string) bool, bad *faults) {
	for _, name := range sorted(l) {
		if _, ok := f.tensors[name]; !ok {
			bad.add("%s: is missing", quoted(name))
		}
	}
	for _, name := range sorted(f.tensors) {
		if _, ok := l[name]; !ok && !unused(name) {
			bad.add("%s in %s: is no tensor of this %s", quoted(name), f.tensors[name].file, network)
		}
	}
	for _, name := range sorted(l) {
		t, ok := f.tensors[name]
		switch want := l[name].want; {
		case !ok:
		case !fits(t.Shape, want):
			bad.add("%s in %s: has shape %v, want %v", quoted(name), t.file, t.Shape, dims(want))
		case t.Type != F32 && t.Type != F16 && t.Type != BF16:
			bad.add("%s in %s: has type %s, want %s, %s or %s", quoted(name), t.file, t.Type, F32, F16, BF16)
		}
	}
}

// fits reports whether a shape is as wanted, where 0 is not known.
func fits(shape, want []int) bool {
	if len(shape) != len(want) {
		return false
	}
	for i, d := range want {
		if shape[i] != d && d != 0 || shape[i] == 0 {
			return false
		}
	}
	return true
}

// dims writes a wanted shape, in which what is not known becomes a question mark.
func dims(want []int) []any {
	out := []any{}
	for _, d := range want {
		if d == 0 {
			out = append(out, "?")
		} else {
			out = append(out, d)
		}
	}
	return out
}
