package pixels

import (
	"bytes"
	"image/png"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"semidavil"
	"semidavil/transforms/pixels/fastpng"
	"semidavil/transforms/pixels/resize"
)

// benchPair returns the files of a 2048x1024 pair: those of the folder in
// PIXELS_BENCH_DIR, or a drawn scene.
var benchPair = sync.OnceValue(func() (pair [2][]byte) {
	if dir := os.Getenv("PIXELS_BENCH_DIR"); dir != "" {
		for i, name := range []string{"image_0.png", "label_0.png"} {
			data, err := os.ReadFile(filepath.Join(dir, name))
			if err != nil {
				panic(err)
			}
			pair[i] = data
		}
		return pair
	}
	img, ids := scene(2048, 1024, 0)
	var e fastpng.Encoder
	pair[0], _ = e.EncodePNG(nil, img, fastpng.Default)
	pair[1], _ = e.EncodeGrayPNG(nil, img.W, img.H, ids, fastpng.Default)
	return pair
})

// trainIDs is a table like that from label ids to train ids.
var trainIDs = func() (t [256]uint8) {
	for i := range t {
		t[i] = uint8(i * 7)
	}
	return t
}()

// remap resizes label ids by nearest neighbour and maps them by a table.
func remap(dst []uint8, w, h int, ids fastpng.IDs) {
	xs, ys := make([]int, w), make([]int, h)
	for x := range xs {
		xs[x] = (2*x + 1) * ids.W / (2 * w)
	}
	for y := range ys {
		ys[y] = (2*y + 1) * ids.H / (2 * h)
	}
	for y, sy := range ys {
		from, to := ids.Pix8[ids.W*sy:][:ids.W], dst[w*y:][:w]
		for x, sx := range xs {
			to[x] = trainIDs[from[sx]]
		}
	}
}

// BenchmarkSteps times each step of preparing a pair; tools/pillow_bench times
// the same steps in Pillow.
func BenchmarkSteps(b *testing.B) {
	pair := benchPair()
	var c Codec
	var r resize.Resizer
	var e fastpng.Encoder
	big := new(semidavil.Image)
	run := func(name string, step func() error) {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				if err := step(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
	run("decode_rgb_2048x1024", func() error { return c.DecodeRGBInto(big, pair[0]) })
	if err := c.DecodeRGBInto(big, pair[0]); err != nil { // where -bench leaves the step out
		b.Fatal(err)
	}
	run("decode_label_2048x1024", func() error { _, err := c.DecodeIDs(pair[1]); return err })
	small := semidavil.NewImage(1280, 760)
	for _, f := range []resize.Filter{resize.Bilinear, resize.Bicubic} {
		run("resize_"+f.String()+"_2048x1024_to_1280x760", func() error { return r.Resize(small, big, f) })
	}
	small = semidavil.NewImage(1024, 512)
	for _, f := range []resize.Filter{resize.Nearest, resize.Area, resize.Lanczos, resize.Bilinear, resize.Bicubic} {
		run("resize_"+f.String()+"_2048x1024_to_1024x512", func() error { return r.Resize(small, big, f) })
	}
	if err := r.Resize(small, big, resize.Bicubic); err != nil {
		b.Fatal(err)
	}
	ids, err := c.DecodeIDs(pair[1])
	if err != nil {
		b.Fatal(err)
	}
	label := make([]uint8, 1024*512)
	remap(label, 1024, 512, ids)
	run("remap_label_2048x1024_to_1024x512", func() error { remap(label, 1024, 512, ids); return nil })
	for _, level := range []fastpng.Level{fastpng.Fast, fastpng.Default, fastpng.Best} {
		var out []byte
		run("encode_rgb_"+level.String()+"_1024x512", func() (err error) {
			out, err = e.EncodePNG(out[:0], small, level)
			return err
		})
		b.Logf("image, level %v: %d bytes", level, len(out))
		out = nil
		run("encode_label_"+level.String()+"_1024x512", func() (err error) {
			out, err = e.EncodeGrayPNG(out[:0], 1024, 512, label, level)
			return err
		})
		b.Logf("label, level %v: %d bytes", level, len(out))
	}
}

// BenchmarkPair times the whole sequence from the bytes of two files to the
// bytes of two files.
func BenchmarkPair(b *testing.B) {
	pair := benchPair()
	for _, f := range []resize.Filter{resize.Bilinear, resize.Bicubic} {
		b.Run(f.String()+"_2048x1024_to_1024x512", func(b *testing.B) {
			var c Codec
			var r resize.Resizer
			var e fastpng.Encoder
			big, small := new(semidavil.Image), &semidavil.Image{W: 1024, H: 512}
			label := make([]uint8, 1024*512)
			var out []byte
			for b.Loop() {
				if err := c.DecodeRGBInto(big, pair[0]); err != nil {
					b.Fatal(err)
				}
				ids, err := c.DecodeIDs(pair[1])
				if err != nil {
					b.Fatal(err)
				}
				if err := r.Resize(small, big, f); err != nil {
					b.Fatal(err)
				}
				remap(label, 1024, 512, ids)
				if out, err = e.EncodePNG(out[:0], small, fastpng.Fast); err != nil {
					b.Fatal(err)
				}
				if out, err = e.EncodeGrayPNG(out[:0], 1024, 512, label, fastpng.Fast); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkStandardLibrary is the decoder to compare with.
func BenchmarkStandardLibrary(b *testing.B) {
	b.Run("decode_rgb_2048x1024", func(b *testing.B) {
		for b.Loop() {
			if _, err := png.Decode(bytes.NewReader(benchPair()[0])); err != nil {
				b.Fatal(err)
			}
		}
	})
}
