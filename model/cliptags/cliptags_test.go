package cliptags

import (
	"fmt"
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"

	"semidavil"
	"semidavil/model/backend"
	"semidavil/transforms/captions"
	"semidavil/transforms/datasets/minicity"
)

func openBuiltin(t *testing.T) *Tagger {
	t.Helper()
	b, err := backend.NewGo()
	if err != nil {
		t.Fatal(err)
	}
	tagger, err := Open(t.Context(), b, "minicity")
	if err != nil {
		t.Fatalf("%v\nafter a change of the built-in CLIP or the vocabulary: go run ./tools/cliptags --write model/cliptags", err)
	}
	t.Cleanup(tagger.Close)
	return tagger
}

// TestTagger: the same sentences from any number of goroutines, of images of any shape.
func TestTagger(t *testing.T) {
	tagger := openBuiltin(t)
	var images []*semidavil.Image
	for i := range 3 {
		img, _, _ := minicity.NewScene(5, semidavil.Target, i).Render(256, 128)
		images = append(images, img)
	}
	tall, _, _ := minicity.NewScene(5, semidavil.Source, 9).Render(90, 200)
	images = append(images, tall, semidavil.NewImage(1, 1), semidavil.NewImage(900, 1))
	describe := func(img *semidavil.Image) string {
		seen, err := tagger.Prepare(img)
		if err != nil {
			t.Error(err)
			return ""
		}
		f, err := tagger.Features(t.Context(), seen)
		if err != nil {
			t.Error(err)
			return ""
		}
		if f.Width*f.Height*f.Embed != len(f.Values) || min(f.Width, f.Height) != 16 || max(f.Width, f.Height) > 48 {
			t.Errorf("%dx%d of %d, %d values", f.Width, f.Height, f.Embed, len(f.Values))
		}
		return captions.SceneSentence(tagger.See(f))
	}
	var first []string
	for _, img := range images {
		first = append(first, describe(img))
	}
	if !strings.Contains(strings.Join(first[:3], "\n"), "buildings") {
		t.Errorf("no buildings in %q", first)
	}
	var wg sync.WaitGroup
	for range 3 {
		wg.Go(func() {
			for i, img := range images {
				if got := describe(img); got != first[i] {
					t.Errorf("image %d: %q, first %q", i, got, first[i])
				}
			}
		})
	}
	wg.Wait()
	if _, err := tagger.Prepare(&semidavil.Image{}); err == nil {
		t.Error("an empty image is no error")
	}
}

// TestTexts: without a calibration the things are texts, in the directions that the text tower gives
// them, and what is not likelier than all else is not named.
func TestTexts(t *testing.T) {
	b, err := backend.NewGo()
	if err != nil {
		t.Fatal(err)
	}
	all := Things
	Things = all[3:5]
	defer func() { Things = all }()
	tagger, err := OpenPlain(t.Context(), b, "minicity")
	if err != nil {
		t.Fatal(err)
	}
	defer tagger.Close()
	if len(tagger.readout.Directions) != 2 || slices.Equal(tagger.readout.Directions[0], tagger.readout.Directions[1]) {
		t.Fatalf("directions %v", tagger.readout.Directions)
	}
	var norm float64
	for _, x := range tagger.readout.Directions[0] {
		norm += float64(x) * float64(x)
	}
	// CLIP starts at 1/0.07 and was trained little.
	if norm = math.Sqrt(norm); norm < 10 || norm > 20 {
		t.Errorf("the scale of similarities is %v", norm)
	}
	f := Features{1, 1, tagger.config.Embed, tagger.readout.Directions[1]}
	if seen := tagger.See(f); len(seen) != 1 || seen[0].Many != all[4].Many {
		t.Errorf("a patch that looks as a car is called: %v", seen)
	}
}

// TestProbabilities compares with the softmax of the definition.
func TestProbabilities(t *testing.T) {
	r := &Readout{Directions: [][]float32{{1, 0}, {0, 2}, {300, -900}}, Bias: []float32{0.5, 0, -1e9}}
	got := r.Probabilities(Features{1, 2, 2, []float32{0.6, 0.8, 1, 0}})
	for p, x := range [][2]float64{{0.6, 0.8}, {1, 0}} {
		a, b := math.Exp(x[0]+0.5), math.Exp(2*x[1])
		for k, want := range []float64{a / (a + b), b / (a + b), 0} {
			if math.Abs(float64(got[p][k])-want) > 1e-6 {
				t.Errorf("patch %d, thing %d: %v, want %v", p, k, got[p][k], want)
			}
		}
	}
}

