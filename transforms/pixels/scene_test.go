package pixels

import (
	"flag"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"semidavil"
	"semidavil/transforms/pixels/fastpng"
)

var benchFiles = flag.String("benchfiles", "", "folder to which TestWriteBenchFiles writes PNG pairs for tools/pillow_bench")

// scene draws something with the statistics of a street photograph, and its
// label ids: gradients, boxes and discs, texture and sensor noise. A frame of
// 2048x1024 takes about 2.7 MB as PNG, like those of Cityscapes.
func scene(w, h int, seed uint64) (*semidavil.Image, []uint8) {
	rnd := rand.New(rand.NewPCG(seed, 0))
	img, ids := semidavil.NewImage(w, h), make([]uint8, w*h)
	type shape struct {
		x, y, rx, ry float64
		disc         bool
		colour       [3]float64
		id           uint8
	}
	shapes := make([]shape, 60)
	for i := range shapes {
		shapes[i] = shape{rnd.Float64() * float64(w), rnd.Float64() * float64(h),
			float64(w) * (0.01 + 0.1*rnd.Float64()), float64(h) * (0.01 + 0.15*rnd.Float64()), rnd.IntN(2) == 0,
			[3]float64{30 + 150*rnd.Float64(), 30 + 150*rnd.Float64(), 30 + 150*rnd.Float64()}, uint8(7 + rnd.IntN(27))}
	}
	for y := range h {
		active := shapes[:0:0]
		for _, s := range shapes {
			if math.Abs(float64(y)-s.y) < s.ry {
				active = append(active, s)
			}
		}
		for x := range w {
			colour, id := [3]float64{90, 100, 110}, uint8(7)
			for _, s := range active {
				dx, dy := (float64(x)-s.x)/s.rx, (float64(y)-s.y)/s.ry
				if math.Abs(dx) < 1 && (!s.disc || dx*dx+dy*dy < 1) {
					colour, id = s.colour, s.id
				}
			}
			light := 40*math.Sin(float64(x)/400)*math.Cos(float64(y)/300) + 4*math.Sin(float64(x)/9+float64(y)/13) + 1.6*rnd.NormFloat64()
			for c, v := range colour {
				img.Pix[3*(w*y+x)+c] = uint8(min(255, max(0, v+light+0.35*rnd.NormFloat64())))
			}
			ids[w*y+x] = id
		}
	}
	return img, ids
}

// TestWriteBenchFiles writes the files that tools/pillow_bench reads.
func TestWriteBenchFiles(t *testing.T) {
	if *benchFiles == "" {
		t.Skip("no folder given with -benchfiles")
	}
	var e fastpng.Encoder
	for i := range 4 {
		img, ids := scene(2048, 1024, uint64(i))
		image, err := e.EncodePNG(nil, img, fastpng.Default)
		if err != nil {
			t.Fatal(err)
		}
		label, err := e.EncodeGrayPNG(nil, img.W, img.H, ids, fastpng.Default)
		if err != nil {
			t.Fatal(err)
		}
		for name, data := range map[string][]byte{"image": image, "label": label} {
			if err := os.WriteFile(filepath.Join(*benchFiles, fmt.Sprintf("%s_%d.png", name, i)), data, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		t.Logf("pair %d: image %d bytes, label %d bytes", i, len(image), len(label))
	}
}
