package sheet

import (
	"fmt"
	"image"

	"semidavil"
	"semidavil/transforms/labels"
	"semidavil/transforms/pixels/fastpng"
	"semidavil/transforms/pixels/resize"
)

// panel is a column of a sheet.
type panel uint8

const (
	imagePanel panel = iota
	truthPanel
	predictionPanel
	pseudoPanel
	confidencePanel
	errorPanel
)

var panelTitles = [...]string{"image", "truth", "prediction", "pseudo-label", "confidence", "errors"}

// wrong is the colour of errors, on a panel that has no other colours.
var wrong = [3]uint8{235, 20, 30}

// painter makes the pictures of one sample at the size of a tile and notes which
// classes it meets.
type painter struct {
	set     semidavil.ClassSet
	table   labels.Table
	resizer resize.Resizer
	seen    [256]bool // train ids
}

// scaled are the pictures of a sample at one size; nil where it has none.
type scaled struct {
	w, h                      int
	image                     *semidavil.Image
	truth, prediction, pseudo *semidavil.LabelMap
	confidence                []float32 // of the pixels of prediction
}

// scale brings a sample to w x h pixels: the image by an antialiased filter,
// label maps and confidences by the nearest pixel.
func (p *painter) scale(s Sample, w, h int) (scaled, error) {
	out := scaled{w: w, h: h, image: semidavil.NewImage(w, h)}
	if s.Image == nil {
		return out, fmt.Errorf("no image")
	}
	if err := p.resizer.Resize(out.image, s.Image, resize.Bilinear); err != nil {
		return out, err
	}
	for _, m := range []struct {
		name string
		src  *semidavil.LabelMap
		dst  **semidavil.LabelMap
	}{{"truth", s.Truth, &out.truth}, {"prediction", s.Prediction, &out.prediction}, {"pseudo-label", s.Pseudo, &out.pseudo}} {
		if m.src == nil {
			continue
		}
		if m.src.W < 1 || m.src.H < 1 || len(m.src.Pix) != m.src.W*m.src.H {
			return out, fmt.Errorf("%s of %dx%d with %d pixels", m.name, m.src.W, m.src.H, len(m.src.Pix))
		}
		*m.dst = semidavil.NewLabelMap(w, h)
		ids := fastpng.IDs{W: m.src.W, H: m.src.H, Kind: fastpng.Gray, Depth: 8, Pix8: m.src.Pix}
		if err := labels.Remap(*m.dst, ids, p.table); err != nil {
			return out, fmt.Errorf("%s: %w", m.name, err)
		}
		for _, id := range (*m.dst).Pix {
			p.seen[id] = true
		}
	}
	if s.Confidence == nil {
		return out, nil
	}
	if s.Prediction == nil || len(s.Confidence) != len(s.Prediction.Pix) {
		return out, fmt.Errorf("%d confidences, want one a pixel of the prediction", len(s.Confidence))
	}
	out.confidence = make([]float32, w*h)
	for y := range h {
		row := s.Confidence[(2*y+1)*s.Prediction.H/(2*h)*s.Prediction.W:]
		for x := range w {
			out.confidence[y*w+x] = row[(2*x+1)*s.Prediction.W/(2*w)]
		}
	}
	return out, nil
}

// has reports whether the sample has what a panel shows.
func (s scaled) has(k panel) bool {
	return [...]bool{
		imagePanel: true, truthPanel: s.truth != nil, predictionPanel: s.prediction != nil, pseudoPanel: s.pseudo != nil,
		confidencePanel: s.confidence != nil, errorPanel: s.truth != nil && s.prediction != nil,
	}[k]
}

// paint draws a panel with its upper left corner at p. The sample must have it.
func (p *painter) paint(dst *image.RGBA, at image.Point, s scaled, k panel) {
	for y := range s.h {
		row := dst.Pix[dst.PixOffset(at.X, at.Y+y):][:4*s.w]
		for x := range s.w {
			c := p.color(s, k, y*s.w+x)
			row[4*x], row[4*x+1], row[4*x+2], row[4*x+3] = c[0], c[1], c[2], 255
		}
	}
}

func (p *painter) color(s scaled, k panel, i int) [3]uint8 {
	rgb := [3]uint8(s.image.Pix[3*i:])
	switch k {
	case truthPanel:
		return p.class(s.truth.Pix[i])
	case predictionPanel:
		return p.class(s.prediction.Pix[i])
	case pseudoPanel:
		return p.class(s.pseudo.Pix[i])
	case confidencePanel:
		return Heat(float64(s.confidence[i]))
	case errorPanel:
		switch truth := s.truth.Pix[i]; {
		case truth == semidavil.Ignore:
			return [3]uint8{}
		case truth != s.prediction.Pix[i]:
			return wrong
		}
		// What is right stands back: pale and without colour.
		gray := (299*int(rgb[0]) + 587*int(rgb[1]) + 114*int(rgb[2])) / 1000
		v := uint8(110 + gray*130/255)
		return [3]uint8{v, v, v}
	}
	return rgb
}

// class returns the colour of a train id, black for Ignore.
func (p *painter) class(id uint8) [3]uint8 {
	if int(id) < p.set.Len() {
		return p.set.Classes[id].Color
	}
	return [3]uint8{}
}
