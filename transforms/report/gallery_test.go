package report_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"semidavil"
	"semidavil/transforms/pixels"
	"semidavil/transforms/report"
)

// gallery has n pictures with captions, some of them repeated, and one that cannot be shown.
func gallery(t testing.TB, n int) report.Gallery {
	t.Helper()
	g := report.Gallery{Title: "Captions", Lead: "of some images", Facts: []report.Fact{{Label: "captions", Value: "7"}}, Note: "all of them",
		Words: []report.Word{{Text: "street", Images: n}, {Text: "car", Images: 3}}, Tables: []report.Table{{Caption: "Rejects", Head: []string{"image", "reason"}, Rows: [][]string{{"x.png", "broken"}}}}}
	for i := range n {
		m := semidavil.NewImage(64, 32)
		for k := range m.Pix {
			m.Pix[k] = uint8(k*(i+1)/30 + 40*i)
		}
		jpeg, err := pixels.EncodeJPEG(nil, m, 70)
		if err != nil {
			t.Fatal(err)
		}
		p := report.Picture{Title: fmt.Sprintf("day/%03d.png", i), Caption: fmt.Sprintf("a street with number %d", i), Images: 1, JPEG: jpeg, Width: 64, Height: 32}
		switch {
		case i%3 == 0:
			p.Caption, p.Images = "a street & a red car", (n+2)/3
		case i == 1:
			p.JPEG, p.Fault, p.Mark = nil, "no picture", "class names"
		}
		g.Pictures = append(g.Pictures, p)
	}
	return g
}

func galleryPage(t testing.TB, g report.Gallery) string {
	t.Helper()
	page, err := g.HTML()
	if err != nil {
		t.Fatal(err)
	}
	return string(page)
}

func TestGallery(t *testing.T) {
	page := galleryPage(t, gallery(t, 7))
	if again := galleryPage(t, gallery(t, 7)); again != page {
		t.Error("two pages of the same gallery differ")
	}
	for what, n := range map[string]int{
		`"title":"day/`: 7, `"jpeg":"`: 6, `"width":64,"height":32`: 7, `"fault":"no picture"`: 1, `"mark":"class names"`: 1, `"images":3`: 3,
		`a street \u0026 a red car`: 3, `data-word="car"`: 1, "<script>": 1, "default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'sha256-": 1,
		`<th scope="row">x.png</th>`: 1, "ZgotmplZ": 0,
	} {
		if got := strings.Count(page, what); got != n {
			t.Errorf("%d times %q, want %d", got, what, n)
		}
	}
	for _, bad := range []string{"http:", "https:", "url(", "@import", "<link", "<iframe"} {
		if strings.Contains(page, bad) {
			t.Errorf("the page contains %q", bad)
		}
	}
	const evil = `<b>&"'</style></script><script>`
	g := gallery(t, 2)
	g.Title, g.Lead, g.Note, g.Words[0].Text = evil, evil, evil, evil
	g.Pictures[0].Title, g.Pictures[0].Caption, g.Pictures[0].Mark, g.Pictures[1].Fault = evil, evil, evil, evil
	if page := galleryPage(t, g); strings.Contains(page, "<b>") || strings.Count(page, "<script>") != 1 {
		t.Error("a text is not escaped")
	}
}

func TestGalleryErrors(t *testing.T) {
	for want, change := range map[string]func(*report.Gallery){
		"no title":                     func(g *report.Gallery) { g.Title = " " },
		"fact 0: no label":             func(g *report.Gallery) { g.Facts[0].Label = "" },
		"1 cells below 2 heads":        func(g *report.Gallery) { g.Tables[0].Rows[0] = []string{"x"} },
		`picture 0 "day/000.png": the`: func(g *report.Gallery) { g.Pictures[0].Width++ },
		"decode JPEG":                  func(g *report.Gallery) { g.Pictures[0].JPEG = []byte("no picture") },
		"neither JPEG nor fault":       func(g *report.Gallery) { g.Pictures[1].Fault = "" },
	} {
		g := gallery(t, 2)
		change(&g)
		if _, err := g.HTML(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}

// skim uses the page as a reader does, and writes what it finds into its own document.
const skim = `<!DOCTYPE html><body><script>
for (const w of [320, 390, 1400]) {
  const f = document.createElement('iframe')
  f.style = 'border:0;height:844px;width:' + w + 'px'
  f.onload = () => {
    const d = f.contentDocument, out = document.createElement('p')
    const shown = () => [...d.querySelectorAll('.picture')].filter(p => !p.hidden)
    const find = text => { d.getElementById('find').value = text; d.getElementById('find').dispatchEvent(new f.contentWindow.Event('input')); return shown().length }
    const found = ['', 'car', 'Street number', 'red -street', '-car', 'day 003', 'zebra'].map(find)
    d.querySelector('[data-word=car]').click()
    found.push(shown().length)
    find('')
    d.getElementById('order').value = 'repeated'
    d.getElementById('order').dispatchEvent(new f.contentWindow.Event('change'))
    out.textContent = 'width ' + w + ' page ' + d.documentElement.scrollWidth + ' found ' + found + ' first ' + shown()[0].querySelector('figcaption').firstChild.data.trim() + '; ' + d.getElementById('count').textContent + '.'
    document.body.append(out)
  }
  f.src = 'captions.html'
  document.body.append(f)
}
</script></body>`

// TestGalleryInChromium finds and orders pictures on a desk and on a phone. SEMIDAVIL_CHARTS
// names a folder to keep the page in.
func TestGalleryInChromium(t *testing.T) {
	if testing.Short() {
		t.Skip("a browser takes seconds; not in -short")
	}
	browser := chromium(t)
	page := galleryPage(t, gallery(t, 9))
	_, dom := driven(t, browser, "captions.html", page, skim)
	found := regexp.MustCompile(`<p>width (\d+) page (\d+) found ([0-9,]+) first (.*?); ([^;.]*)\.</p>`).FindAllStringSubmatch(dom, -1)
	if len(found) != 3 {
		t.Fatalf("%d reports, want 3:\n%.3000s", len(found), dom)
	}
	for _, m := range found {
		if m[1] != m[2] {
			t.Errorf("the page is %s wide in a frame of %s: it scrolls sideways", m[2], m[1])
		}
		if m[3] != "9,3,6,0,6,1,0,3" || m[4] != "a street &amp; a red car" || m[5] != "9 images" {
			t.Errorf("width %s: found %s, first %q, %q", m[1], m[3], m[4], m[5])
		}
	}
	if dir := os.Getenv("SEMIDAVIL_CHARTS"); dir != "" {
		if err := os.WriteFile(filepath.Join(dir, "captions.html"), []byte(page), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}
