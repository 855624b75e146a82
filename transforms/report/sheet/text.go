package sheet

import (
	"fmt"
	"image"
	"image/color"
	"strings"
	"sync"

	"golang.org/x/image/font"
	"golang.org/x/image/font/gofont/gobold"
	"golang.org/x/image/font/gofont/goregular"
	"golang.org/x/image/font/opentype"
	"golang.org/x/image/math/fixed"
)

const ellipsis = "…"

var (
	regular = sync.OnceValues(func() (*opentype.Font, error) { return opentype.Parse(goregular.TTF) })
	bold    = sync.OnceValues(func() (*opentype.Font, error) { return opentype.Parse(gobold.TTF) })
)

// pen writes text of one face on the canvas Dst, or, without one, measures it. It must be closed.
type pen struct {
	font.Drawer
	ascent, line int // pixels above the base line, from one base line to the next
}

func newPen(parse func() (*opentype.Font, error), size float64) (*pen, error) {
	f, err := parse()
	if err != nil {
		return nil, fmt.Errorf("font: %w", err)
	}
	face, err := opentype.NewFace(f, &opentype.FaceOptions{Size: size, DPI: 72, Hinting: font.HintingFull})
	if err != nil {
		return nil, fmt.Errorf("font: %w", err)
	}
	m := face.Metrics()
	p := &pen{ascent: m.Ascent.Ceil(), line: m.Height.Ceil() + 2}
	p.Drawer = font.Drawer{Src: image.NewUniform(color.RGBA{30, 30, 34, 255}), Face: face}
	return p, nil
}

func (p *pen) close() { p.Face.Close() } //nolint:errcheck // an opentype face has nothing to close

func (p *pen) width(text string) int { return font.MeasureString(p.Face, text).Ceil() }

// write puts a line of text with its upper left corner at x, y.
func (p *pen) write(x, y int, text string) {
	p.Dot = fixed.P(x, y+p.ascent)
	p.DrawString(text)
}

// shorten cuts a line to a width, with an ellipsis in place of what is lost.
func (p *pen) shorten(text string, width int) string {
	if p.width(text) <= width {
		return text
	}
	runes := []rune(text)
	for n := len(runes) - 1; n > 0; n-- {
		if s := strings.TrimRight(string(runes[:n]), " ,") + ellipsis; p.width(s) <= width {
			return s
		}
	}
	return ellipsis
}

// wrap breaks a text at its spaces into at most n lines of a width; words that
// are longer are broken anywhere. What does not fit is replaced by an ellipsis.
func (p *pen) wrap(text string, width, n int) []string {
	var lines []string
	line := ""
	for _, word := range strings.Fields(text) {
		if next := strings.TrimSpace(line + " " + word); p.width(next) <= width {
			line = next
			continue
		}
		if line != "" {
			lines = append(lines, line)
		}
		for p.width(word) > width && len(lines) <= n {
			head := []rune(word)
			for len(head) > 1 && p.width(string(head)) > width {
				head = head[:len(head)-1]
			}
			lines = append(lines, string(head))
			word = word[len(string(head)):]
		}
		line = word
		if len(lines) > n { // a long text need not be measured to its end
			break
		}
	}
	if line != "" {
		lines = append(lines, line)
	}
	if len(lines) > n {
		lines = append(lines[:n-1], p.shorten(lines[n-1]+" "+ellipsis, width))
	}
	return lines
}
