package sheet

import (
	"bytes"
	"image"
	"image/png"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"semidavil"
	"semidavil/transforms/datasets/minicity"
	"semidavil/transforms/labels"
	"semidavil/transforms/pixels/fastpng"
)

// noisy returns a prediction that is wrong in spots and at the edges, with its
// confidence, and a pseudo-label that ignores what is not confident.
func noisy(rng *rand.Rand, truth *semidavil.LabelMap, k int) (prediction, pseudo *semidavil.LabelMap, confidence []float32) {
	prediction, pseudo = semidavil.NewLabelMap(truth.W, truth.H), semidavil.NewLabelMap(truth.W, truth.H)
	confidence = make([]float32, len(truth.Pix))
	type spot struct{ x, y, r, class int }
	var spots []spot
	for range 12 {
		spots = append(spots, spot{rng.IntN(truth.W), rng.IntN(truth.H), 1 + rng.IntN(truth.H/6), rng.IntN(k)})
	}
	last := uint8(0)
	for y := range truth.H {
		for x := range truth.W {
			i := y*truth.W + x
			if truth.Pix[i] != semidavil.Ignore {
				last = truth.Pix[i]
			}
			prediction.Pix[i], confidence[i] = last, 1
			for _, s := range spots {
				d := math.Hypot(float64(x-s.x), float64(y-s.y)) / float64(s.r)
				if d < 1 {
					prediction.Pix[i] = uint8(s.class)
				}
				confidence[i] *= float32(1 - 0.8*math.Exp(-4*(d-1)*(d-1)))
			}
			if pseudo.Pix[i] = prediction.Pix[i]; confidence[i] < 0.7 {
				pseudo.Pix[i] = semidavil.Ignore
			}
		}
	}
	return prediction, pseudo, confidence
}

// scenes returns MiniCity samples of a size with made-up predictions.
func scenes(t testing.TB, n, w, h int) []Sample {
	t.Helper()
	rng := rand.New(rand.NewPCG(1, 1))
	var out []Sample
	for i := range n {
		img, ids, caption := minicity.NewScene(7, semidavil.Target, i).Render(w, h)
		truth := semidavil.NewLabelMap(w, h)
		raster := fastpng.IDs{W: ids.W, H: ids.H, Kind: fastpng.Gray, Depth: 8, Pix8: ids.Pix}
		if err := labels.Remap(truth, raster, labels.CityscapesIDs()); err != nil {
			t.Fatal(err)
		}
		prediction, pseudo, confidence := noisy(rng, truth, 19)
		out = append(out, Sample{Name: "val/scene_" + string(rune('0'+i)), Caption: caption, Image: img, Truth: truth, Prediction: prediction, Pseudo: pseudo, Confidence: confidence})
	}
	return out
}

