package charts

import (
	"encoding/xml"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"unicode/utf8"
)

// dark restyles the classes where the reader's screen prefers dark pages; a
// viewer without style sheets falls back to the light colours of the attributes.
const dark = `@media screen and (prefers-color-scheme:dark){` +
	`.chart-page{fill:#16191d}.chart-ink{fill:#e6e9ed}.chart-soft{fill:#a9b1bb}.chart-none{fill:#2a3037}` +
	`.chart-grid{stroke:#30363d}.chart-axis{stroke:#8b949e}}`

const (
	fonts = `system-ui,-apple-system,'Segoe UI',Roboto,'Helvetica Neue',Arial,sans-serif`

	width  = 680.0 // of every chart but the matrix
	margin = 16.0

	titleSize = 16.0
	textSize  = 12.0
	smallSize = 10.5
)

// document is an SVG document in the making. Its parts are written to body, so
// that the height can be set at the end.
type document struct {
	body strings.Builder
}

// num formats a coordinate, rounded to 0.01.
func num(v float64) string {
	v = math.Round(float64(v*100)) / 100
	if v == 0 {
		v = 0 // no "-0"
	}
	return strconv.FormatFloat(v, 'f', -1, 64)
}

// escape makes a text fit for XML content and attributes; what XML cannot hold
// becomes U+FFFD.
func escape(s string) string {
	var b strings.Builder
	_ = xml.EscapeText(&b, []byte(s)) // a strings.Builder never fails
	return b.String()
}

// tag opens an element; attributes come as name, value pairs, and end is "/>" or
// ">".
func (d *document) tag(name string, attributes []string, end string) {
	d.body.WriteByte('<')
	d.body.WriteString(name)
	for i := 0; i+1 < len(attributes); i += 2 {
		fmt.Fprintf(&d.body, ` %s="%s"`, attributes[i], escape(attributes[i+1]))
	}
	d.body.WriteString(end)
}

// mark writes an element with a title of its own, the number behind the mark.
func (d *document) mark(name, title string, attributes ...string) {
	if title == "" {
		d.tag(name, attributes, "/>\n")
		return
	}
	d.tag(name, attributes, ">")
	fmt.Fprintf(&d.body, "<title>%s</title></%s>\n", escape(title), name)
}

func (d *document) rect(x, y, w, h float64, title string, attributes ...string) {
	d.mark("rect", title, append([]string{"x", num(x), "y", num(y), "width", num(w), "height", num(h)}, attributes...)...)
}

func (d *document) line(x1, y1, x2, y2 float64, attributes ...string) {
	d.tag("line", append([]string{"x1", num(x1), "y1", num(y1), "x2", num(x2), "y2", num(y2)}, attributes...), "/>\n")
}

func (d *document) grid(x1, y1, x2, y2 float64) {
	d.line(x1, y1, x2, y2, "class", "chart-grid", "stroke", "#d9dde2", "stroke-width", "1")
}

func (d *document) axisLine(x1, y1, x2, y2 float64) {
	d.line(x1, y1, x2, y2, "class", "chart-axis", "stroke", "#6b7480", "stroke-width", "1")
}

// The anchors of texts.
const (
	atStart  = "start"
	atMiddle = "middle"
	atEnd    = "end"
)

// text writes s with its baseline at y.
func (d *document) text(x, y, size float64, anchor, s string, attributes ...string) {
	d.words(x, y, size, anchor, s, "chart-ink", "#1d2228", attributes)
}

// soft is text in a quieter colour, for ticks and captions.
func (d *document) soft(x, y, size float64, anchor, s string, attributes ...string) {
	d.words(x, y, size, anchor, s, "chart-soft", "#59626d", attributes)
}

func (d *document) words(x, y, size float64, anchor, s, class, fill string, attributes []string) {
	all := []string{"x", num(x), "y", num(y), "font-size", num(size), "class", class, "fill", fill}
	if anchor != atStart {
		all = append(all, "text-anchor", anchor)
	}
	d.tag("text", append(all, attributes...), ">")
	d.body.WriteString(escape(s))
	d.body.WriteString("</text>\n")
}

// turned writes the caption of a vertical axis from bottom to top, around y.
func (d *document) turned(y float64, s string) {
	const x = margin + 10
	d.soft(x, y, textSize, atMiddle, s, "transform", "rotate(-90 "+num(x)+" "+num(y)+")")
}

// header writes the title and the note below it, broken into lines, and returns
// the y below them.
func (d *document) header(title, note string, w float64) float64 {
	y := margin
	for _, line := range wrap(title, titleSize*1.06, w-2*margin) { // bold is wider
		y += 16
		d.text(margin, y, titleSize, atStart, line, "font-weight", "600")
		y += 4
	}
	for _, line := range wrap(note, textSize, w-2*margin) {
		y += 14
		d.soft(margin, y, textSize, atStart, line)
		y += 2
	}
	return y + 8
}

// finish returns the document of the given size.
func (d *document) finish(w, h float64, title, description string) []byte {
	var b strings.Builder
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %s %s" width="%s" height="%s" role="img" aria-label="%s" style="max-width:100%%;height:auto" font-family="%s">`+"\n",
		num(w), num(h), num(w), num(h), escape(title), escape(fonts))
	fmt.Fprintf(&b, "<title>%s</title>\n<desc>%s</desc>\n<style>%s</style>\n", escape(title), escape(description), dark)
	fmt.Fprintf(&b, `<rect x="0" y="0" width="%s" height="%s" rx="8" class="chart-page" fill="#ffffff"/>`+"\n", num(w), num(h))
	b.WriteString(d.body.String())
	b.WriteString("</svg>\n")
	return []byte(b.String())
}

// checkTitle refuses an empty title: it is the name of the picture for those who
// cannot see it.
func checkTitle(title string) error {
	if strings.TrimSpace(title) == "" {
		return errors.New("no title")
	}
	if !utf8.ValidString(title) {
		return errors.New("title is not UTF-8")
	}
	return nil
}

// checkNumber refuses numbers that no axis can hold. NaN passes.
func checkNumber(v float64) error {
	if math.IsInf(v, 0) {
		return fmt.Errorf("%v, want a finite number", v)
	}
	if math.Abs(v) > 1e100 {
		return fmt.Errorf("%v, want at most 1e100", v)
	}
	return nil
}
