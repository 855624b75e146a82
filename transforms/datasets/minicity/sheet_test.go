package minicity

import (
	"flag"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"strings"
	"testing"

	"github.com/disintegration/imaging"
	"golang.org/x/image/font"
	"golang.org/x/image/font/gofont/goregular"
	"golang.org/x/image/font/opentype"
	"golang.org/x/image/math/fixed"

	"semidavil"
)

var sheetPath = flag.String("sheet", "", "write the contact sheet to this `file`, in the format of its ending")

func TestSheet(t *testing.T) {
	columns := 2
	if *sheetPath != "" {
		columns = 4
	}
	m, err := Sheet(7, columns, 1+columns/4)
	if err != nil {
		t.Fatal(err)
	}
	if *sheetPath == "" {
		return
	}
	if err := imaging.Save(m, *sheetPath, imaging.JPEGQuality(88)); err != nil {
		t.Fatal(err)
	}
}

// Sheet is a contact sheet: scenes of both domains with their labels and
// captions, and the colours of the classes. The scenes are chosen among the first
// of the seed so that as many classes as possible are to be seen.
func Sheet(seed uint64, columns, rows int) (*image.NRGBA, error) {
	const w, h, gap, text, title, legend = 384, 192, 14, 72, 30, 68
	f, err := opentype.Parse(goregular.TTF)
	if err != nil {
		return nil, fmt.Errorf("minicity: sheet: %w", err)
	}
	face, err := opentype.NewFace(f, &opentype.FaceOptions{Size: 13, DPI: 72, Hinting: font.HintingFull})
	if err != nil {
		return nil, fmt.Errorf("minicity: sheet: %w", err)
	}
	defer face.Close()
	band := title + rows*(2*h+2+text+gap)
	sheet := imaging.New(columns*(w+gap)+gap, 2*band+legend, color.NRGBA{250, 250, 250, 255})
	pen := font.Drawer{Dst: sheet, Src: image.NewUniform(color.NRGBA{30, 30, 34, 255}), Face: face}
	write := func(x, y int, s string) {
		pen.Dot = fixed.P(x, y)
		pen.DrawString(s)
	}
	for d, domain := range []semidavil.Domain{semidavil.Source, semidavil.Target} {
		top := d * band
		write(gap, top+21, []string{"Source: clean and labelled, as from a game", "Target: another camera, haze, noise and compression; few labels"}[d])
		for i, index := range chosen(seed, domain, rows*columns) {
			x, y := gap+i%columns*(w+gap), top+title+i/columns*(2*h+2+text+gap)
			s := NewScene(seed, domain, index)
			img, ids, caption := s.Render(w, h)
			sheet = imaging.Paste(sheet, nrgba(img), image.Pt(x, y))
			sheet = imaging.Paste(sheet, nrgba(Colors(ids)), image.Pt(x, y+h+2))
			pen.Dst = sheet
			for n, line := range wrap(face, caption, w, 4) {
				write(x, y+2*h+18+16*n, line)
			}
		}
	}
	for i, c := range semidavil.Cityscapes19.Classes {
		x, y := gap+i%10*((columns*(w+gap)-gap)/10), 2*band+8+i/10*26
		draw.Draw(sheet, image.Rect(x, y, x+16, y+16), image.NewUniform(color.NRGBA{c.Color[0], c.Color[1], c.Color[2], 255}), image.Point{}, draw.Src)
		write(x+21, y+13, c.Name)
	}
	return sheet, nil
}

// chosen picks n scenes among the first 4n, in order, one at a time the one that
// adds most: a class in it counts the less, the more chosen scenes show it.
func chosen(seed uint64, domain semidavil.Domain, n int) []int {
	var counts [][256]int
	for i := range 4 * n {
		_, ids, _, _ := NewScene(seed, domain, i).draw(128, 64)
		var c [256]int
		for _, id := range ids.Pix {
			c[id]++
		}
		counts = append(counts, c)
	}
	var shown [256]int
	taken := make([]bool, len(counts))
	for range n {
		best, most := 0, -1.0
		for i, c := range counts {
			gain := 0.0
			for _, class := range semidavil.Cityscapes19.Classes {
				if c[class.ID] >= 16 {
					gain += 1 / float64(1+sq(float64(shown[class.ID])))
				}
			}
			if !taken[i] && gain > most {
				best, most = i, gain
			}
		}
		taken[best] = true
		for id, k := range counts[best] {
			if k >= 16 {
				shown[id]++
			}
		}
	}
	var out []int
	for i, t := range taken {
		if t {
			out = append(out, i)
		}
	}
	return out
}

// wrap cuts a text into at most n lines of the given width.
func wrap(face font.Face, text string, width, n int) []string {
	var lines []string
	line := ""
	for _, word := range strings.Fields(text) {
		next := strings.TrimSpace(line + " " + word)
		if font.MeasureString(face, next).Ceil() > width && line != "" {
			lines = append(lines, line)
			next = word
		}
		line = next
	}
	if lines = append(lines, line); len(lines) > n {
		lines = append(lines[:n-1], lines[n-1]+" …")
	}
	return lines
}

func nrgba(m *semidavil.Image) *image.NRGBA {
	out := image.NewNRGBA(image.Rect(0, 0, m.W, m.H))
	for i := range m.W * m.H {
		copy(out.Pix[4*i:], m.Pix[3*i:3*i+3])
		out.Pix[4*i+3] = 255
	}
	return out
}
