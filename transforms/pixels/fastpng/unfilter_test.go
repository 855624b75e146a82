package fastpng

import (
	"bytes"
	"math/rand/v2"
	"testing"
)

// TestPaeth compares all inputs with the definition in section 9.4 of the PNG
// specification.
func TestPaeth(t *testing.T) {
	dist := func(x int) int {
		if x < 0 {
			return -x
		}
		return x
	}
	for a := range 256 {
		for b := range 256 {
			for c := range 256 {
				p := a + b - c
				pa, pb, pc := dist(p-a), dist(p-b), dist(p-c)
				want := c
				if pa <= pb && pa <= pc {
					want = a
				} else if pb <= pc {
					want = b
				}
				if got := paeth(a, b, c); int(got) != want {
					t.Fatalf("paeth(%d, %d, %d) = %d, want %d", a, b, c, got, want)
				}
			}
		}
	}
}

// TestUnfilterInverts filters random rows by the definitions and reverses it,
// in place and not, for every pixel size.
func TestUnfilterInverts(t *testing.T) {
	rnd := rand.New(rand.NewPCG(5, 6))
	for _, bpp := range []int{1, 2, 3, 4, 6, 8} {
		for n := 1; n < 40; n++ {
			row, prev := make([]uint8, bpp*n), make([]uint8, bpp*n)
			for i := range row {
				row[i], prev[i] = uint8(rnd.Uint32()), uint8(rnd.Uint32())
			}
			for filter := range uint8(5) {
				src := make([]uint8, len(row))
				for i, v := range row {
					var a, b, c int
					b = int(prev[i])
					if i >= bpp {
						a, c = int(row[i-bpp]), int(prev[i-bpp])
					}
					src[i] = v - [5]uint8{0, uint8(a), uint8(b), uint8((a + b) / 2), paeth(a, b, c)}[filter]
				}
				dst := make([]uint8, len(row))
				if !unfilter(filter, dst, src, prev, bpp) || !bytes.Equal(dst, row) {
					t.Fatalf("filter %d, %d bytes a pixel, %d pixels", filter, bpp, n)
				}
				if unfilter(filter, src, src, prev, bpp); !bytes.Equal(src, row) {
					t.Fatalf("filter %d in place, %d bytes a pixel, %d pixels", filter, bpp, n)
				}
			}
		}
	}
	if unfilter(5, make([]uint8, 3), make([]uint8, 3), make([]uint8, 3), 3) {
		t.Error("filter 5 accepted")
	}
}
