package sheet

import (
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"math"

	"semidavil"
	"semidavil/transforms/labels"
	"semidavil/transforms/pixels/fastpng"
)

// MaxPixels is the largest sheet that Draw makes, about 400 MB of memory.
const MaxPixels = 100_000_000

// Sample is one row of a sheet. All but Image may be missing, and the pictures
// may have different sizes of the same aspect: each is scaled to the tile.
type Sample struct {
	// Name is printed in bold above the caption, such as the key of the sample and
	// its score.
	Name    string
	Caption string
	Image   *semidavil.Image
	// Truth, Prediction and Pseudo hold train ids or semidavil.Ignore, which is
	// drawn black.
	Truth, Prediction, Pseudo *semidavil.LabelMap
	// Confidence holds a value from 0 to 1 for each pixel of Prediction.
	Confidence []float32
}

// Options are the parameters of a sheet.
type Options struct {
	// Set names and colours the classes.
	Set semidavil.ClassSet
	// Title stands at the top; see Title.
	Title string
	// TileWidth and TileHeight are the size of each picture in pixels. A width of 0
	// is 256, a height of 0 follows from the aspect of the first image. An image of
	// another aspect is fitted in, not stretched.
	TileWidth, TileHeight int
	// CaptionLines is the most lines that a caption takes, 0 for 3; what does not
	// fit ends in an ellipsis.
	CaptionLines int
}

// Title returns the usual title, "step 12000, mIoU 47.3 %". The score is from 0
// to 1; NaN leaves it out.
func Title(step int64, meanIoU float64) string {
	if math.IsNaN(meanIoU) {
		return fmt.Sprintf("step %d", step)
	}
	return fmt.Sprintf("step %d, mIoU %.1f %%", step, 100*meanIoU)
}

var (
	paper = color.RGBA{250, 250, 250, 255}
	blank = color.RGBA{232, 232, 232, 255}
)

// layout holds the measures of a sheet, in pixels.
type layout struct {
	tileW, tileH, gap, width int
	text, heading, title     *pen
}

// Draw returns the sheet. A column that no sample has a picture for is left out;
// a sample without it gets an empty tile there. It returns an error for a sample
// without image, pixels that do not fit the size, a train id outside the class
// set, and a sheet of more than MaxPixels.
func Draw(o Options, samples []Sample) (*image.RGBA, error) {
	if len(samples) == 0 {
		return nil, fmt.Errorf("sheet: draw: no samples")
	}
	l, err := newLayout(&o, samples[0])
	if err != nil {
		return nil, fmt.Errorf("sheet: draw: %w", err)
	}
	defer l.text.close()
	defer l.heading.close()
	defer l.title.close()
	if n := l.tileW * l.tileH; n > MaxPixels/len(samples) {
		return nil, fmt.Errorf("sheet: draw: %d samples with tiles of %dx%d, at most %d pixels in all", len(samples), l.tileW, l.tileH, MaxPixels)
	}
	p := &painter{set: o.Set, table: labels.TrainIDs(o.Set)}
	rows := make([]scaled, len(samples))
	var panels []panel
	for i, s := range samples {
		w, h := l.fit(s.Image)
		if rows[i], err = p.scale(s, w, h); err != nil {
			return nil, fmt.Errorf("sheet: draw: sample %d %q: %w", i, s.Name, err)
		}
	}
	for k := range panel(len(panelTitles)) {
		for _, r := range rows {
			if r.has(k) {
				panels = append(panels, k)
				break
			}
		}
	}
	l.width = len(panels)*(l.tileW+l.gap) - l.gap

	// First the texts, whose lines decide the height, then the drawing.
	texts := make([][]string, len(samples))
	height := l.gap
	title := l.title.wrap(o.Title, l.width, 2)
	height += len(title)*l.title.line + l.text.line
	if len(title) > 0 {
		height += l.gap / 2
	}
	for i, s := range samples {
		texts[i] = l.text.wrap(s.Caption, l.width, o.CaptionLines)
		height += l.tileH + l.textHeight(s, texts[i]) + l.gap
	}
	items, legendHeight := p.legend(l.text, panels, l.width)
	height += legendHeight + l.gap
	if total := (l.width + 2*l.gap) * height; total > MaxPixels {
		return nil, fmt.Errorf("sheet: draw: %dx%d pixels, at most %d in all", l.width+2*l.gap, height, MaxPixels)
	}
	dst := image.NewRGBA(image.Rect(0, 0, l.width+2*l.gap, height))
	draw.Draw(dst, dst.Rect, image.NewUniform(paper), image.Point{}, draw.Src)
	l.text.Dst, l.heading.Dst, l.title.Dst = dst, dst, dst

	y := l.gap
	for _, line := range title {
		l.title.write(l.gap, y, line)
		y += l.title.line
	}
	if len(title) > 0 {
		y += l.gap / 2
	}
	for i, k := range panels {
		l.text.write(l.gap+i*(l.tileW+l.gap), y, l.text.shorten(panelTitles[k], l.tileW))
	}
	y += l.text.line
	for i, s := range samples {
		for n, k := range panels {
			l.tile(dst, p, image.Pt(l.gap+n*(l.tileW+l.gap), y), rows[i], k)
		}
		y += l.tileH
		if s.Name != "" {
			l.heading.write(l.gap, y+2, l.heading.shorten(s.Name, l.width))
		}
		at := y + 2 + l.textHeight(s, nil)
		for n, line := range texts[i] {
			l.text.write(l.gap, at+n*l.text.line, line)
		}
		y += l.textHeight(s, texts[i]) + l.gap
	}
	drawLegend(dst, l.text, items, image.Pt(l.gap, y))
	return dst, nil
}

