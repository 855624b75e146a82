package inflate

import (
	"bytes"
	"compress/flate"
	"io"
	"math/rand/v2"
	"testing"
)

// inflateAll decompresses a deflate stream whose output size is known.
func inflateAll(data []byte, n int) ([]byte, int, error) {
	var f Inflater
	src := append(bytes.Clone(data), make([]byte, Slop)...)
	dst := make([]byte, n+Slop)
	used, err := f.Inflate(dst, src, n)
	return dst[:n], used, err
}

// TestInflate decompresses what compress/flate writes at every level: noise,
// repeated patterns of every short length, text-like and empty data.
func TestInflate(t *testing.T) {
	rnd := rand.New(rand.NewPCG(7, 8))
	for kind := range 40 {
		for _, n := range []int{0, 1, 7, 100, 5000, 200_000} {
			plain := make([]byte, n)
			for i := range plain {
				switch {
				case kind == 0:
					plain[i] = byte(rnd.Uint32())
				case kind < 20 && i >= kind && rnd.IntN(50) > 0:
					plain[i] = plain[i-kind]
				case kind < 30:
					plain[i] = byte(rnd.ExpFloat64() * float64(kind))
				case i >= 40 && rnd.IntN(kind) > 0:
					plain[i] = plain[i-1-rnd.IntN(40)]
				default:
					plain[i] = byte(rnd.IntN(2 << (kind % 8)))
				}
			}
			level := []int{flate.HuffmanOnly, 0, 1, 6, 9}[rnd.IntN(5)]
			var z bytes.Buffer
			w, _ := flate.NewWriter(&z, level)
			w.Write(plain)
			w.Close()
			got, used, err := inflateAll(z.Bytes(), n)
			if err != nil || used != z.Len() || !bytes.Equal(got, plain) {
				t.Fatalf("kind %d, %d bytes, level %d: used %d of %d, %v", kind, n, level, used, z.Len(), err)
			}
			if n > 0 {
				if _, _, err := inflateAll(z.Bytes(), n-1); err == nil {
					t.Fatalf("kind %d, %d bytes: one byte too many accepted", kind, n)
				}
			}
			if _, _, err := inflateAll(z.Bytes(), n+1); err == nil {
				t.Fatalf("kind %d, %d bytes: one byte too few accepted", kind, n)
			}
			if _, _, err := inflateAll(z.Bytes()[:z.Len()-1], n); err == nil {
				t.Fatalf("kind %d, %d bytes: cut stream accepted", kind, n)
			}
		}
	}
}

// FuzzInflate compares with compress/flate: the same bytes, or both an error.
func FuzzInflate(f *testing.F) {
	for _, level := range []int{0, 1, 9, flate.HuffmanOnly} {
		var z bytes.Buffer
		w, _ := flate.NewWriter(&z, level)
		for i := range 300 {
			w.Write([]byte{byte(i * i), byte(i), 0, 0, 0, 0, 0, 0})
		}
		w.Close()
		f.Add(z.Bytes())
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		const limit = 1 << 20
		plain, err := io.ReadAll(io.LimitReader(flate.NewReader(bytes.NewReader(data)), limit))
		if len(plain) == limit {
			return
		}
		got, _, gotErr := inflateAll(data, len(plain))
		if (err == nil) != (gotErr == nil) {
			t.Fatalf("compress/flate: %v, inflate: %v", err, gotErr)
		}
		if err == nil && !bytes.Equal(got, plain) {
			t.Fatal("output differs from compress/flate")
		}
	})
}

// TestDistanceTooFar decodes one literal and a match in a block with the fixed
// codes; the match may go back to the literal but not before it.
func TestDistanceTooFar(t *testing.T) {
	for distance, want := range map[int]bool{1: true, 2: false, 3: false} {
		// Final block of type 1, literal 'a', length 3, distance, end of block.
		stream := "1" + "10" + "10010001" + "0000001" + []string{1: "00000", 2: "00001", 3: "00010"}[distance] + "0000000"
		data := make([]byte, (len(stream)+7)/8)
		for i, bit := range stream {
			data[i/8] |= byte(bit-'0') << (i % 8)
		}
		got, _, err := inflateAll(data, 4)
		if (err == nil) != want || want && string(got) != "aaaa" {
			t.Errorf("distance %d: %q, %v", distance, got, err)
		}
	}
}
