package report_test

import (
	"bytes"
	"context"
	"fmt"
	"image"
	"image/png"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"testing"
	"time"
)

// chromium returns the path of a browser, or skips the test.
func chromium(t *testing.T) string {
	t.Helper()
	if path := os.Getenv("SEMIDAVIL_CHROMIUM"); path != "" {
		return path
	}
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	t.Skip("no chromium, chromium-browser or google-chrome in PATH, and SEMIDAVIL_CHROMIUM is not set")
	return ""
}

func browse(t *testing.T, browser string, arguments ...string) []byte {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	all := append([]string{"--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars", "--no-first-run", "--user-data-dir=" + t.TempDir()}, arguments...)
	cmd := exec.CommandContext(ctx, browser, all...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s: %v\n%s", browser, err, stderr.Bytes())
	}
	return out
}

// driven opens a script beside the page of that name, and returns the server of both and what the
// script wrote into its own document.
func driven(t *testing.T, browser, name, page, script string) (server *httptest.Server, dom string) {
	t.Helper()
	mux := http.NewServeMux()
	mux.HandleFunc("/"+name, func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, page) })
	mux.HandleFunc("/script.html", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, script) })
	server = httptest.NewServer(mux)
	t.Cleanup(server.Close)
	return server, string(browse(t, browser, "--window-size=1500,1000", "--virtual-time-budget=10000", "--dump-dom", server.URL+"/script.html"))
}

// measure opens the page in frames of several widths, the way that a phone does,
// and writes what it finds into its own document. The frames have the page's
// policy; only the measuring page may run a script.
const measure = `<!DOCTYPE html><body><script>
const widths = [320, 390, 768, 1280]
for (const w of widths) {
  const f = document.createElement('iframe')
  f.style = 'border:0;height:844px;width:' + w + 'px'
  f.onload = () => {
    const d = f.contentDocument, out = document.createElement('p')
    const broken = [...d.images].filter(i => !i.complete || !i.naturalWidth).length
    const scale = Math.min(...[...d.querySelectorAll('svg')].map(s => s.getBoundingClientRect().width / s.viewBox.baseVal.width))
    const wide = [...d.querySelectorAll('.scroll')].filter(s => s.scrollWidth > s.clientWidth)
    const hinted = wide.filter(s => getComputedStyle(s).backgroundAttachment.startsWith('local, local, scroll') && (!s.matches('.plot') || w > 732 || getComputedStyle(s, '::before').content.includes('swipe')))
    out.textContent = 'width ' + w + ' page ' + d.documentElement.scrollWidth + ' images ' + d.images.length + ' broken ' + broken + ' scale ' + Math.round(scale * 100) + ' wide ' + wide.length + ' hinted ' + hinted.length + ' rendering ' + getComputedStyle(d.querySelector('.tile:not(.photo) img')).imageRendering + '.'
    document.body.append(out)
  }
  f.src = 'report.html'
  document.body.append(f)
}
</script></body>`

// TestChromium renders the sample on a desk and on a phone. SEMIDAVIL_CHARTS names
// a folder to keep the page and its pictures in.
func TestChromium(t *testing.T) {
	if testing.Short() {
		t.Skip("a browser takes seconds; not in -short")
	}
	browser := chromium(t)
	page := html(t, sample(t))
	server, dom := driven(t, browser, "report.html", page, measure)
	found := regexp.MustCompile(`width (\d+) page (\d+) images (\d+) broken (\d+) scale (\d+) wide (\d+) hinted (\d+) rendering ([a-z-]+)\.`).FindAllStringSubmatch(dom, -1)
	if len(found) != 4 {
		t.Fatalf("%d measurements, want 4:\n%.2000s", len(found), dom)
	}
	for _, m := range found {
		width, _ := strconv.Atoi(m[1])
		if scroll, _ := strconv.Atoi(m[2]); scroll != width {
			t.Errorf("the page is %d wide in a frame of %d: it scrolls sideways", scroll, width)
		}
		if m[3] != "15" || m[4] != "0" {
			t.Errorf("%s images, %s of them broken, want 15 and 0", m[3], m[4])
		}
		if scale, _ := strconv.Atoi(m[5]); scale < 95 {
			t.Errorf("a chart is scaled to %d%% in a frame of %d: too small to read", scale, width)
		}
		if m[6] != m[7] || width < 400 && m[6] != "6" {
			t.Errorf("%s boxes scroll in a frame of %d, and %s say so", m[6], width, m[7])
		}
		if m[8] != "pixelated" {
			t.Errorf("label tiles are drawn %s", m[8])
		}
	}

	dir := os.Getenv("SEMIDAVIL_CHARTS")
	if dir == "" {
		dir = t.TempDir()
	}
	if err := os.WriteFile(filepath.Join(dir, "report.html"), []byte(page), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, size := range [][2]int{{1280, 2000}, {390, 844}} {
		shot := filepath.Join(dir, fmt.Sprintf("report%d.png", size[0]))
		browse(t, browser, fmt.Sprintf("--window-size=%d,%d", size[0], size[1]), "--screenshot="+shot, server.URL+"/report.html")
		data, err := os.ReadFile(shot)
		if err != nil {
			t.Fatal(err)
		}
		m, err := png.Decode(bytes.NewReader(data))
		if err != nil {
			t.Fatal(err)
		}
		if m.Bounds().Dx() != size[0] || m.Bounds().Dy() != size[1] {
			t.Errorf("picture of %v, want %v", m.Bounds(), size)
		}
		if colors, most := variety(m); colors < 50 || most > 0.98 {
			t.Errorf("%v: %d colours, %.1f%% of the picture is one: blank", size, colors, 100*most)
		}
	}
}

// variety returns the number of colours and the share of the most frequent one.
func variety(m image.Image) (colors int, most float64) {
	count := map[[3]uint32]int{}
	b := m.Bounds()
	for y := b.Min.Y; y < b.Max.Y; y++ {
		for x := b.Min.X; x < b.Max.X; x++ {
			r, g, bl, _ := m.At(x, y).RGBA()
			count[[3]uint32{r, g, bl}]++
		}
	}
	n := 0
	for _, c := range count {
		n = max(n, c)
	}
	return len(count), float64(n) / float64(b.Dx()*b.Dy())
}
