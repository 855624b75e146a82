package resize

import (
	"fmt"
	"hash/crc32"
	"math"
	"math/rand/v2"
	"os"
	"strings"
	"testing"

	"semidavil"
)

// noise makes the source image of testdata/gen.py.
func noise(w, h int) *semidavil.Image {
	img := semidavil.NewImage(w, h)
	x := uint32(w*65536 + h)
	for i := range img.Pix {
		x = x*1664525 + 1013904223
		img.Pix[i] = uint8(x >> 24)
	}
	return img
}

// TestResizeEqualsPillow compares with images that Pillow resized.
func TestResizeEqualsPillow(t *testing.T) {
	golden, err := os.ReadFile("testdata/resize.txt")
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range map[bool][]bool{false: {false}, true: {false, true}}[vector] {
		t.Run(fmt.Sprintf("vector=%v", v), func(t *testing.T) {
			defer func(before bool) { vector = before }(vector)
			vector = v
			checkPillow(t, string(golden))
		})
	}
}

func checkPillow(t *testing.T, golden string) {
	var r Resizer
	cases := 0
	for _, line := range strings.Split(strings.TrimSpace(golden), "\n") {
		if strings.HasPrefix(line, "#") {
			continue
		}
		var name string
		var w, h, w2, h2 int
		var crc uint32
		if _, err := fmt.Sscanf(line, "%s %d %d %d %d %x", &name, &w, &h, &w2, &h2, &crc); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		filter, err := ParseFilter(name)
		if err != nil {
			t.Fatal(err)
		}
		dst := &semidavil.Image{W: w2, H: h2}
		if err := r.Resize(dst, noise(w, h), filter); err != nil {
			t.Fatal(err)
		}
		if got := crc32.ChecksumIEEE(dst.Pix); got != crc {
			t.Errorf("%s: got %08x", line, got)
		}
		cases++
	}
	if cases < 100 {
		t.Fatalf("%d cases", cases)
	}
}

// TestResizeEqualsFormula compares with the weighted sum over both axes at once
// in float64; rounding, once between the passes and once after them, may cost a
// little more than 1. Contrast is halved so that nothing is clamped in between.
func TestResizeEqualsFormula(t *testing.T) {
	kernels := map[Filter]struct {
		fn      func(x float64) float64
		support float64
	}{
		Bilinear: {func(x float64) float64 { return math.Max(0, 1-math.Abs(x)) }, 1},
		Bicubic: {func(x float64) float64 {
			x = math.Abs(x)
			if x < 1 {
				return 1.5*x*x*x - 2.5*x*x + 1
			}
			return math.Max(0, math.Copysign(1, 2-x)) * (-0.5*x*x*x + 2.5*x*x - 4*x + 2)
		}, 2},
	}
	rnd := rand.New(rand.NewPCG(3, 4))
	var r Resizer
	for range 12 {
		w, h, w2, h2 := 1+rnd.IntN(40), 1+rnd.IntN(40), 1+rnd.IntN(50), 1+rnd.IntN(50)
		src := noise(w, h)
		for i, v := range src.Pix {
			src.Pix[i] = 64 + v/2
		}
		for filter, k := range kernels {
			dst := &semidavil.Image{W: w2, H: h2}
			if err := r.Resize(dst, src, filter); err != nil {
				t.Fatal(err)
			}
			weigh := func(i, in, out int) []float64 {
				scale := float64(in) / float64(out)
				wide, centre := math.Max(scale, 1), (float64(i)+0.5)*scale
				ws, sum := make([]float64, in), 0.0
				for j := range ws {
					ws[j] = k.fn((float64(j) + 0.5 - centre) / wide)
					sum += ws[j]
				}
				for j := range ws {
					ws[j] /= sum
				}
				return ws
			}
			for y := range h2 {
				wy := weigh(y, h, h2)
				for x := range w2 {
					wx := weigh(x, w, w2)
					for c := range 3 {
						sum := 0.0
						for sy, a := range wy {
							if a == 0 {
								continue
							}
							row := 0.0
							for sx, b := range wx {
								row += b * float64(src.Pix[3*(w*sy+sx)+c])
							}
							sum += a * row
						}
						if got := float64(dst.Pix[3*(w2*y+x)+c]); math.Abs(got-sum) > 1.5 {
							t.Fatalf("%v %dx%d to %dx%d, channel %d of (%d, %d): got %v, want %v", filter, w, h, w2, h2, c, x, y, got, sum)
						}
					}
				}
			}
		}
	}
}

func TestResizeErrors(t *testing.T) {
	var r Resizer
	good := semidavil.NewImage(2, 2)
	for name, c := range map[string]struct {
		dst, src *semidavil.Image
		f        Filter
	}{
		"empty source":   {semidavil.NewImage(1, 1), &semidavil.Image{}, Bilinear},
		"short source":   {semidavil.NewImage(1, 1), &semidavil.Image{W: 2, H: 2, Pix: make([]uint8, 11)}, Bilinear},
		"empty target":   {&semidavil.Image{W: 0, H: 3}, good, Bilinear},
		"unknown filter": {semidavil.NewImage(1, 1), good, Lanczos + 1},
	} {
		if err := r.Resize(c.dst, c.src, c.f); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	if _, err := ParseFilter("cubic"); err == nil || !strings.Contains(err.Error(), "bicubic") {
		t.Errorf("unknown name: %v", err)
	}
}
