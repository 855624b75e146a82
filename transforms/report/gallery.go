package report

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"html/template"
	"image/jpeg"

	"semidavil/transforms/metrics"
)

// Gallery is a page of many small pictures with what is known of them. A script of its own draws
// those that are looked at, finds words, filters and orders. Like a [Document] it needs no
// network, and its policy permits no other script. Its texts are plain, not HTML.
type Gallery struct {
	Title string
	// Lead is a paragraph below the title; it may be empty, as all that follows.
	Lead  string
	Facts []Fact
	// Words can be clicked to find them.
	Words []Word
	// Note stands above the pictures.
	Note string
	// Classes are those of the Shares of pictures and of their layers.
	Classes []Swatch
	// Scores names the Scores of pictures; less is worse.
	Scores   []string
	Pictures []Picture
	Tables   []Table
}

// Word is a word and the number of images in whose captions it is.
type Word struct {
	Text   string
	Images int
}

// Picture is an image with what is known of it.
type Picture struct {
	Title   string `json:"title"`
	Key     string `json:"key,omitempty"` // another name
	Caption string `json:"caption,omitempty"`
	// Images is how many images have this caption.
	Images int `json:"images,omitempty"`
	// Mark is a word on the caption, such as where it is from; it may be empty.
	Mark string `json:"mark,omitempty"`
	// Subset is what it can be chosen by.
	Subset string `json:"subset,omitempty"`
	// Reject is the kind of the fault for which an image was left out; empty where it was not.
	Reject string `json:"reject,omitempty"`
	// JPEG is the picture and Width and Height its size in pixels; where it is empty, Fault says
	// why.
	JPEG   []byte  `json:"jpeg,omitempty"`
	Width  int     `json:"width,omitempty"`
	Height int     `json:"height,omitempty"`
	Fault  string  `json:"fault,omitempty"`
	Layers []Layer `json:"layers,omitempty"`
	// Shares are those of the classes that occur.
	Shares []Share `json:"shares,omitempty"`
	// Scores are those of the gallery, as many or none; NaN is unknown.
	Scores []metrics.Fraction `json:"scores,omitempty"`
}

// Share is the part of an image that a class has, above 0 to 1.
type Share struct {
	Class int     `json:"class"`
	Share float64 `json:"share"`
}

//go:embed gallery.html
var galleryText string

//go:embed gallery.css
var galleryStyle string

//go:embed gallery.js
var galleryScript string

// gallery also has the parts that page.html defines.
var gallery = template.Must(template.Must(page.Clone()).New("gallery").Parse(galleryText))

type galleryData struct {
	Gallery
	Style        template.CSS
	Data, Script template.JS
	ScriptHash   template.HTMLAttr
}

// shown is what the script reads.
type shown struct {
	Classes  []Swatch  `json:"classes"`
	Scores   []string  `json:"scores"`
	Pictures []Picture `json:"pictures"`
}

// HTML returns the page. A gallery without a title, a table whose rows differ in length from
// its head, and a picture of another size or format than it says, or with scores or classes that the
// gallery has not, are errors that name the place.
func (g Gallery) HTML() ([]byte, error) {
	sum := sha256.Sum256([]byte(galleryScript))
	data := galleryData{Gallery: g, Style: template.CSS(styleText + galleryStyle), Script: template.JS(galleryScript),
		ScriptHash: template.HTMLAttr("sha256-" + base64.StdEncoding.EncodeToString(sum[:]))}
	err := g.check()
	if err == nil { // neither "<" nor "&" is in what it writes
		var text []byte
		text, err = json.Marshal(shown{g.Classes, g.Scores, g.Pictures})
		data.Data = template.JS(text)
	}
	var b bytes.Buffer
	if err == nil {
		err = gallery.Execute(&b, data)
	}
	if err != nil {
		return nil, fmt.Errorf("report: write %q: %w", g.Title, err)
	}
	return b.Bytes(), nil
}

func (g Gallery) check() error {
	if empty(g.Title) {
		return errors.New("no title")
	}
	for i, f := range g.Facts {
		if empty(f.Label) {
			return fmt.Errorf("fact %d: no label", i)
		}
	}
	for i, t := range g.Tables {
		if err := t.check(); err != nil {
			return fmt.Errorf("table %d %q: %w", i, t.Caption, err)
		}
	}
	for i, p := range g.Pictures {
		err := p.check()
		if err == nil && len(p.Scores) != 0 && len(p.Scores) != len(g.Scores) {
			err = fmt.Errorf("%d scores of %d", len(p.Scores), len(g.Scores))
		}
		for _, s := range p.Shares {
			if s.Class < 0 || s.Class >= len(g.Classes) {
				err = fmt.Errorf("class %d of %d", s.Class, len(g.Classes))
			}
		}
		if err != nil {
			return fmt.Errorf("picture %d %q: %w", i, p.Title, err)
		}
	}
	return nil
}

// check looks only at the head of the file: pictures are many.
func (p Picture) check() error {
	if len(p.JPEG) == 0 {
		if empty(p.Fault) {
			return errors.New("neither JPEG nor fault")
		}
		return nil
	}
	config, err := jpeg.DecodeConfig(bytes.NewReader(p.JPEG))
	if err != nil {
		return fmt.Errorf("decode JPEG: %w", err)
	}
	if config.Width != p.Width || config.Height != p.Height {
		return fmt.Errorf("the JPEG has %dx%d pixels, not %dx%d", config.Width, config.Height, p.Width, p.Height)
	}
	return nil
}

// dataBegin and dataEnd are around what the script reads.
const dataBegin, dataEnd = `<script id="data" type="application/json">`, `</script>`

// ReadPictures returns the pictures of a page that [Gallery.HTML] wrote.
func ReadPictures(page []byte) ([]Picture, error) {
	var s shown
	_, rest, ok := bytes.Cut(page, []byte(dataBegin))
	text, _, end := bytes.Cut(rest, []byte(dataEnd))
	if !ok || !end {
		return nil, errors.New("report: the page is no gallery")
	}
	if err := json.Unmarshal(text, &s); err != nil {
		return nil, fmt.Errorf("report: read the data of the page: %w", err)
	}
	return s.Pictures, nil
}