func TestRegions(t *testing.T) {
	// 0.9 where there is a letter; the same letters are connected by their sides.
	const picture = `
a.bb
aa..
.a.c
d..c`
	rows := strings.Fields(picture)
	var probable [][]float32
	for _, row := range rows {
		for _, c := range row {
			p := float32(0.1)
			if c != '.' {
				p = 0.9
			}
			probable = append(probable, []float32{0, p})
		}
	}
	want := []captions.Region{
		{X: (0.5 + 0.5 + 1.5 + 1.5) / 16, Bottom: 0.75}, {X: 3.0 / 4, Bottom: 0.25}, {X: 3.5 / 4, Bottom: 1}, {X: 0.5 / 4, Bottom: 1},
	}
	got := regions(probable, 4, 4, 1, 0.5)
	if byPlace := func(a, b captions.Region) int { return int(1000*(a.X-b.X) + 100*(a.Bottom-b.Bottom)) }; !slices.Equal(slices.SortedFunc(slices.Values(got), byPlace), slices.SortedFunc(slices.Values(want), byPlace)) {
		t.Errorf("%v, want %v", got, want)
	}
	if got := regions(probable, 4, 4, 1, 0.95); len(got) != 0 {
		t.Errorf("above the probabilities: %v", got)
	}
	if got := regions(probable, 4, 4, 1, 0); len(got) != 1 || got[0] != (captions.Region{X: 0.5, Bottom: 1}) {
		t.Errorf("all together: %v", got)
	}
	// In a grid of 800 patches a single one is no region.
	large := make([][]float32, 800)
	for p := range large {
		large[p] = []float32{0}
	}
	large[5][0], large[100][0], large[101][0] = 1, 1, 1
	if got := regions(large, 40, 20, 0, 0.5); len(got) != 1 || got[0].X != 21.0/40 {
		t.Errorf("in a large grid: %v", got)
	}
}

// planted are images of 2x2 patches: the features of thing k lie around a direction of its own, and an
// image has a car (thing 4) in one patch, of eight as many as cars says; the rest is road (15).
func planted(n, cars int, noise float64) []Sample {
	r := rand.New(rand.NewPCG(1, 2))
	const embed = 6
	var out []Sample
	for i := range n {
		s := Sample{Features: Features{2, 2, embed, nil}, Counts: make([][]int, 4), Pixels: 100, Total: 400}
		for p := range s.Counts {
			k := 15
			if p == i%4 && i%8 < cars {
				k = 4
			}
			s.Counts[p] = make([]int, len(Things))
			s.Counts[p][k] = 90
			for j := range embed {
				x := noise * r.NormFloat64()
				if j == 0 {
					x *= 20 // says nothing
				}
				if j == 1+k%3 {
					x++
				}
				s.Features.Values = append(s.Features.Values, float32(x))
			}
		}
		out = append(out, s)
	}
	return out
}

// TestCalibrate finds what was planted, and names nothing where there is nothing to find.
func TestCalibrate(t *testing.T) {
	tagger := &Tagger{digest: "x", text: &Readout{}}
	c, err := tagger.Calibrate(planted(400, 4, 0.1), true)
	if err != nil {
		t.Fatal(err)
	}
	if c.Thresholds[4] > 1 || c.Thresholds[15] > 1 || c.Thresholds[5] != never {
		t.Errorf("thresholds %v", c.Thresholds)
	}
	if w := c.Directions[4]; math.Abs(float64(w[0])) > 0.05*math.Abs(float64(w[2])) {
		t.Errorf("the direction of what was planted in noise: %v", w)
	}
	r := &Readout{c.Directions, c.Bias, c.Thresholds}
	for i, s := range planted(80, 4, 0.1) {
		seen := r.See(s.Features)
		if s.Present(4) != (len(seen) == 1 && seen[0].Many == "cars" && len(seen[0].Regions) == 1) {
			t.Errorf("image %d: %v", i, seen)
		}
		left, ok := s.Left(4)
		if ok != (i%8 < 4) || ok && (left == 1) != (i%2 == 0) {
			t.Errorf("image %d: left %v %t", i, left, ok)
		}
	}
	for _, cars := range []int{4, 7} { // Of seven in eight a name is right often enough, but tells nothing.
		if c, err = tagger.Calibrate(planted(400, cars, 50), true); err != nil || c.Thresholds[4] != never {
			t.Errorf("of noise: %v, %v", c.Thresholds, err)
		}
	}
	if _, err := tagger.Calibrate(planted(1, 4, 1), true); err == nil {
		t.Error("one image is enough")
	}
}

