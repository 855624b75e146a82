package sheet

import (
	"image"
	"image/color"
	"image/draw"

	"semidavil"
)

// entry is one item of the legend: a field of colour, or the scale of Heat.
type entry struct {
	name  string
	color [3]uint8
	scale bool
	at    image.Point
}

// legend returns the items for what is to be seen, placed in lines of the given
// width from 0, 0, and the height of all lines.
func (p *painter) legend(text *pen, panels []panel, width int) ([]entry, int) {
	var items []entry
	for i, c := range p.set.Classes {
		if p.seen[i] {
			items = append(items, entry{name: c.Name, color: c.Color})
		}
	}
	if p.seen[semidavil.Ignore] {
		items = append(items, entry{name: "no class"})
	}
	for _, k := range panels {
		switch k {
		case errorPanel:
			items = append(items, entry{name: "error", color: wrong})
		case confidencePanel:
			items = append(items, entry{name: "confidence 0 to 1", scale: true})
		}
	}
	if len(items) == 0 {
		return nil, 0
	}
	x, y := 0, 0
	for i := range items {
		w := items[i].field(text) + text.line/3 + text.width(items[i].name)
		if x > 0 && x+w > width {
			x, y = 0, y+text.line+4
		}
		items[i].at = image.Pt(x, y)
		x += w + text.line
	}
	return items, y + text.line
}

// field is the width of the coloured field.
func (e entry) field(text *pen) int {
	if e.scale {
		return 5 * text.ascent
	}
	return text.ascent
}

// drawLegend draws the items with the origin of their places at a point.
func drawLegend(dst *image.RGBA, text *pen, items []entry, origin image.Point) {
	for _, e := range items {
		at := origin.Add(e.at)
		w, h := e.field(text), text.ascent
		field := image.Rect(at.X, at.Y+1, at.X+w, at.Y+1+h)
		draw.Draw(dst, field, image.NewUniform(color.RGBA{150, 150, 150, 255}), image.Point{}, draw.Src)
		field = field.Inset(1)
		for x := field.Min.X; x < field.Max.X; x++ {
			c := e.color
			if e.scale {
				c = Heat(float64(x-field.Min.X) / float64(max(1, field.Dx()-1)))
			}
			column := image.Rect(x, field.Min.Y, x+1, field.Max.Y)
			draw.Draw(dst, column, image.NewUniform(color.RGBA{c[0], c[1], c[2], 255}), image.Point{}, draw.Src)
		}
		text.write(at.X+w+text.line/3, at.Y, e.name)
	}
}
