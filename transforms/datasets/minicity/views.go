package minicity

import (
	"image"
	"slices"

	"semidavil"
)

// View is an image with a caption of what can be seen in it.
type View struct {
	Image   *semidavil.Image
	Caption string
}

// Views renders the scene at w x h pixels and returns it whole, as Render does; the same with
// one thing, which can be seen, changed into another kind or gone; and each of at most 100
// crops, which must lie inside. A crop's caption counts and places what the crop shows. Where
// nothing can be seen to change, the second is another scene.
func (s *Scene) Views(w, h int, crops ...image.Rectangle) []View {
	img, ids, things := s.render(w, h)
	least := visible(w, h)
	out := []View{{img, s.caption(newRand(s.seed, s.domain, s.index, wholeWords), ids, things, least)}}
	other, ok := s.variant(s.look(ids, things), least)
	if !ok {
		other = NewScene(s.seed, s.domain, s.index+1<<23)
	}
	changed, _, caption := other.Render(w, h)
	out = append(out, View{changed, caption})
	for n, c := range crops {
		part := semidavil.NewImage(c.Dx(), c.Dy())
		partIDs := &IDMap{W: c.Dx(), H: c.Dy()}
		var partThings []int16
		for y := c.Min.Y; y < c.Max.Y; y++ {
			from, to := y*w+c.Min.X, y*w+c.Max.X
			copy(part.Pix[3*c.Dx()*(y-c.Min.Y):], img.Pix[3*from:3*to])
			partIDs.Pix = append(partIDs.Pix, ids.Pix[from:to]...)
			partThings = append(partThings, things[from:to]...)
		}
		words := newRand(s.seed, s.domain, s.index, cropWords+uint64(n))
		out = append(out, View{part, s.caption(words, partIDs, partThings, least)})
	}
	return out
}

// others are the kinds that a thing may become in a variant.
var others = map[kind][]kind{
	car: {truck, bus}, truck: {car, bus}, bus: {car, truck}, train: {},
	cyclist: {motorcyclist, person}, motorcyclist: {cyclist, person}, person: {cyclist, motorcyclist},
	bicycle: {motorcycle}, motorcycle: {bicycle}, lightPole: {signPole}, signPole: {lightPole},
}

// variant is the scene with one of the things that can be seen changed into another kind or
// gone; ok is false where there is none.
func (s *Scene) variant(seen []sight, least int) (v *Scene, ok bool) {
	var named []int
	for i, t := range s.things {
		if others[t.kind] != nil && seen[i].shows(t.kind, least) {
			named = append(named, i)
		}
	}
	if len(named) == 0 {
		return nil, false
	}
	r := newRand(s.seed, s.domain, s.index, 3)
	changed := *s
	changed.things = slices.Clone(s.things)
	i := named[r.IntN(len(named))]
	to := others[s.things[i].kind]
	if k := r.IntN(len(to) + 1); k < len(to) {
		changed.things[i].kind = to[k]
	} else {
		changed.things = slices.Delete(changed.things, i, i+1)
	}
	return &changed, true
}
