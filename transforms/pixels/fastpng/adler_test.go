package fastpng

import (
	"bytes"
	"hash/adler32"
	"math/rand/v2"
	"testing"
)

func TestAdler(t *testing.T) {
	p := bytes.Repeat([]byte{255}, 100_000)
	rnd := rand.New(rand.NewPCG(9, 10))
	for i := range p[50_000:] {
		p[50_000+i] = byte(rnd.Uint32())
	}
	for _, n := range []int{0, 1, 7, 8, 175, 176, 177, 5455, 5456, 5552, 49_999, 100_000} {
		if got, want := adler32sum(p[:n]), adler32.Checksum(p[:n]); got != want {
			t.Errorf("%d bytes: %08x, want %08x", n, got, want)
		}
	}
}
