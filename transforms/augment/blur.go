package augment

import (
	"encoding/binary"
	"fmt"
	"math"

	"semidavil"
)

// MaxSigma is the largest standard deviation that Blur accepts, in pixels.
const MaxSigma = 2.4

// Blur applies a Gaussian blur of standard deviation sigma, 0 to MaxSigma pixels,
// as Pillow's GaussianBlur does: three box blurs along rows and three along
// columns, each with a fraction of the pixel beyond its ends (Gwosdek et al. 2011),
// rounded to bytes, with edge pixels repeated. spare holds memory between calls; it
// may be nil.
func Blur(img *semidavil.Image, sigma float64, spare *[]uint8) error {
	if !(sigma >= 0 && sigma <= MaxSigma) {
		return fmt.Errorf("augment: blur: sigma %g: want 0 to %g", sigma, MaxSigma)
	}
	if img.W == 0 || img.H == 0 {
		return nil
	}
	box := newBox(sigma)
	if spare == nil {
		spare = new([]uint8)
	}
	n := 3 * img.W
	const edge = 2 * 3 // two pixels on either side
	if size := max(2*(n+2*edge), len(img.Pix)); len(*spare) < size {
		*spare = make([]uint8, size)
	}
	a, b := (*spare)[:n+2*edge], (*spare)[n+2*edge:][:n+2*edge]
	for y := range img.H {
		row := img.Pix[n*y:][:n]
		copy(a[edge:], row)
		for pass := range boxPasses {
			in, out := a, b[edge:][:n]
			if pass == boxPasses-1 {
				out = row
			}
			for i := range edge {
				in[i], in[edge+n+i] = in[edge+i%3], in[edge+n-3+i%3]
			}
			box.blur(out, in[:n], in[3:][:n], in[6:][:n], in[9:][:n], in[12:][:n])
			a, b = b, a
		}
	}
	from, to := img.Pix, (*spare)[:len(img.Pix)]
	for range boxPasses {
		row := func(y int) []uint8 { return from[n*max(0, min(img.H-1, y)):][:n] }
		for y := range img.H {
			box.blur(to[n*y:][:n], row(y-2), row(y-1), row(y), row(y+1), row(y+2))
		}
		from, to = to, from
	}
	copy(img.Pix, from) // three passes end in the spare memory
	return nil
}

// boxPasses is how many box blurs make a Gaussian one.
const boxPasses = 3

// box is a box of radius 0 or 1 and a fraction, with weights of 24 bits: near for
// the pixels inside, far for the two beyond.
type box struct {
	radius    int
	near, far uint64
}

// newBox returns the box of which boxPasses passes have the variance sigma². The
// types are those of BoxBlur.c in Pillow.
func newBox(sigma float64) box {
	s := float32(sigma)
	variance := float32(s*s) / boxPasses
	length := float32(math.Sqrt(float64(12*float64(variance)) + 1)) // no fused product
	l := float32(math.Floor((float64(length) - 1) / 2))
	a := (2*l + 1) * float32(float32(l*(l+1))-float32(3*variance))
	a /= 6 * float32(variance-float32((l+1)*(l+1)))
	radius := l + a
	whole := int(radius)
	near := uint32(float32(1<<24) / (float32(radius*2) + 1))
	far := (1<<24 - uint32(2*whole+1)*near) / 2
	return box{whole, uint64(near), uint64(far)}
}

// blur writes the weighted sums of the bytes of five rows of equal length; with a
// radius of 0 the outermost ones count nothing. Two 32-bit lanes share a
// multiplication: no sum reaches 2³², since the weights add up to at most 2²⁴.
func (b box) blur(dst, r0, r1, r2, r3, r4 []uint8) {
	const (
		bytesOf4 = 0x00ff00ff00ff00ff
		wordsOf2 = 0x0000ffff0000ffff
		bytesOf2 = 0x000000ff000000ff
		half     = 1<<23 | 1<<55
	)
	if b.radius == 0 {
		// The centre is near, its neighbours are far.
		for len(dst) >= 8 {
			v1, v2, v3 := binary.LittleEndian.Uint64(r1), binary.LittleEndian.Uint64(r2), binary.LittleEndian.Uint64(r3)
			ne, no := v2&bytesOf4, v2>>8&bytesOf4
			fe, fo := v1&bytesOf4+v3&bytesOf4, v1>>8&bytesOf4+v3>>8&bytesOf4
			s0 := (ne&wordsOf2)*b.near + (fe&wordsOf2)*b.far + half
			s1 := (no&wordsOf2)*b.near + (fo&wordsOf2)*b.far + half
			s2 := (ne>>16&wordsOf2)*b.near + (fe>>16&wordsOf2)*b.far + half
			s3 := (no>>16&wordsOf2)*b.near + (fo>>16&wordsOf2)*b.far + half
			binary.LittleEndian.PutUint64(dst, s0>>24&bytesOf2|s1>>24&bytesOf2<<8|s2>>24&bytesOf2<<16|s3>>24&bytesOf2<<24)
			dst, r1, r2, r3 = dst[8:], r1[8:], r2[8:], r3[8:]
		}
		for i := range dst {
			dst[i] = uint8((uint64(r2[i])*b.near + (uint64(r1[i])+uint64(r3[i]))*b.far + 1<<23) >> 24)
		}
		return
	}
	for len(dst) >= 8 {
		v0, v1, v2 := binary.LittleEndian.Uint64(r0), binary.LittleEndian.Uint64(r1), binary.LittleEndian.Uint64(r2)
		v3, v4 := binary.LittleEndian.Uint64(r3), binary.LittleEndian.Uint64(r4)
		ne := v1&bytesOf4 + v2&bytesOf4 + v3&bytesOf4
		no := v1>>8&bytesOf4 + v2>>8&bytesOf4 + v3>>8&bytesOf4
		fe, fo := v0&bytesOf4+v4&bytesOf4, v0>>8&bytesOf4+v4>>8&bytesOf4
		s0 := (ne&wordsOf2)*b.near + (fe&wordsOf2)*b.far + half
		s1 := (no&wordsOf2)*b.near + (fo&wordsOf2)*b.far + half
		s2 := (ne>>16&wordsOf2)*b.near + (fe>>16&wordsOf2)*b.far + half
		s3 := (no>>16&wordsOf2)*b.near + (fo>>16&wordsOf2)*b.far + half
		binary.LittleEndian.PutUint64(dst, s0>>24&bytesOf2|s1>>24&bytesOf2<<8|s2>>24&bytesOf2<<16|s3>>24&bytesOf2<<24)
		dst, r0, r1, r2, r3, r4 = dst[8:], r0[8:], r1[8:], r2[8:], r3[8:], r4[8:]
	}
	for i := range dst {
		near := uint64(r1[i]) + uint64(r2[i]) + uint64(r3[i])
		dst[i] = uint8((near*b.near + (uint64(r0[i])+uint64(r4[i]))*b.far + 1<<23) >> 24)
	}
}
