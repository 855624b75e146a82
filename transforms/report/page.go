package report

import (
	_ "embed"
	"errors"
	"fmt"
	"html/template"
	"strings"
)

//go:embed page.html
var pageText string

//go:embed style.css
var styleText string

var page = template.Must(template.New("page").Parse(pageText))

// The types below are what page.html is filled with: checked, and with pictures
// as data.

type pageData struct {
	Document
	Style    template.CSS
	Sections []pageSection
}

type pageSection struct {
	ID string
	Section
	Figures []pageFigure
	Cards   []pageCard
}

type pageFigure struct {
	Caption string
	SVG     template.HTML
}

type pageCard struct {
	Title, Caption string
	Tiles          []pageTile
}

type pageTile struct {
	Label string
	Photo bool
	picture
}

func empty(s string) bool { return strings.TrimSpace(s) == "" }

func (d Document) prepare() (pageData, error) {
	data := pageData{Document: d, Style: template.CSS(styleText)}
	if empty(d.Title) {
		return data, errors.New("no title")
	}
	for i, f := range d.Facts {
		if empty(f.Label) {
			return data, fmt.Errorf("fact %d: no label", i)
		}
	}
	for i, s := range d.Sections {
		if empty(s.Title) {
			return data, fmt.Errorf("section %d: no title", i)
		}
		section, err := s.prepare()
		if err != nil {
			return data, fmt.Errorf("section %q: %w", s.Title, err)
		}
		section.ID = fmt.Sprintf("section-%d", i+1)
		data.Sections = append(data.Sections, section)
	}
	return data, nil
}

func (s Section) prepare() (pageSection, error) {
	out := pageSection{Section: s}
	for i, t := range s.Tables {
		if err := t.check(); err != nil {
			return out, fmt.Errorf("table %d %q: %w", i, t.Caption, err)
		}
	}
	for i, f := range s.Figures {
		if empty(f.Caption) || len(f.SVG) == 0 {
			return out, fmt.Errorf("figure %d %q: want a caption and an SVG document", i, f.Caption)
		}
		out.Figures = append(out.Figures, pageFigure{f.Caption, template.HTML(f.SVG)})
	}
	for i, w := range s.Legend {
		if empty(w.Name) {
			return out, fmt.Errorf("legend: colour %d: no name", i)
		}
	}
	for i, c := range s.Cards {
		card := pageCard{Title: c.Title, Caption: c.Caption}
		for k, t := range c.Tiles {
			tile, err := t.prepare()
			if err != nil {
				return out, fmt.Errorf("card %d %q: tile %d %q: %w", i, c.Title, k, t.Label, err)
			}
			card.Tiles = append(card.Tiles, tile)
		}
		out.Cards = append(out.Cards, card)
	}
	return out, nil
}

func (t Table) check() error {
	if len(t.Head) == 0 {
		return errors.New("no head")
	}
	if len(t.Colors) != 0 && len(t.Colors) != len(t.Rows) {
		return fmt.Errorf("%d colours of %d rows", len(t.Colors), len(t.Rows))
	}
	for i, row := range t.Rows {
		if len(row) != len(t.Head) {
			return fmt.Errorf("row %d: %d cells below %d heads", i, len(row), len(t.Head))
		}
	}
	return nil
}

func (t Tile) prepare() (pageTile, error) {
	out := pageTile{Label: t.Label, Photo: t.Photo}
	alt := t.Alt
	if empty(alt) {
		alt = t.Label
	}
	if empty(alt) {
		return out, errors.New("neither alt text nor label")
	}
	var err error
	out.picture, err = pngPicture(t.PNG, alt)
	return out, err
}