func newLayout(o *Options, first Sample) (*layout, error) {
	if o.Set.Len() < 1 || o.Set.Len() > semidavil.Ignore {
		return nil, fmt.Errorf("class set %q of %d classes", o.Set.Name, o.Set.Len())
	}
	if o.TileWidth < 0 || o.TileHeight < 0 || o.TileWidth > 1<<14 || o.TileHeight > 1<<14 || o.CaptionLines < 0 {
		return nil, fmt.Errorf("tiles of %dx%d, captions of %d lines", o.TileWidth, o.TileHeight, o.CaptionLines)
	}
	if o.CaptionLines == 0 {
		o.CaptionLines = 3
	}
	if o.TileWidth == 0 {
		o.TileWidth = 256
	}
	if m := first.Image; o.TileHeight == 0 && m != nil && m.W > 0 && m.H > 0 {
		o.TileHeight = min(max(1, (o.TileWidth*m.H+m.W/2)/m.W), 1<<14)
	}
	// Letters grow with the tiles, slower than they do.
	size := min(max(12, 13*math.Sqrt(float64(o.TileWidth)/256)), 24)
	l := &layout{tileW: o.TileWidth, tileH: max(1, o.TileHeight), gap: int(size)}
	var err error
	if l.text, err = newPen(regular, size); err != nil {
		return nil, err
	}
	if l.heading, err = newPen(bold, size); err != nil {
		return nil, err
	}
	if l.title, err = newPen(bold, 1.3*size); err != nil {
		return nil, err
	}
	return l, nil
}

// textHeight returns the height of what stands below the tiles of a sample.
func (l *layout) textHeight(s Sample, caption []string) int {
	h := len(caption) * l.text.line
	if s.Name != "" {
		h += l.heading.line
	}
	return h
}

// fit returns the size of an image in a tile.
func (l *layout) fit(m *semidavil.Image) (w, h int) {
	if m == nil || m.W < 1 || m.H < 1 {
		return l.tileW, l.tileH
	}
	if h = (l.tileW*m.H + m.W/2) / m.W; h <= l.tileH {
		return l.tileW, max(1, h)
	}
	return min(max(1, (l.tileH*m.W+m.H/2)/m.H), l.tileW), l.tileH
}

// tile draws one panel in the middle of its tile.
func (l *layout) tile(dst *image.RGBA, p *painter, at image.Point, s scaled, k panel) {
	if !s.has(k) {
		draw.Draw(dst, image.Rect(at.X, at.Y, at.X+l.tileW, at.Y+l.tileH), image.NewUniform(blank), image.Point{}, draw.Src)
		const none = "none"
		if w := l.text.width(none); w <= l.tileW && l.text.line <= l.tileH {
			l.text.write(at.X+(l.tileW-w)/2, at.Y+(l.tileH-l.text.line)/2, none)
		}
		return
	}
	p.paint(dst, at.Add(image.Pt((l.tileW-s.w)/2, (l.tileH-s.h)/2)), s, k)
}

// PNG returns a sheet as a PNG file of 8-bit RGB, its true colours.
func PNG(m *image.RGBA) ([]byte, error) {
	rgb := semidavil.NewImage(m.Rect.Dx(), m.Rect.Dy())
	for y := range rgb.H {
		row := m.Pix[y*m.Stride:]
		for x := range rgb.W {
			copy(rgb.Pix[3*(y*rgb.W+x):], row[4*x:4*x+3])
		}
	}
	var e fastpng.Encoder
	data, err := e.EncodePNG(nil, rgb, fastpng.Default)
	if err != nil {
		return nil, fmt.Errorf("sheet: encode: %w", err)
	}
	return data, nil
}
