package classstats

import (
	"bytes"
	"fmt"
	"image/color"
	"math"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"semidavil"
)

// subsetColors tell the subsets apart, also for colour-blind readers (Okabe-Ito).
var subsetColors = map[semidavil.Subset]color.Color{
	semidavil.SourceTrain: color.RGBA{0, 114, 178, 255},
	semidavil.Labelled:    color.RGBA{230, 159, 0, 255},
	semidavil.Unlabelled:  color.RGBA{153, 153, 153, 255},
	semidavil.Val:         color.RGBA{0, 158, 115, 255},
}

// Plot draws the share of each class in every subset as horizontal bars on a
// logarithmic axis. Format is "svg" or "png". The same counts give the same
// bytes.
func (t Table) Plot(set semidavil.ClassSet, format string) ([]byte, error) {
	subsets := t.present()
	p := plot.New()
	p.Title.Text = "Class frequencies"
	p.Title.TextStyle.Font.Size = vg.Points(13)
	p.Title.Padding = vg.Points(8)
	p.X.Label.Text = "share of the pixels that have a class, % (logarithmic)"
	bars := &frequencyBars{set: set, subsets: subsets}
	least := 1.0
	for _, s := range subsets {
		f := t.Subsets[s].Frequencies()
		bars.frequency = append(bars.frequency, f)
		for _, v := range f {
			if v > 0 {
				least = min(least, v)
			}
		}
	}
	bars.from = math.Floor(math.Log10(least)) - 0.2
	p.Add(bars)
	p.X.Min, p.X.Max = bars.from, 0.25 // room for the number behind the longest bar
	p.Y.Min, p.Y.Max = -0.6, float64(set.Len())-0.4
	var ticks plot.ConstantTicks
	for e := math.Ceil(bars.from); e <= 0; e++ {
		ticks = append(ticks, plot.Tick{Value: e, Label: fmt.Sprintf("%g", 100*math.Pow(10, e))})
	}
	p.X.Tick.Marker = ticks
	var names plot.ConstantTicks
	for i, c := range set.Classes {
		names = append(names, plot.Tick{Value: float64(set.Len() - 1 - i), Label: c.Name + "    "}) // room for the swatch
	}
	p.Y.Tick.Marker = names
	p.Y.Tick.LineStyle.Width = 0
	p.Y.LineStyle.Width = vg.Points(0.5)
	p.Legend.Top, p.Legend.Left = false, false
	p.Legend.Padding = vg.Points(2)
	for _, s := range subsets {
		p.Legend.Add(fmt.Sprintf("%s (%d images)", s, t.Subsets[s].Images), swatch{subsetColors[s]})
	}
	p.Y.Label.Text = " " // keeps the longest class name off the edge
	for _, style := range []*text.Style{&p.Title.TextStyle, &p.X.Label.TextStyle, &p.X.Tick.Label, &p.Y.Tick.Label, &p.Legend.TextStyle} {
		style.Font.Variant = "Sans"
	}
	height := vg.Points(float64(80 + set.Len()*(9+9*max(1, len(subsets)))))
	w, err := p.WriterTo(vg.Points(620), height, format)
	if err != nil {
		return nil, fmt.Errorf("classstats: plot: %w", err)
	}
	var b bytes.Buffer
	if _, err := w.WriteTo(&b); err != nil {
		return nil, fmt.Errorf("classstats: plot: %w", err)
	}
	return b.Bytes(), nil
}

// frequencyBars draws one group of bars a class; x is log10 of the frequency.
type frequencyBars struct {
	set       semidavil.ClassSet
	subsets   []semidavil.Subset
	frequency [][]float64 // by subset and class
	from      float64
}

// Plot implements plot.Plotter.
func (b *frequencyBars) Plot(c draw.Canvas, p *plot.Plot) {
	trX, trY := p.Transforms(&c)
	style := p.X.Tick.Label
	style.Font.Size = vg.Points(7)
	style.XAlign, style.YAlign = draw.XLeft, draw.YCenter
	for e := math.Ceil(b.from); e <= 0; e++ {
		c.StrokeLine2(draw.LineStyle{Color: color.Gray{225}, Width: vg.Points(0.5)}, trX(e), c.Min.Y, trX(e), c.Max.Y)
	}
	const group = 0.84 // of the distance between classes
	for i, class := range b.set.Classes {
		y := float64(b.set.Len() - 1 - i)
		swatch := color.RGBA{class.Color[0], class.Color[1], class.Color[2], 255}
		x, mid := trX(b.from), trY(y)
		c.FillPolygon(swatch, box(x-vg.Points(13), mid-vg.Points(4), x-vg.Points(4), mid+vg.Points(4)))
		for g := range b.subsets {
			f := b.frequency[g][i]
			top := y + group/2 - group*float64(g)/float64(len(b.subsets))
			bottom := top - group/float64(len(b.subsets))
			text := "0"
			end := trX(b.from)
			if f > 0 {
				text = fmt.Sprintf("%.3g", 100*f)
				end = trX(math.Log10(f))
				c.FillPolygon(subsetColors[b.subsets[g]], box(x, trY(bottom)+vg.Points(0.4), end, trY(top)-vg.Points(0.4)))
			}
			c.FillText(style, vg.Point{X: end + vg.Points(2), Y: trY((top + bottom) / 2)}, text)
		}
	}
}

func box(x0, y0, x1, y1 vg.Length) []vg.Point {
	return []vg.Point{{X: x0, Y: y0}, {X: x1, Y: y0}, {X: x1, Y: y1}, {X: x0, Y: y1}}
}

// swatch is a legend entry.
type swatch struct{ color color.Color }

// Thumbnail implements plot.Thumbnailer.
func (s swatch) Thumbnail(c *draw.Canvas) {
	c.FillPolygon(s.color, box(c.Min.X, c.Min.Y, c.Max.X, c.Max.Y))
}
