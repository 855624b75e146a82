package pixels

import (
	"fmt"
	"os"
	"semidavil"
	"testing"
)

func BenchmarkTmp(b *testing.B) {
	im, _ := os.ReadFile("/tmp/pxb/im.png")
	lb, _ := os.ReadFile("/tmp/pxb/lb.png")
	var c Codec
	b.Run("decode", func(b *testing.B) {
		for range b.N {
			if _, err := c.DecodeRGB(im); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("label", func(b *testing.B) {
		for range b.N {
			if _, err := c.DecodeIDs(lb); err != nil {
				b.Fatal(err)
			}
		}
	})
	f, err := c.parsePNG(im)
	if err != nil {
		b.Fatal(err)
	}
	b.Run("parse", func(b *testing.B) {
		for range b.N {
			c.parsePNG(im)
		}
	})
	b.Run("inflate", func(b *testing.B) {
		for range b.N {
			c.inflatePNG(f)
		}
	})
	var hist [5]int
	for y := range f.h {
		hist[c.raw[y*(3*f.w+1)]]++
	}
	b.Log(hist)
	b.Run("adler", func(b *testing.B) {
		for range b.N {
			adler32(c.raw)
		}
	})
	px := make([]byte, 3*f.w*f.h)
	b.Run("unfilter", func(b *testing.B) {
		for range b.N {
			c.eachRow(f, func(y int) []byte { return px[3*f.w*y:] }, nil)
		}
	})
}

func BenchmarkTmp2(b *testing.B) {
	im, _ := os.ReadFile("/tmp/pxb/im.png")
	lb, _ := os.ReadFile("/tmp/pxb/lb.png")
	var c Codec
	img, _ := c.DecodeRGB(im)
	var r Resizer
	var dst *semidavil.Image
	for _, s := range [][2]int{{1280, 760}, {1024, 512}} {
		for _, f := range []Filter{Bilinear, Lanczos, Nearest, Bicubic} {
			dst = semidavil.NewImage(s[0], s[1])
			b.Run(fmt.Sprint("resize", f, s[0]), func(b *testing.B) {
				for range b.N {
					r.Resize(dst, img, f)
				}
			})
		}
	}
	ids, _ := c.DecodeIDs(lb)
	small := make([]uint8, 1024*512)
	for i := range small {
		small[i] = uint8(ids.At(i%1024*2+1, i/1024*2+1))
	}
	var e Encoder
	for _, l := range []Level{Fast, Default} {
		var out []byte
		b.Run(fmt.Sprint("enc", l), func(b *testing.B) {
			for range b.N {
				out, _ = e.EncodePNG(out[:0], dst, l)
			}
		})
		b.Log(len(out))
		b.Run(fmt.Sprint("enclabel", l), func(b *testing.B) {
			for range b.N {
				out, _ = e.EncodeGrayPNG(out[:0], 1024, 512, small, l)
			}
		})
		b.Log(len(out))
	}
}
