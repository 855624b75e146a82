package report

import (
	"bytes"
	"fmt"
	"html/template"
)

// Document is a report. Its texts are plain, not HTML.
type Document struct {
	Title string
	// Lead is a paragraph below the title; it may be empty.
	Lead     string
	Facts    []Fact
	Sections []Section
}

// Fact is a short value with its name, such as "mean IoU" and "62.1%".
type Fact struct{ Label, Value string }

// Section is a part with a heading of its own. Its contents follow in the order
// of the fields; all but Title may be empty.
type Section struct {
	Title   string
	Text    []string // paragraphs
	Tables  []Table
	Figures []Figure
	// Legend explains the colours of the pictures in Cards.
	Legend []Swatch
	Cards  []Card
}

// Table has a head and rows of as many cells. The first column names the rows; the
// others are aligned to the right, as numbers are.
type Table struct {
	Caption string
	Head    []string
	Rows    [][]string
	// Colors has one a row, drawn as a swatch before its name, or none.
	Colors []Color
}

// Figure is a chart of the width of the page.
type Figure struct {
	Caption string
	// SVG is a document of package charts: it becomes a part of the page as it is.
	SVG []byte
}

// Swatch is the name and colour of a class.
type Swatch struct {
	Name  string `json:"name"`
	Color Color  `json:"color"`
}

// Color is red, green and blue.
type Color [3]uint8

// Style is the attribute of an element that is painted with the colour.
func (c Color) Style() template.HTMLAttr {
	return template.HTMLAttr(fmt.Sprintf(`style="background:#%02x%02x%02x"`, c[0], c[1], c[2]))
}

// Card is a row of small pictures of one frame, such as image, truth, prediction.
type Card struct {
	Title, Caption string
	Tiles          []Tile
}

// Tile is one picture of a card.
type Tile struct {
	Label string
	PNG   []byte
	// Alt says what is to be seen; empty means Label.
	Alt string
	// Photo is smoothed when it is scaled. Other tiles, label maps for instance, keep
	// their pixels: a mixture of two colours is none of the classes.
	Photo bool
}

// HTML returns the page. A document without a title, an untitled section, a table
// whose rows differ in length from its head or in number from its colours, a figure without picture or caption, and a tile
// without a valid picture or any word for it are errors that name the place.
func (d Document) HTML() ([]byte, error) {
	data, err := d.prepare()
	if err != nil {
		return nil, fmt.Errorf("report: write %q: %w", d.Title, err)
	}
	var b bytes.Buffer
	if err := page.Execute(&b, data); err != nil {
		return nil, fmt.Errorf("report: write %q: %w", d.Title, err)
	}
	return b.Bytes(), nil
}
