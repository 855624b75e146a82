package infer

import (
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"

	"semidavil/model/backend"
	"semidavil/model/clip"
	"semidavil/model/decode"
	"semidavil/model/dlg"
	"semidavil/model/params"
	"semidavil/model/segmenter"
)

func TestStarts(t *testing.T) {
	for _, c := range []struct {
		length, size, stride int
		want                 []int
	}{
		{10, 10, 3, []int{0}}, {10, 12, 3, []int{0}}, {11, 10, 3, []int{0, 1}}, {16, 8, 8, []int{0, 8}}, {16, 8, 5, []int{0, 5, 8}},
		{20, 8, 4, []int{0, 4, 8, 12}}, {21, 8, 4, []int{0, 4, 8, 12, 13}}, {9, 1, 1, []int{0, 1, 2, 3, 4, 5, 6, 7, 8}},
	} {
		if got := Starts(c.length, c.size, c.stride); !slices.Equal(got, c.want) {
			t.Errorf("Starts(%d, %d, %d) = %v, want %v", c.length, c.size, c.stride, got, c.want)
		}
	}
	// All is covered, in order, without a window twice.
	for length := 1; length < 40; length++ {
		for size := 1; size <= length; size++ {
			for stride := 1; stride <= size; stride++ {
				starts, end := Starts(length, size, stride), 0
				for i, at := range starts {
					if at > end || i > 0 && at <= starts[i-1] {
						t.Fatalf("Starts(%d, %d, %d) = %v", length, size, stride, starts)
					}
					end = at + size
				}
				if end != length {
					t.Fatalf("Starts(%d, %d, %d) = %v", length, size, stride, starts)
				}
			}
		}
	}
}

const classes = 5

func network() segmenter.Config {
	return segmenter.Config{
		CLIP: clip.Config{ImageSize: 16, PatchSize: 8, VisionWidth: 16, VisionLayers: 2, VisionHeads: 2,
			TextWidth: 16, TextLayers: 1, TextHeads: 2, Context: 77, Vocab: 64, Embed: 16},
		Guidance: dlg.Config{Kind: "sum_raw", Context: 77, Classes: classes},
		Decoder:  decode.Config{Kind: "simple", Norm: "bn", Classes: classes},
	}
}

// net is a network of random values.
type net struct {
	backend backend.Choice
	store   *model.Store
}

func newNet(t *testing.T) net {
	t.Helper()
	b, err := backend.Open("go")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Backend.Finalize)
	return net{b, model.NewStore()}
}

func (n net) predict(t *testing.T, c Config, in ...*tensors.Tensor) (Prediction, error) {
	t.Helper()
	p, err := New(n.backend.Backend, n.store, c)
	if err != nil {
		return Prediction{}, err
	}
	defer p.Close()
	return p.Predict(in[0], in[1], in[2])
}

// grid is f64[B,H,W,C], for oracles.
type grid struct {
	b, h, w, c int
	v          []float64
}

func newGrid(b, h, w, c int) grid { return grid{b, h, w, c, make([]float64, b*h*w*c)} }

// at is the place of the values of one pixel.
func (g grid) at(i, y, x int) []float64 {
	from := ((i*g.h+y)*g.w + x) * g.c
	return g.v[from : from+g.c]
}

// each makes a grid of another size from this one, pixel by pixel.
func (g grid) each(h, w int, fill func(i, y, x int, to []float64)) grid {
	out := newGrid(g.b, h, w, g.c)
	for i := range g.b {
		for y := range h {
			for x := range w {
				fill(i, y, x, out.at(i, y, x))
			}
		}
	}
	return out
}

func (g grid) mirrored() grid {
	return g.each(g.h, g.w, func(i, y, x int, to []float64) { copy(to, g.at(i, y, g.w-1-x)) })
}

// resized interpolates as PyTorch does with align_corners=False.
func (g grid) resized(h, w int) grid {
	taps := func(n, out, at int) (lo, hi int, f float64) {
		p := max((float64(at)+0.5)*float64(n)/float64(out)-0.5, 0)
		lo = min(int(p), n-1)
		return lo, min(lo+1, n-1), p - float64(lo)
	}
	return g.each(h, w, func(i, y, x int, to []float64) {
		y0, y1, fy := taps(g.h, h, y)
		x0, x1, fx := taps(g.w, w, x)
		for c := range to {
			to[c] = (1-fy)*((1-fx)*g.at(i, y0, x0)[c]+fx*g.at(i, y0, x1)[c]) + fy*((1-fx)*g.at(i, y1, x0)[c]+fx*g.at(i, y1, x1)[c])
		}
	})
}

// cut takes a part, or repeats the border where it reaches over it.
func (g grid) cut(y0, x0, h, w int) grid {
	return g.each(h, w, func(i, y, x int, to []float64) { copy(to, g.at(i, min(y0+y, g.h-1), min(x0+x, g.w-1))) })
}

func (g grid) softmax() grid {
	return g.each(g.h, g.w, func(i, y, x int, to []float64) {
		top, sum := slices.Max(g.at(i, y, x)), 0.0
		for c, v := range g.at(i, y, x) {
			to[c] = math.Exp(v - top)
			sum += to[c]
		}
		for c := range to {
			to[c] /= sum
		}
	})
}

