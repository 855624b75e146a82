package report_test

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"math"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"semidavil"
	"semidavil/transforms/metrics"
	"semidavil/transforms/report"
)

// outcome is a gallery of 150 pictures of every kind: picture i has caption i modulo 7 and class i modulo 3.
func outcome(t testing.TB) report.Gallery {
	t.Helper()
	var b bytes.Buffer
	if err := jpeg.Encode(&b, image.NewGray(image.Rect(0, 0, 32, 16)), nil); err != nil {
		t.Fatal(err)
	}
	g := report.Gallery{Title: "Images", Scores: []string{"mIoU", "share kept"}, Words: []report.Word{{Text: "bus", Images: 2}}}
	for i := range 3 {
		g.Classes = append(g.Classes, report.Swatch{Name: fmt.Sprint("class ", i), Color: [3]uint8{uint8(100 * i), 40, 200}})
	}
	for i := range 150 {
		p := report.Picture{Title: fmt.Sprintf("city/%03d.png", i), Key: fmt.Sprint("key", i), Caption: fmt.Sprintf("</script> a <b>bus</b> & %d cars", i%7), JPEG: b.Bytes(), Width: 32, Height: 16,
			Subset: []string{"val", "labelled"}[i%2], Shares: []report.Share{{Class: i % 3, Share: float64(i+1) / 150}}, Scores: []metrics.Fraction{metrics.Fraction(math.Mod(float64(i)*0.37, 1)), metrics.Fraction(math.NaN())}}
		layer, err := report.NewLayer("label", 4, 2, []uint8{0, 1, 2, 255, 0, 1, 2, 0}, [][3]uint8{{1, 2, 3}, {4, 5, 6}, {7, 8, 9}}, 4)
		if err != nil {
			t.Fatal(err)
		}
		p.Layers = []report.Layer{layer}
		g.Pictures = append(g.Pictures, p)
	}
	g.Pictures = append(g.Pictures, report.Picture{Title: "bad.png", Fault: "read: no picture", Reject: "no picture"})
	return g
}

// TestGalleryData reads the data of a page back, whatever stands in the texts.
func TestGalleryData(t *testing.T) {
	g := outcome(t)
	page, err := g.HTML()
	if err != nil {
		t.Fatal(err)
	}
	got, err := report.ReadPictures(page)
	if err != nil || len(got) != len(g.Pictures) {
		t.Fatal(len(got), err)
	}
	for i, want := range g.Pictures {
		for k := range want.Scores { // NaN is not equal to itself
			if fmt.Sprint(got[i].Scores) != fmt.Sprint(want.Scores) {
				t.Errorf("score %d of %d: %v, want %v", k, i, got[i].Scores, want.Scores)
			}
		}
		got[i].Scores, want.Scores = nil, nil
		if !reflect.DeepEqual(got[i], want) {
			t.Errorf("%+v, want %+v", got[i], want)
		}
	}
	if n := strings.Count(string(page), "</script>"); n != 2 {
		t.Errorf("%d scripts end, want 2", n)
	}
	if _, err := report.ReadPictures([]byte("<html>")); err == nil {
		t.Error("any page is a gallery")
	}
}

func TestGalleryFaults(t *testing.T) {
	for want, change := range map[string]func(g *report.Gallery){
		"1 scores of 2": func(g *report.Gallery) { g.Pictures[3].Scores = g.Pictures[3].Scores[:1] },
		"class 3 of 3":  func(g *report.Gallery) { g.Pictures[3].Shares[0].Class = 3 },
	} {
		g := outcome(t)
		change(&g)
		if _, err := g.HTML(); err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), `picture 3 "city/003.png"`) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}

// TestLayer: every pixel is the value whose place is nearest to its middle, in its colour.
func TestLayer(t *testing.T) {
	colours := [][3]uint8{{1, 2, 3}, {40, 50, 60}, {200, 0, 9}}
	for _, size := range [][3]int{{7, 5, 5}, {8, 4, 4}, {3, 9, 9}, {3, 9, 20}, {1, 40, 8}} {
		w, h := size[0], size[1]
		pix := make([]uint8, w*h)
		for i := range pix {
			pix[i] = []uint8{0, 1, 2, semidavil.Ignore}[i*7%11%4]
		}
		l, err := report.NewLayer("x", w, h, pix, colours, size[2])
		if err != nil {
			t.Fatal(err)
		}
		m, err := png.Decode(bytes.NewReader(l.PNG))
		if err != nil {
			t.Fatal(err)
		}
		b := m.Bounds()
		if most := max(b.Dx(), b.Dy()); most != min(size[2], max(w, h)) {
			t.Errorf("%v: %v", size, b)
		}
		for y := range b.Dy() {
			for x := range b.Dx() {
				sx, sy := int((float64(x)+0.5)*float64(w)/float64(b.Dx())), int((float64(y)+0.5)*float64(h)/float64(b.Dy()))
				want := color.NRGBA{}
				if v := pix[sy*w+sx]; v < 3 {
					want = color.NRGBA{colours[v][0], colours[v][1], colours[v][2], 255}
				}
				if got := color.NRGBAModel.Convert(m.At(x, y)); got != want {
					t.Errorf("%v: %v at %d, %d, want %v", size, got, x, y, want)
				}
			}
		}
	}
	if _, err := report.NewLayer("x", 2, 2, make([]uint8, 3), colours, 5); err == nil {
		t.Error("a pixel is missing")
	}
}

