package augment

import (
	"testing"

	"semidavil"
)

func BenchmarkApply512(b *testing.B) {
	for _, c := range []struct {
		op string
		v  float64
	}{{"brightness", 0.7}, {"contrast", 1.3}, {"saturation", 0.6}, {"hue", 0.2}, {"gray", 0}, {"blur", 0.8}, {"blur", 1.8}} {
		b.Run(c.op, func(b *testing.B) {
			src, img := scene(512, 512), semidavil.NewImage(512, 512)
			b.SetBytes(int64(len(img.Pix)))
			for b.Loop() {
				copy(img.Pix, src.Pix)
				apply(b, img, c.op, c.v)
			}
		})
	}
	b.Run("crop", func(b *testing.B) {
		src, img := scene(1280, 760), semidavil.NewImage(512, 512)
		b.SetBytes(int64(len(img.Pix)))
		for b.Loop() {
			View{X: 300, Y: 100, Flip: true}.Image(img, src)
		}
	})
}