// TestSheets draws sheets of several kinds. SEMIDAVIL_SHEETS names a folder to
// look at them.
func TestSheets(t *testing.T) {
	set := semidavil.Cityscapes19
	all := scenes(t, 3, 256, 128)
	all[1].Caption = strings.Repeat("a street in the rain with cars, people and a very long description, ", 12)
	all[2].Truth, all[2].Pseudo = nil, nil
	plain := scenes(t, 2, 128, 64)
	for i := range plain {
		plain[i].Pseudo, plain[i].Confidence = nil, nil
	}
	large := scenes(t, 2, 600, 600)
	mixed := scenes(t, 2, 256, 128)
	tall := scenes(t, 1, 64, 128)
	mixed = append(mixed, tall...)
	mixed[1].Image, mixed[1].Name = semidavil.NewImage(512, 256), ""
	mixed[1].Caption = "Ein Satz mit Umlauten: Straße, Bäume; русский текст; " + strings.Repeat("Donaudampfschifffahrt", 40)
	for name, c := range map[string]struct {
		o       Options
		samples []Sample
	}{
		"all_256x128": {Options{Set: set, Title: Title(12000, 0.473)}, all},
		"two_512x512": {Options{Set: set, Title: Title(40000, 0.6912), TileWidth: 512, TileHeight: 512}, large},
		"plain_256":   {Options{Set: set, Title: Title(0, math.NaN()), CaptionLines: 1}, plain},
		"mixed":       {Options{Set: set, Title: "mixed sizes", TileWidth: 200, TileHeight: 100}, mixed},
		"narrow_40":   {Options{Set: set, Title: Title(1, 0.5), TileWidth: 40}, plain},
	} {
		m, err := Draw(c.o, c.samples)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		data, err := PNG(m)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		again, err := Draw(c.o, c.samples)
		if err != nil || !bytes.Equal(again.Pix, m.Pix) {
			t.Errorf("%s: other pixels the second time: %v", name, err)
		}
		decoded, err := png.Decode(bytes.NewReader(data))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if rgba, ok := decoded.(*image.RGBA); !ok || !bytes.Equal(rgba.Pix, m.Pix) { // not a palette
			t.Errorf("%s: the file has other colours than the sheet, as %T", name, decoded)
		}
		if dir := os.Getenv("SEMIDAVIL_SHEETS"); dir != "" {
			if err := os.WriteFile(filepath.Join(dir, name+".png"), data, 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// TestPanels compares every panel of a sheet, pixel by pixel, with its meaning.
func TestPanels(t *testing.T) {
	set := semidavil.CamVid11
	rng := rand.New(rand.NewPCG(2, 2))
	const w, h = 60, 30
	s := Sample{Image: semidavil.NewImage(w, h), Truth: semidavil.NewLabelMap(w, h), Prediction: semidavil.NewLabelMap(w, h), Pseudo: semidavil.NewLabelMap(w, h), Confidence: make([]float32, w*h)}
	for i := range s.Image.Pix {
		s.Image.Pix[i] = uint8(rng.IntN(256))
	}
	for i := range w * h {
		for _, m := range []*semidavil.LabelMap{s.Truth, s.Prediction, s.Pseudo} {
			if m.Pix[i] = uint8(rng.IntN(4)); m.Pix[i] == 3 {
				m.Pix[i] = semidavil.Ignore
			}
		}
		s.Confidence[i] = rng.Float32()
	}
	m, err := Draw(Options{Set: set, TileWidth: w}, []Sample{s})
	if err != nil {
		t.Fatal(err)
	}
	rgb := func(x, y int) [3]uint8 { c := m.RGBAAt(x, y); return [3]uint8{c.R, c.G, c.B} }
	class := func(id uint8) [3]uint8 {
		if id == semidavil.Ignore {
			return [3]uint8{0, 0, 0}
		}
		return set.Classes[id].Color
	}
	const gap = 12
	top := 0 // of the tiles: where the first row of the image is found
	for top = range m.Rect.Dy() - h {
		found := true
		for x := range w {
			found = found && rgb(gap+x, top) == [3]uint8(s.Image.Pix[3*x:])
		}
		if found {
			break
		}
	}
	bad := 0
	for i := range w * h {
		x, y := gap+i%w, top+i/w
		panels := [6][3]uint8{[3]uint8(s.Image.Pix[3*i:]), class(s.Truth.Pix[i]), class(s.Prediction.Pix[i]), class(s.Pseudo.Pix[i]), Heat(float64(s.Confidence[i]))}
		e := rgb(x+5*(w+gap), y)
		switch { // the error panel: black, red, or any light gray
		case s.Truth.Pix[i] == semidavil.Ignore:
		case s.Truth.Pix[i] != s.Prediction.Pix[i]:
			panels[5] = [3]uint8{235, 20, 30}
		case e[0] == e[1] && e[1] == e[2] && e[0] >= 110:
			panels[5] = e
		}
		for n, want := range panels {
			if got := rgb(x+n*(w+gap), y); got != want {
				bad++
				if bad < 9 {
					t.Errorf("panel %s, pixel %d: %v, want %v", panelTitles[n], i, got, want)
				}
			}
		}
	}
}

// TestLegend wants the classes that occur in any map, and only those.
func TestLegend(t *testing.T) {
	m := func(ids ...uint8) *semidavil.LabelMap { return &semidavil.LabelMap{W: len(ids), H: 1, Pix: ids} }
	img := semidavil.NewImage(4, 2)
	p := &painter{set: semidavil.Cityscapes19, table: labels.TrainIDs(semidavil.Cityscapes19)}
	s, err := p.scale(Sample{Image: img, Truth: m(13, 0, 0, 0), Prediction: m(0, 0, 11, 11), Pseudo: m(255, 0, 0, 0), Confidence: []float32{0, 0, 1, 1}}, 4, 2)
	if err != nil {
		t.Fatal(err)
	}
	text, err := newPen(regular, 13)
	if err != nil {
		t.Fatal(err)
	}
	defer text.close()
	for _, width := range []int{10, 150, 1000} {
		items, height := p.legend(text, []panel{imagePanel, confidencePanel, errorPanel}, width)
		var names []string
		for i, e := range items {
			names = append(names, e.name)
			if e.at.X > 0 && e.at.X+e.field(text)+text.width(e.name) > width || e.at.Y+text.line > height || i > 0 && e.at.Y < items[i-1].at.Y {
				t.Errorf("width %d: %s at %v", width, e.name, e.at)
			}
		}
		if got := strings.Join(names, "|"); got != "road|person|car|no class|confidence 0 to 1|error" {
			t.Error(got)
		}
	}
	if s.confidence[0] != 0 || s.confidence[3] != 1 {
		t.Errorf("confidences %v", s.confidence)
	}
	if items, height := p.legend(text, nil, 100); len(items) != 4 || height < 1 {
		t.Errorf("%v", items)
	}
}

func TestWrap(t *testing.T) {
	p, err := newPen(regular, 13)
	if err != nil {
		t.Fatal(err)
	}
	defer p.close()
	rng := rand.New(rand.NewPCG(4, 4))
	for range 300 {
		var words []string
		for range rng.IntN(25) {
			words = append(words, strings.Repeat(string(rune('a'+rng.IntN(26))), 1+rng.IntN(30)))
		}
		text, width, n := strings.Join(words, " "), 20+rng.IntN(300), 1+rng.IntN(5)
		lines := p.wrap(text, width, n)
		for _, line := range lines {
			if p.width(line) > width || line == "" {
				t.Fatalf("%q is %d wide, more than %d", line, p.width(line), width)
			}
		}
		joined := strings.ReplaceAll(strings.Join(lines, ""), " ", "")
		whole := strings.ReplaceAll(text, " ", "")
		short, cut := strings.CutSuffix(joined, ellipsis)
		if len(lines) > n || !strings.HasPrefix(whole, short) || !cut && joined != whole || cut && len(lines) < n {
			t.Fatalf("%q in %d lines of %d: %q", text, n, width, lines)
		}
	}
	if got := p.shorten("confidence", p.width("conf"+ellipsis)); got != "conf"+ellipsis {
		t.Errorf("%q", got)
	}
	if got := p.shorten("confidence", 1); got != ellipsis {
		t.Errorf("%q", got)
	}
}

func TestHeat(t *testing.T) {
	for v, want := range map[float64][3]uint8{0: {68, 1, 84}, 1: {253, 231, 37}, -3: {68, 1, 84}, 7: {253, 231, 37}, 0.5: {33, 145, 140}, 0.0625: {70, 23, 104}} {
		if got := Heat(v); got != want {
			t.Errorf("%v: %v, want %v", v, got, want)
		}
	}
	if Heat(math.NaN()) != [3]uint8{} {
		t.Error("NaN has a colour")
	}
}

func TestDrawErrors(t *testing.T) {
	set := semidavil.CamVid11
	img := semidavil.NewImage(4, 4)
	good := Sample{Image: img, Prediction: semidavil.NewLabelMap(4, 4)}
	for name, c := range map[string]struct {
		o Options
		s []Sample
	}{
		"no samples":         {Options{Set: set}, nil},
		"no classes":         {Options{}, []Sample{good}},
		"no image":           {Options{Set: set}, []Sample{good, {Prediction: good.Prediction}}},
		"short image":        {Options{Set: set}, []Sample{{Image: &semidavil.Image{W: 9, H: 9, Pix: img.Pix}}}},
		"empty image":        {Options{Set: set}, []Sample{{Image: &semidavil.Image{}}}},
		"short labels":       {Options{Set: set}, []Sample{{Image: img, Truth: &semidavil.LabelMap{W: 4, H: 4}}}},
		"class 11 of 11":     {Options{Set: set}, []Sample{{Image: img, Truth: &semidavil.LabelMap{W: 1, H: 1, Pix: []uint8{11}}}}},
		"confidences":        {Options{Set: set}, []Sample{{Image: img, Prediction: good.Prediction, Confidence: make([]float32, 3)}}},
		"confidence alone":   {Options{Set: set}, []Sample{{Image: img, Confidence: make([]float32, 16)}}},
		"negative tile":      {Options{Set: set, TileWidth: -1}, []Sample{good}},
		"too large":          {Options{Set: set, TileWidth: 1 << 14, TileHeight: 1 << 14}, []Sample{good}},
		"too large together": {Options{Set: set, TileWidth: 7000, TileHeight: 7000}, []Sample{good}},
	} {
		if _, err := Draw(c.o, c.s); err == nil || !strings.HasPrefix(err.Error(), "sheet: draw: ") {
			t.Errorf("%s: error %v", name, err)
		}
	}
	if _, err := PNG(image.NewRGBA(image.Rectangle{})); err == nil {
		t.Error("an empty sheet became a file")
	}
}

func BenchmarkDraw4x6of256x128(b *testing.B) {
	samples := scenes(b, 4, 256, 128)
	for b.Loop() {
		m, err := Draw(Options{Set: semidavil.Cityscapes19, Title: Title(1, 0.5)}, samples)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := PNG(m); err != nil {
			b.Fatal(err)
		}
	}
}

// TestScale: labels and confidences of one pixel stay together at every size.
func TestScale(t *testing.T) {
	const w, h = 13, 7
	s := Sample{Image: semidavil.NewImage(w, h), Prediction: semidavil.NewLabelMap(w, h), Confidence: make([]float32, w*h)}
	for i := range s.Confidence {
		s.Prediction.Pix[i], s.Confidence[i] = uint8(i), float32(i)
	}
	set := semidavil.ClassSet{Name: "pixels", Classes: make([]semidavil.Class, w*h)}
	p := &painter{set: set, table: labels.TrainIDs(set)}
	for _, size := range [][2]int{{13, 7}, {1, 1}, {5, 9}, {40, 3}, {26, 14}} {
		out, err := p.scale(s, size[0], size[1])
		if err != nil {
			t.Fatal(err)
		}
		for i, id := range out.prediction.Pix {
			if out.confidence[i] != float32(id) {
				t.Fatalf("%v: pixel %d has label %d and confidence of %v", size, i, id, out.confidence[i])
			}
		}
	}
}