// logits runs the network alone on images whose sides are multiples of the patch.
func (n net) logits(t *testing.T, image grid, text, count *tensors.Tensor) grid {
	t.Helper()
	exec, err := model.NewExec(n.backend.Backend, n.store, func(_ *model.Scope, image, text, count *graph.Node) *graph.Node {
		s := params.In(n.store, image.Graph(), "student", params.Options{})
		d := image.Shape().Dimensions
		return graph.TransposeAllAxes(network().Logits(s, network().Features(s, image), segmenter.Caption{Text: text, Count: count}, d[1], d[2]), 1, 2, 3, 0)
	})
	if err != nil {
		t.Fatal(err)
	}
	defer exec.Finalize()
	pix := make([]float32, len(image.v))
	for i, v := range image.v {
		pix[i] = float32(v)
	}
	out, err := exec.Call1(tensors.FromFlatDataAndDimensions(pix, image.b, image.h, image.w, 3), text, count)
	if err != nil {
		t.Fatal(err)
	}
	values, err := tensors.CopyFlatData[float32](out)
	if err != nil {
		t.Fatal(err)
	}
	g := newGrid(image.b, image.h, image.w, classes)
	for i, v := range values {
		g.v[i] = float64(v)
	}
	return g
}

// want is the mean of the probabilities over scales, mirror images and windows.
func (n net) want(t *testing.T, image grid, c Config, text, count *tensors.Tensor) grid {
	t.Helper()
	h, w := c.Height, c.Width
	if w == 0 {
		h, w = image.h, image.w
	}
	predictView := func(image grid) grid {
		up := func(v int) int { return (v + 7) / 8 * 8 }
		padded := image.cut(0, 0, up(image.h), up(image.w))
		win := c.Window
		if win == (Window{}) || win.Width >= padded.w && win.Height >= padded.h {
			return n.logits(t, padded, text, count).cut(0, 0, image.h, image.w).resized(h, w).softmax()
		}
		ww, wh := min(win.Width, padded.w), min(win.Height, padded.h)
		sum, times := newGrid(image.b, padded.h, padded.w, classes), make([]float64, padded.h*padded.w)
		for _, y0 := range Starts(padded.h, wh, win.Stride) {
			for _, x0 := range Starts(padded.w, ww, win.Stride) {
				part := n.logits(t, padded.cut(y0, x0, wh, ww), text, count).softmax()
				part.each(wh, ww, func(i, y, x int, _ []float64) {
					if i == 0 {
						times[(y0+y)*padded.w+x0+x]++
					}
					for k, v := range part.at(i, y, x) {
						sum.at(i, y0+y, x0+x)[k] += v
					}
				})
			}
		}
		return sum.each(padded.h, padded.w, func(i, y, x int, to []float64) {
			for k, v := range sum.at(i, y, x) {
				to[k] = v / times[y*padded.w+x]
			}
		}).cut(0, 0, image.h, image.w).resized(h, w)
	}
	scales := c.View.Scales
	if scales == nil {
		scales = []float64{1}
	}
	var views []grid
	for _, s := range scales {
		scaled := image
		if s != 1 {
			near := func(v int) int { return max(1, int(math.Round(float64(v)*s/8))) * 8 }
			scaled = image.resized(near(image.h), near(image.w))
		}
		views = append(views, predictView(scaled))
		if c.View.Flip {
			views = append(views, predictView(scaled.mirrored()).mirrored())
		}
	}
	return views[0].each(h, w, func(i, y, x int, to []float64) {
		for _, v := range views {
			for k, p := range v.at(i, y, x) {
				to[k] += p / float64(len(views))
			}
		}
	})
}

func input(b, h, w int) (image []uint8, in [3]*tensors.Tensor) {
	rng := rand.New(rand.NewPCG(uint64(b), uint64(h*w)))
	image = make([]uint8, b*h*w*3)
	for i := range image {
		image[i] = uint8(rng.IntN(256))
	}
	text := make([]float32, b*8*16)
	for i := range text {
		text[i] = rng.Float32() - 0.5
	}
	count := make([]int32, b)
	for i := range count {
		count[i] = int32(4 + i)
	}
	return image, [3]*tensors.Tensor{tensors.FromFlatDataAndDimensions(image, b, h, w, 3),
		tensors.FromFlatDataAndDimensions(text, b, 8, 16), tensors.FromFlatDataAndDimensions(count, b)}
}

