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

// softmax runs the network alone, as an oracle: f32[B,H,W,K] of a crop.
func (n net) softmax(t *testing.T, image []uint8, b, h, w int, box [4]int, text, count *tensors.Tensor) []float32 {
	t.Helper()
	x0, y0, cw, ch := box[0], box[1], box[2], box[3]
	crop := make([]uint8, 0, b*ch*cw*3)
	for i := range b {
		for y := range ch {
			at := ((i*h+y0+y)*w + x0) * 3
			crop = append(crop, image[at:at+cw*3]...)
		}
	}
	exec, err := model.NewExec(n.backend.Backend, n.store, func(_ *model.Scope, image, text, count *graph.Node) *graph.Node {
		s := params.In(n.store, image.Graph(), "student", params.Options{})
		return graph.Softmax(network().Logits(s, network().Features(s, image), segmenter.Caption{Text: text, Count: count}, ch, cw), -1)
	})
	if err != nil {
		t.Fatal(err)
	}
	defer exec.Finalize()
	out, err := exec.Call1(tensors.FromFlatDataAndDimensions(crop, b, ch, cw, 3), text, count)
	if err != nil {
		t.Fatal(err)
	}
	values, err := tensors.CopyFlatData[float32](out)
	if err != nil {
		t.Fatal(err)
	}
	return values
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

// TestWindows: overlapping windows give the mean of their softmax.
func TestWindows(t *testing.T) {
	n := newNet(t)
	const b, h, w = 2, 40, 56
	image, in := input(b, h, w)
	base := Config{Segmenter: network(), Network: "student", Vision: "student"}
	for _, win := range []Window{{}, {32, 24, 16}, {24, 32, 24}, {16, 64, 8}, {56, 40, 40}, {64, 48, 8}} {
		c := base
		c.Window = win
		got, err := n.predict(t, c, in[:]...)
		if err != nil {
			t.Fatal(win, err)
		}
		sum, times := make([]float64, b*h*w*classes), make([]float64, h*w)
		cw, ch := min(win.Width, w), min(win.Height, h)
		if win == (Window{}) {
			cw, ch, win.Stride = w, h, 1
		}
		for _, y0 := range Starts(h, ch, win.Stride) {
			for _, x0 := range Starts(w, cw, win.Stride) {
				part := n.softmax(t, image, b, h, w, [4]int{x0, y0, cw, ch}, in[1], in[2])
				for y := range ch {
					for x := range cw {
						times[(y0+y)*w+x0+x]++
						for i := range b {
							for k := range classes {
								sum[((i*h+y0+y)*w+x0+x)*classes+k] += float64(part[((i*ch+y)*cw+x)*classes+k])
							}
						}
					}
				}
			}
		}
		seen := map[uint8]bool{}
		for i := range got.Label {
			best, at := -1.0, 0
			for k := range classes {
				if p := sum[i*classes+k] / times[i%(h*w)]; p > best {
					best, at = p, k
				}
			}
			seen[got.Label[i]] = true
			mine := sum[i*classes+int(got.Label[i])] / times[i%(h*w)]
			if math.Abs(best-float64(got.Confidence[i])) > 1e-5 || int(got.Label[i]) != at && best-mine > 1e-6 {
				t.Fatalf("window %v pixel %d: class %d with %v, want %d with %v", win, i, got.Label[i], got.Confidence[i], at, best)
			}
		}
		if len(got.Label) != b*h*w || len(got.Confidence) != b*h*w || len(seen) < 2 {
			t.Errorf("window %v: %d labels of %d classes", win, len(got.Label), len(seen))
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
	for _, size := range [][2]int{{20, 16}, {16, 12}, {4, 8}} {
		_, in := input(1, size[1], size[0])
		if _, err := n.predict(t, base, in[:]...); err == nil || !strings.Contains(err.Error(), "multiples of the patch size 8") {
			t.Errorf("%v: %v", size, err)
		}
	}
	_, in := input(1, 32, 32)
	for _, win := range []Window{{16, 16, 0}, {16, 0, 8}, {0, 16, 8}, {0, 0, 8}, {16, 8, 9}, {-8, 16, 4}, {16, 16, -1}} {
		c := base
		c.Window = win
		if _, err := n.predict(t, c, in[:]...); err == nil || !strings.Contains(err.Error(), "stride") {
			t.Errorf("window %v: %v", win, err)
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