// TestDiscriminant: two things are equally likely half way between their means.
func TestDiscriminant(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	s := Sample{Features: Features{Width: 1000, Height: 1, Embed: 2}, Counts: make([][]int, 1000), Pixels: 1, Total: 1000}
	for p := range s.Counts {
		s.Counts[p] = make([]int, len(Things))
		s.Counts[p][p%2] = 1
		s.Features.Values = append(s.Features.Values, float32([]float64{1, 3}[p%2]+0.3*r.NormFloat64()), float32(5+0.3*r.NormFloat64()))
	}
	read, err := discriminant([]Sample{s})
	if err != nil {
		t.Fatal(err)
	}
	read.Thresholds = make([]float32, len(Things))
	got := read.Probabilities(Features{3, 1, 2, []float32{2, 5, 1.5, 5, 2.5, 5}})
	if math.Abs(float64(got[0][0])-0.5) > 0.15 || got[1][0] < 0.9 || got[2][1] < 0.9 || got[0][2] != 0 {
		t.Errorf("half way %v, nearer to the first %v, to the second %v", got[0][:3], got[1][:3], got[2][:3])
	}
}

// TestNewSample counts labels by the thing that they are, in the patches where they lie.
func TestNewSample(t *testing.T) {
	label := semidavil.NewLabelMap(6, 3)
	for i := range label.Pix {
		label.Pix[i] = []uint8{8, 9, semidavil.Ignore}[i%3] // car, pedestrian, none
	}
	s := NewSample(Features{Width: 2, Height: 1}, label, semidavil.CamVid11)
	want := [][2]int{{3, 3}, {3, 3}} // columns 0 to 2, and 3 to 5
	for p := range want {
		if got := [2]int{s.Counts[p][4], s.Counts[p][5]}; got != want[p] {
			t.Errorf("patch %d: %v, want %v", p, got, want[p])
		}
	}
	for _, set := range []semidavil.ClassSet{semidavil.Cityscapes19, semidavil.CamVid11} {
		for _, class := range set.Classes {
			if n := len(slices.Collect(func(yield func(Thing) bool) {
				for _, thing := range Things {
					if slices.Contains(thing.Labels, class.Name) && !yield(thing) {
						return
					}
				}
			})); n != 1 {
				t.Errorf("%s of %s is %d things", class.Name, set.Name, n)
			}
		}
	}
}

func TestCalibrationFile(t *testing.T) {
	tagger := &Tagger{digest: "x", text: &Readout{}}
	c, err := tagger.Calibrate(planted(20, 4, 0.1), true)
	if err != nil {
		t.Fatal(err)
	}
	data, err := c.Encode()
	if err != nil {
		t.Fatal(err)
	}
	got, err := ParseCalibration(data)
	if err != nil || !reflect.DeepEqual(*got, c) {
		t.Errorf("%+v, %v; want %+v", got, err, c)
	}
	if _, err := readCalibration(t.Context(), "minicity", "another"); err == nil || !strings.Contains(err.Error(), "another CLIP") {
		t.Errorf("of another CLIP: %v", err)
	}
	if c, err := readCalibration(t.Context(), t.TempDir(), "x"); c != nil || err != nil {
		t.Errorf("an empty folder: %v, %v", c, err)
	}
	numbers := strings.Repeat(",1", len(Things)-1)
	for text, want := range map[string]string{
		``:        "EOF",
		`{"a":1}`: `"a"`,
		`{}`:      "vocabulary",
		fmt.Sprintf(`{"vocabulary":%q}`, vocabularyDigest()):                                        "0 thresholds",
		fmt.Sprintf(`{"vocabulary":%q,"thresholds":[1%s],"bias":[1]}`, vocabularyDigest(), numbers): "1 biases",
	} {
		if _, err := ParseCalibration([]byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", text, err, want)
		}
	}
	wrong := Calibration{Thresholds: make([]float32, len(Things)), Directions: make([][]float32, len(Things)), Bias: make([]float32, len(Things))}
	if _, err := wrong.readout(nil, 2); err == nil || !strings.Contains(err.Error(), "0 numbers") {
		t.Errorf("directions of another width: %v", err)
	}
}