// drive opens the gallery as a reader does, in frames, and writes what each step shows.
const drive = `<!DOCTYPE html><body><script>
const say = text => document.body.append(Object.assign(document.createElement('p'), { textContent: '[' + text + ']' }))
for (const w of [320, 390, 1400]) {
  const f = document.createElement('iframe')
  f.style = 'border:0;height:844px;width:' + w + 'px'
  f.onload = () => {
    const d = f.contentDocument, by = id => d.getElementById(id)
    const shown = () => [...d.querySelectorAll('.picture small')].map(s => s.textContent.replace(/\D/g, ''))
    const set = (id, value, kind = 'change') => {
      by(id).value = value
      by(id).dispatchEvent(new f.contentWindow.Event(kind))
    }
    const step = name => say(w + ' ' + name + ': ' + by('count').textContent + '; ' + shown().slice(0, 3) + '; ' + [...d.images].filter(i => i.src && i.complete && !i.naturalWidth).length + ' broken')
    say(w + ' page ' + d.documentElement.scrollWidth + ' drawn first ' + (shown().length < 151))
    step('all')
    set('order', 'score0')
    step('worst')
    d.querySelectorAll('#classes button')[1].click()
    step('class 1')
    set('order', 'share')
    step('most of it')
    set('find', 'bus 3 -key10', 'input')
    step('words')
    set('which', 'subsetval')
    step('val')
    d.querySelectorAll('#classes button')[1].click()
    set('find', '', 'input')
    set('which', 'rejectsno picture')
    step('rejects')
    set('which', 'all')
    d.querySelector('.stack').click()
    say(w + ' large ' + by('large').open + ' ' + by('large').querySelectorAll('img').length + ' ' + by('large').textContent.includes('class 0 0.7 %') + ' wide ' + d.documentElement.scrollWidth)
  }
  f.src = 'gallery.html'
  document.body.append(f)
}
</script></body>`

// TestGalleryScript filters and orders in a browser, and compares with plain loops.
func TestGalleryScript(t *testing.T) {
	if testing.Short() {
		t.Skip("a browser takes seconds; not in -short")
	}
	browser := chromium(t)
	g := outcome(t)
	page, err := g.HTML()
	if err != nil {
		t.Fatal(err)
	}
	_, dom := driven(t, browser, "gallery.html", string(page), drive)
	var got []string
	for _, m := range regexp.MustCompile(`<p>\[(.*?)\]</p>`).FindAllStringSubmatch(dom, -1) {
		got = append(got, m[1])
	}
	// Picture i has score 0.37 i modulo 1, share (i + 1)/150 of class i modulo 3, and i modulo 7 cars.
	for _, w := range []int{320, 390, 1400} {
		for _, want := range []string{"page WIDTH drawn first true", "all: 150 of 151 images; 000,001,002; 0 broken", "worst: 150 of 151 images; 000,100,073; 0 broken",
			"class 1: 50 of 151 images; 100,073,046; 0 broken", "most of it: 50 of 151 images; 148,145,142; 0 broken", "words: 6 of 151 images; 136,115,094; 0 broken",
			"val: 3 of 151 images; 136,094,052; 0 broken", "rejects: 1 of 151 images; ; 0 broken", "large true 2 true wide WIDTH"} {
			if want = strings.ReplaceAll("WIDTH "+want, "WIDTH", fmt.Sprint(w)); !slices.Contains(got, want) {
				t.Errorf("no %q in\n%s", want, strings.Join(got, "\n"))
			}
		}
	}
	if dir := os.Getenv("SEMIDAVIL_CHARTS"); dir != "" {
		if err := os.WriteFile(dir+"/gallery.html", page, 0o644); err != nil {
			t.Fatal(err)
		}
	}
}
