package report_test

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"hash/crc32"
	"regexp"
	"strings"
	"testing"

	"semidavil/transforms/report"
)

func html(t testing.TB, d report.Document) string {
	t.Helper()
	out, err := d.HTML()
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

func TestHTML(t *testing.T) {
	d := sample(t)
	page := html(t, d)
	if again := html(t, sample(t)); again != page {
		t.Error("two pages of the same document differ")
	}
	for what, n := range map[string]int{
		`<meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:; style-src 'unsafe-inline'">`: 1,
		`<meta name="viewport"`: 1, "<h1>": 1, "<h2 ": 4, "<h3>": 3, "<svg ": 5, "<img ": 15, `class="tile"`: 9, `class="tile photo"`: 6,
		`width="256" height="128"`: 15, `alt="label map of the annotators"`: 3, `alt="prediction"`: 3, `<th scope="col">`: 7, `<th scope="row">`: 19,
		`<a href="#section-3">Pseudo-labels</a>`: 1, `<section id="section-3"`: 1, `style="background:#804080"`: 2, "ZgotmplZ": 0, "<script": 0,
		"<dt>mean IoU</dt><dd>62.1%</dd>": 1, `data:image/png;base64,` + base64.StdEncoding.EncodeToString(d.Sections[3].Cards[0].Tiles[0].PNG): 1,
	} {
		if got := strings.Count(page, what); got != n {
			t.Errorf("%d times %.60q, want %d", got, what, n)
		}
	}
	loads(t, page)
}

// loads checks that a page names nothing outside itself.
func loads(t *testing.T, page string) {
	t.Helper()
	rest := strings.ReplaceAll(page, `xmlns="http://www.w3.org/2000/svg"`, "")
	for _, bad := range []string{"http:", "https:", "url(", "@import", "<link", "<script", "<iframe", "<object"} {
		if strings.Contains(rest, bad) {
			t.Errorf("page contains %q", bad)
		}
	}
	for _, m := range regexp.MustCompile(`(?:src|href)="([^"]{0,30})`).FindAllStringSubmatch(rest, -1) {
		if !strings.HasPrefix(m[1], "data:image/") && !strings.HasPrefix(m[1], "#") {
			t.Errorf("page loads %q", m[1])
		}
	}
}

const drawing = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 1 1"/>`

func TestEscape(t *testing.T) {
	const evil = `<b>&"'</style></script><script>`
	tile := tilePNG(t, "truth", 0)
	page := html(t, report.Document{Title: evil, Lead: evil, Facts: []report.Fact{{evil, evil}}, Sections: []report.Section{{
		Title: evil, Text: []string{evil}, Tables: []report.Table{{Caption: evil, Head: []string{evil}, Rows: [][]string{{evil}}}},
		Figures: []report.Figure{{Caption: evil, SVG: []byte(drawing)}}, Legend: []report.Swatch{{Name: evil}},
		Cards: []report.Card{{Title: evil, Caption: evil, Tiles: []report.Tile{{Label: evil, Alt: evil, PNG: tile}}}},
	}}})
	if strings.Contains(page, "<b>") || strings.Contains(page, "<script") {
		t.Error("a text is not escaped")
	}
	if n := strings.Count(page, "&lt;b&gt;&amp;&#34;"); n != 19 {
		t.Errorf("%d escaped texts, want 19", n)
	}
}

func TestErrors(t *testing.T) {
	good := tilePNG(t, "truth", 0)
	section := func(s report.Section) report.Document {
		s.Title = "s"
		return report.Document{Title: "t", Sections: []report.Section{s}}
	}
	figure := func(f report.Figure) report.Document { return section(report.Section{Figures: []report.Figure{f}}) }
	tile := func(t report.Tile) report.Document {
		return section(report.Section{Cards: []report.Card{{Title: "c", Tiles: []report.Tile{t}}}})
	}
	table := func(t report.Table) report.Document { return section(report.Section{Tables: []report.Table{t}}) }
	huge := bytes.Clone(good)
	copy(huge[16:24], "\x00\xff\xff\xff\x00\xff\xff\xff")
	binary.BigEndian.PutUint32(huge[29:], crc32.ChecksumIEEE(huge[12:29]))
	for _, c := range []struct {
		want string
		d    report.Document
	}{
		{"no title", report.Document{Title: " "}},
		{"section 0: no title", report.Document{Title: "t", Sections: make([]report.Section, 1)}},
		{"fact 0: no label", report.Document{Title: "t", Facts: make([]report.Fact, 1)}},
		{`section "s": table 0 "x": row 1: 1 cells below 2 heads`, table(report.Table{Caption: "x", Head: []string{"a", "b"}, Rows: [][]string{{"1", "2"}, {"3"}}})},
		{"1 colours of 2 rows", table(report.Table{Head: []string{"a"}, Rows: [][]string{{"1"}, {"2"}}, Colors: make([]report.Color, 1)})},
		{"no head", table(report.Table{Rows: [][]string{{}}})},
		{`section "s": figure 0 "x": want a caption and an SVG document`, figure(report.Figure{Caption: "x"})},
		{"want a caption", figure(report.Figure{SVG: []byte(drawing)})},
		{"decode PNG", tile(report.Tile{Label: "x", PNG: []byte(drawing)})},
		{"decode PNG", tile(report.Tile{Label: "x", PNG: good[:len(good)-20]})},
		{"decode PNG: 16777215x16777215 pixels, want at most", tile(report.Tile{Label: "x", PNG: huge})},
		{`card 0 "c": tile 0 "x": no PNG`, tile(report.Tile{Label: "x"})},
		{"neither alt text nor label", tile(report.Tile{PNG: good})},
		{"legend: colour 0: no name", section(report.Section{Legend: make([]report.Swatch, 1)})},
	} {
		if _, err := c.d.HTML(); err == nil || !strings.HasPrefix(err.Error(), "report: write ") || !strings.Contains(err.Error(), c.want) {
			t.Errorf("error %v, want %q", err, c.want)
		}
	}
}