// TestPredict compares with an oracle in float64 over the network's plain logits.
func TestPredict(t *testing.T) {
	n := newNet(t)
	for name, c := range map[string]struct {
		h, w int
		Config
	}{
		"whole":           {40, 56, Config{}},
		"windows":         {40, 56, Config{Window: Window{32, 24, 16}}},
		"tall windows":    {40, 56, Config{Window: Window{16, 64, 8}}},
		"window of all":   {40, 56, Config{Window: Window{64, 48, 8}}},
		"odd size":        {29, 43, Config{}},
		"odd, windows":    {29, 43, Config{Window: Window{24, 24, 16}}},
		"enlarged":        {24, 40, Config{Width: 80, Height: 48}},
		"odd, enlarged":   {21, 37, Config{Width: 61, Height: 30}},
		"shrunk windows":  {40, 56, Config{Window: Window{32, 24, 16}, Width: 30, Height: 20}},
		"mirrored":        {24, 40, Config{View: View{Flip: true}}},
		"scales":          {24, 40, Config{View: View{Scales: []float64{0.5, 1, 1.75}}}},
		"all of it":       {29, 43, Config{View: View{Scales: []float64{1, 1.5}, Flip: true}, Window: Window{32, 32, 24}, Width: 50, Height: 40}},
		"a scale of dust": {24, 40, Config{View: View{Scales: []float64{1.0 / 16}}}},
	} {
		const b = 2
		pix, in := input(b, c.h, c.w)
		image := newGrid(b, c.h, c.w, 3)
		for i, v := range pix {
			image.v[i] = float64(v)
		}
		c.Segmenter, c.Network, c.Vision, c.Second = network(), "student", "student", true
		got, err := n.predict(t, c.Config, in[:]...)
		if err != nil {
			t.Fatal(name, err)
		}
		want := n.want(t, image, c.Config, in[1], in[2])
		if len(got.Label) != b*want.h*want.w || len(got.Second) != len(got.Label) || len(got.SecondConfidence) != len(got.Confidence) {
			t.Fatalf("%s: %d labels, want %d", name, len(got.Label), b*want.h*want.w)
		}
		seen := map[uint8]bool{}
		for i, label := range got.Label {
			p := want.v[i*classes : (i+1)*classes]
			order := []float64{p[label], p[got.Second[i]]}
			sorted := slices.Sorted(slices.Values(p))
			seen[label] = true
			for rank, v := range []float32{got.Confidence[i], got.SecondConfidence[i]} {
				best := sorted[classes-1-rank]
				if math.Abs(best-float64(v)) > 1e-5 || best-order[rank] > 1e-5 || got.Second[i] == label {
					t.Fatalf("%s: pixel %d rank %d: classes %d, %d with %v, want %v", name, i, rank, label, got.Second[i], v, p)
				}
			}
		}
		if len(seen) < 2 {
			t.Errorf("%s: one class in the whole picture", name)
		}
	}
}

// TestLargeWindow is the whole image, bit by bit.
func TestLargeWindow(t *testing.T) {
	n := newNet(t)
	_, in := input(1, 32, 48)
	c := Config{Segmenter: network(), Network: "student", Vision: "student"}
	whole, err := n.predict(t, c, in[:]...)
	if err != nil {
		t.Fatal(err)
	}
	for _, win := range []Window{{48, 32, 8}, {64, 64, 64}} {
		c.Window = win
		if got, err := n.predict(t, c, in[:]...); err != nil || !slices.Equal(got.Label, whole.Label) || !slices.Equal(got.Confidence, whole.Confidence) {
			t.Errorf("window %v differs: %v", win, err)
		}
	}
}

// TestSharedVision: the tower of one network and the heads of another.
func TestSharedVision(t *testing.T) {
	n := newNet(t)
	_, in := input(1, 16, 16)
	c := Config{Segmenter: network(), Network: "teacher", Vision: "student"}
	if _, err := n.predict(t, c, in[:]...); err != nil {
		t.Fatal(err)
	}
	for v := range n.store.IterVariables() {
		if strings.HasPrefix(v.Path(), "/teacher/vision/") || strings.HasPrefix(v.Path(), "/student/d") {
			t.Errorf("made %s", v.Path())
		}
	}
}

func TestFaults(t *testing.T) {
	n := newNet(t)
	base := Config{Segmenter: network(), Network: "student", Vision: "student"}
	_, in := input(1, 32, 32)
	for _, win := range []Window{{16, 16, 0}, {16, 0, 8}, {0, 16, 8}, {0, 0, 8}, {16, 8, 9}, {-8, 16, 4}, {16, 16, -1}} {
		c := base
		c.Window = win
		if _, err := n.predict(t, c, in[:]...); err == nil || !strings.Contains(err.Error(), "stride") {
			t.Errorf("window %v: %v", win, err)
		}
	}
	for _, scale := range []float64{0, -1, math.NaN(), math.Inf(1), 20} {
		c := base
		c.View.Scales = []float64{scale}
		if _, err := n.predict(t, c, in[:]...); err == nil || !strings.Contains(err.Error(), "scale") {
			t.Errorf("scale %v: %v", scale, err)
		}
	}
	c := base
	c.Window = Window{12, 16, 8} // no multiple of the patch
	if _, err := n.predict(t, c, in[:]...); err == nil || !strings.Contains(err.Error(), "multiples of the patch size 8") {
		t.Error(err)
	}
	if _, err := n.predict(t, base, in[0], in[2], in[1]); err == nil || !strings.Contains(err.Error(), "infer: predict") {
		t.Error(err)
	}
}
