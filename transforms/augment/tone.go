package augment

import "semidavil"

// luma is the gray value of a colour: ITU-R 601 in 16-bit fixed point, as Pillow
// converts to mode L.
func luma(r, g, b uint8) int {
	return (int(r)*19595 + int(g)*38470 + int(b)*7471 + 0x8000) >> 16
}

// Brightness blends with black: factor·x, cut to 0..255 and rounded down. factor
// is at least 0; 1 leaves the image as it is.
func Brightness(img *semidavil.Image, factor float64) { blend(img, 0, factor) }

// Contrast blends with the image's mean gray m: m + factor·(x-m).
func Contrast(img *semidavil.Image, factor float64) {
	sum, n := 0, len(img.Pix)/3
	if n == 0 {
		return
	}
	for p := img.Pix; len(p) >= 3; p = p[3:] {
		sum += luma(p[0], p[1], p[2])
	}
	blend(img, (2*sum+n)/(2*n), factor) // rounded half up
}

// blend moves every value away from or towards a gray value, by a table.
func blend(img *semidavil.Image, from int, factor float64) {
	f := float32(factor)
	var table [256]uint8
	for x := range table {
		// The product is rounded before the sum, as Pillow does on machines
		// without fused operations.
		v := float32(from) + float32(f*float32(x-from))
		table[x] = uint8(max(0, min(255, v)))
	}
	for i, v := range img.Pix {
		img.Pix[i] = table[v]
	}
}

// Saturation blends with the gray image: l + factor·(x-l) for a pixel's luma l.
func Saturation(img *semidavil.Image, factor float64) {
	f := float32(factor)
	var away [512]float32 // factor·d at d+256
	for i := range away {
		away[i] = max(-1024, min(1024, f*float32(i-256)))
	}
	for p := img.Pix; len(p) >= 3; p = p[3:] {
		l := luma(p[0], p[1], p[2])
		t, gray := away[256-l:][:256], float32(l)
		p[0] = cut(int32(gray + t[p[0]]))
		p[1] = cut(int32(gray + t[p[1]]))
		p[2] = cut(int32(gray + t[p[2]]))
	}
}

func cut(v int32) uint8 { return uint8(max(0, min(255, v))) }

// Gray gives all three channels the luma.
func Gray(img *semidavil.Image) {
	for p := img.Pix; len(p) >= 3; p = p[3:] {
		l := uint8(luma(p[0], p[1], p[2]))
		p[0], p[1], p[2] = l, l, l
	}
}
