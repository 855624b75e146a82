package report_test

import (
	"strings"
	"testing"

	"semidavil/transforms/report"
)

func svgPage(body string) report.Document {
	return report.Document{Title: "t", Sections: []report.Section{{Title: "s", Figures: []report.Figure{{Alt: "a picture", SVG: []byte(body)}}}}}
}

// TestVector puts plain drawings inline and all others into an image.
func TestVector(t *testing.T) {
	const open, end = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9">`, "</svg>"
	for _, c := range []struct {
		name, body string
		inline     bool
	}{
		{"shapes", open + `<title>a&lt;b&gt;</title><g transform="rotate(1)"><rect width="1" height="2"><title>x</title></rect></g>` + end, true},
		{"sheet", open + "<style>@media screen and (prefers-color-scheme:dark){.chart-ink{fill:#ffffff}}</style>" + end, true},
		{"free label", strings.Replace(open, "viewBox", `aria-label="see url(x)" viewBox`, 1) + end, true},
		{"script", open + "<script>alert(1)</script>" + end, false},
		{"handler", open + `<rect onclick="alert(1)"/>` + end, false},
		{"reference", open + `<a href="javascript:alert(1)"><text>x</text></a>` + end, false},
		{"foreign", open + `<foreignObject><p xmlns="http://www.w3.org/1999/xhtml">x</p></foreignObject>` + end, false},
		{"paint", open + `<rect fill="url(#p)"/>` + end, false},
		{"identity", open + `<rect id="section-1"/>` + end, false},
		{"element in title", open + `<title><g/></title>` + end, false},
		{"comment", open + "<!-- x -->" + end, false},
		{"section", open + "<text><![CDATA[</svg><form>]]></text>" + end, false},
		{"declaration", `<?xml version="1.0"?>` + open + end, false},
		{"other space", open + `<p xmlns="http://www.w3.org/1999/xhtml"/>` + end, false},
		{"prefix", `<s:svg xmlns:s="http://www.w3.org/2000/svg"><s:rect/></s:svg>`, false},
		{"wide sheet", open + "<style>body{display:none}</style>" + end, false},
		{"wide rule", open + "<style>@media screen{.chart-ink{fill:#fff}.lead{fill:#fff}}</style>" + end, false},
		{"overlay", strings.Replace(open, "viewBox", `style="position:fixed" viewBox`, 1) + end, false},
	} {
		page := html(t, svgPage(c.body))
		if got := strings.Contains(page, c.body); got != c.inline {
			t.Errorf("%s: inline is %v, want %v", c.name, got, c.inline)
		}
		if got := strings.Contains(page, `<img src="data:image/svg+xml;base64,`); got == c.inline {
			t.Errorf("%s: image is %v, want %v", c.name, got, !c.inline)
		}
		if !strings.Contains(page, `"a picture"`) {
			t.Errorf("%s: no alt text", c.name)
		}
	}
}

// FuzzVector lets no script, handler or break-out through, whatever the bytes.
func FuzzVector(f *testing.F) {
	f.Add(`<svg xmlns="http://www.w3.org/2000/svg"><title>a</title><rect x="1"/></svg>`)
	f.Add(`<svg xmlns="http://www.w3.org/2000/svg"><style>@media print{.chart-a{fill:#0}}</style></svg>`)
	f.Add(`<svg xmlns="http://www.w3.org/2000/svg"><script/><a onclick="b"/></svg>`)
	f.Add(`<svg xmlns='http://www.w3.org/2000/svg'><text>&amp;]]&gt;<tspan/></text></svg> `)
	f.Fuzz(func(t *testing.T, body string) {
		out, err := svgPage(body).HTML()
		if err != nil {
			return
		}
		page := strings.ToLower(string(out))
		for _, bad := range []string{"<script", "<iframe", "<!--", "<![", "<foreignobject", "<form", "<body>\n<svg"} {
			if strings.Contains(page, bad) {
				t.Errorf("page contains %q from %q", bad, body)
			}
		}
		if strings.Count(page, "</html>") != 1 {
			t.Errorf("page is torn by %q", body)
		}
	})
}
