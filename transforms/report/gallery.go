package report

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"errors"
	"fmt"
	"html/template"
	"image/jpeg"
)

// Gallery is a page of many small pictures with texts, for skimming. A script of its own finds
// words and orders the pictures; without it the page shows all of them. Like a [Document] it
// needs no network, and its policy permits no other script. Its texts are plain, not HTML.
type Gallery struct {
	Title string
	// Lead is a paragraph below the title; it may be empty, as all that follows.
	Lead  string
	Facts []Fact
	// Words can be clicked to find them.
	Words []Word
	// Note stands above the pictures.
	Note     string
	Pictures []Picture
	Tables   []Table
}

// Word is a word and the number of images in whose captions it is.
type Word struct {
	Text   string
	Images int
}

// Picture is an image with its caption.
type Picture struct {
	Title, Caption string
	// Images is how many images have this caption.
	Images int
	// Mark is a word on the caption, such as where it is from; it may be empty.
	Mark string
	// JPEG is the picture and Width and Height its size in pixels; where it is empty, Fault says
	// why.
	JPEG          []byte
	Width, Height int
	Fault         string
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
	Style      template.CSS
	Script     template.JS
	ScriptHash template.HTMLAttr
	Pictures   []galleryPicture
}

type galleryPicture struct {
	Picture
	Source template.HTMLAttr
}

// HTML returns the page. A gallery without a title, a table whose rows differ in length from
// its head, and a picture of another size or format than it says are errors that name the place.
func (g Gallery) HTML() ([]byte, error) {
	sum := sha256.Sum256([]byte(galleryScript))
	data := galleryData{Gallery: g, Style: template.CSS(styleText + galleryStyle), Script: template.JS(galleryScript),
		ScriptHash: template.HTMLAttr("sha256-" + base64.StdEncoding.EncodeToString(sum[:]))}
	err := g.check()
	for i := 0; i < len(g.Pictures) && err == nil; i++ {
		p := galleryPicture{Picture: g.Pictures[i]}
		if p.Source, err = p.source(); err != nil {
			err = fmt.Errorf("picture %d %q: %w", i, p.Title, err)
		}
		data.Pictures = append(data.Pictures, p)
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
	return nil
}

// source is the whole attribute; see [picture]. Only the head of the file is looked at: pictures
// are many.
func (p Picture) source() (template.HTMLAttr, error) {
	if len(p.JPEG) == 0 {
		if empty(p.Fault) {
			return "", errors.New("neither JPEG nor fault")
		}
		return "", nil
	}
	config, err := jpeg.DecodeConfig(bytes.NewReader(p.JPEG))
	if err != nil {
		return "", fmt.Errorf("decode JPEG: %w", err)
	}
	if config.Width != p.Width || config.Height != p.Height {
		return "", fmt.Errorf("the JPEG has %dx%d pixels, not %dx%d", config.Width, config.Height, p.Width, p.Height)
	}
	return template.HTMLAttr(`src="data:image/jpeg;base64,` + base64.StdEncoding.EncodeToString(p.JPEG) + `"`), nil
}
