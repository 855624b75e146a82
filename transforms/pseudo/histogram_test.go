package pseudo

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"

	"semidavil/internal/fixture"
)

// slowEdges are the buckets by their definition: 64 of one value, then 64 for each
// octave of d = 65535-q.
func slowEdges() (low, high []uint32) {
	d := 0
	add := func(width int) {
		low, high = append(low, uint32(65535-(d+width-1))), append(high, uint32(65535-d))
		d += width
	}
	for range 64 {
		add(1)
	}
	for octave := 64; octave < One; octave *= 2 {
		for range 64 {
			add(octave / 64)
		}
	}
	return low, high
}

func TestBucketsEqualSlowVersion(t *testing.T) {
	low, high := slowEdges()
	if len(low) != Buckets || low[Buckets-1] != 0 {
		t.Fatalf("%d buckets down to %d", len(low), low[len(low)-1])
	}
	for b := range Buckets {
		if lo, hi := edges(b); lo != low[b] || hi != high[b] {
			t.Fatalf("bucket %d: %d to %d, want %d to %d", b, lo, hi, low[b], high[b])
		}
		for q := low[b]; q <= high[b]; q++ {
			if bucket(uint16(q)) != uint32(b) {
				t.Fatalf("confidence %d: bucket %d, want %d", q, bucket(uint16(q)), b)
			}
		}
	}
}

func slowHistogram(k int, images ...Prediction) Histogram {
	low, _ := slowEdges()
	h := NewHistogram(k)
	for _, p := range images {
		for i, c := range p.Label {
			b := 0
			for uint32(p.Confidence[i]) < low[b] {
				b++
			}
			h.Counts[c][b]++
			h.Sums[c] += uint64(p.Confidence[i])
		}
	}
	return h
}

func TestAddEqualsSlowVersion(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 5))
	for _, size := range [][3]int{{1, 1, 2}, {2, 1, 2}, {3, 1, 3}, {64, 33, 19}, {5, 7, 255}} {
		p, q := noise(rng, size[0], size[1], size[2]), noise(rng, size[0], size[1], size[2])
		h := NewHistogram(size[2])
		if err := h.Add(p); err != nil {
			t.Fatal(err)
		}
		if err := h.Add(q); err != nil {
			t.Fatal(err)
		}
		if want := slowHistogram(size[2], p, q); !reflect.DeepEqual(h, want) {
			t.Errorf("%v: differs from the slow version", size)
		}
		for c := range size[2] {
			var sum, n float64
			for _, x := range []Prediction{p, q} {
				for i := range x.Label {
					if int(x.Label[i]) == c {
						sum += float64(x.Confidence[i]) / One
						n++
					}
				}
			}
			if n == 0 {
				n = 1
			}
			if d := h.Mean(c) - sum/n; d > 1e-12 || d < -1e-12 {
				t.Errorf("%v: mean %v, want %v", size, h.Mean(c), sum/n)
			}
		}
	}
}

func TestAddRefusesAndCountsNothing(t *testing.T) {
	p := noise(rand.New(rand.NewPCG(6, 6)), 8, 8, 4)
	p.Label[63] = 4
	h := NewHistogram(4)
	if err := h.Add(p); err == nil || !strings.Contains(err.Error(), "train id 4 of 4") {
		t.Error(err)
	}
	p.Confidence = p.Confidence[:10]
	if err := h.Add(p); err == nil {
		t.Error("too few confidences accepted")
	}
	if !reflect.DeepEqual(h, NewHistogram(4)) {
		t.Error("counted in spite of the error")
	}
	for _, g := range []Histogram{NewHistogram(3), {}, {Counts: make([][]uint64, 4), Sums: make([]uint64, 4)}} {
		if err := h.Merge(g); err == nil {
			t.Errorf("%d classes merged", len(g.Counts))
		}
	}
}

// TestMergeLaws: any split of the images, merged in any order, counts the same.
func TestMergeLaws(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 7))
	whole, parts := NewHistogram(5), []Histogram{NewHistogram(5), NewHistogram(5), NewHistogram(5), NewHistogram(5)}
	for range 30 {
		p := noise(rng, 1+rng.IntN(20), 1+rng.IntN(20), 5)
		if err := whole.Add(p); err != nil {
			t.Fatal(err)
		}
		if err := parts[rng.IntN(3)].Add(p); err != nil { // the last part stays empty
			t.Fatal(err)
		}
	}
	for range 6 {
		list := []Histogram{}
		for _, i := range rng.Perm(4) {
			data, err := parts[i].MarshalBinary()
			if err != nil {
				t.Fatal(err)
			}
			var h Histogram
			if err := h.UnmarshalBinary(data); err != nil || !reflect.DeepEqual(h, parts[i]) {
				t.Fatalf("other histogram read back: %v", err)
			}
			list = append(list, h)
		}
		for len(list) > 1 { // a random tree
			i := rng.IntN(len(list) - 1)
			if err := list[i].Merge(list[i+1]); err != nil {
				t.Fatal(err)
			}
			list = append(list[:i+1], list[i+2:]...)
		}
		if !reflect.DeepEqual(list[0], whole) {
			t.Error("other counts in another order")
		}
	}
}

func TestHistogramEveryDamageIsSeen(t *testing.T) {
	h := slowHistogram(3, noise(rand.New(rand.NewPCG(8, 8)), 10, 4, 3))
	data, err := h.MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	for i := range data {
		for bit := range 8 {
			bad := bytes.Clone(data)
			bad[i] ^= 1 << bit
			if err := new(Histogram).UnmarshalBinary(bad); err == nil {
				t.Errorf("byte %d, bit %d: accepted", i, bit)
			}
		}
		if err := new(Histogram).UnmarshalBinary(data[:i]); err == nil {
			t.Errorf("cut to %d bytes: accepted", i)
		}
	}
	if err := new(Histogram).UnmarshalBinary(append(bytes.Clone(data), 0)); err == nil {
		t.Error("trailing byte accepted")
	}
}

// sealHistogram writes numbers as a histogram whose checksum fits.
func sealHistogram(numbers ...uint64) []byte {
	out := []byte("SDPH\x01")
	for _, n := range numbers {
		out = binary.AppendUvarint(out, n)
	}
	return sealBody(out)
}

func sealBody(out []byte) []byte {
	return binary.LittleEndian.AppendUint32(out, crc32.Checksum(out, crc32.MakeTable(crc32.Castagnoli)))
}

func TestHistogramBinaryFormat(t *testing.T) {
	// Class 0: 3 pixels at 65535 and 2 at d = 130 or 131, bucket 129; class 1: none.
	want := sealHistogram(2, 3*65535+65405+65404, 2, 0, 3, 128, 2, 0, 0)
	h := NewHistogram(2)
	h.Counts[0][0], h.Counts[0][129], h.Sums[0] = 3, 2, 3*65535+65405+65404
	if got, err := h.MarshalBinary(); err != nil || !bytes.Equal(got, want) {
		t.Errorf("%x, want %x: %v", got, want, err)
	}
	for name, bad := range map[string][]byte{
		"classes":     sealHistogram(256),
		"sum low":     sealHistogram(1, 65534, 1, 0, 1),
		"sum high":    sealHistogram(1, 2, 1, 703, 1, 1<<40),
		"sum of none": sealHistogram(1, 1, 0),
		"no pixel":    sealHistogram(1, 0, 1, 0, 0),
		"bucket":      sealHistogram(1, 0, 1, 704, 1),
		"buckets":     sealHistogram(1, 65535+65534, 2, 0, 1, 703, 1),
		"pixels":      sealHistogram(1, 0, 1, 703, maxClassPixels+1),
		"all pixels":  sealHistogram(1, 65534*maxClassPixels, 2, 0, maxClassPixels, 0, 1),
		"cut off":     sealHistogram(2, 65535, 1, 0, 1),
		"too long":    sealHistogram(1, 65535, 1, 0, 1, 0),
		"not short":   sealBody([]byte("SDPH\x01\x81\x00\x00\x00")),
		"huge":        sealBody(append([]byte("SDPH\x01\x01"), bytes.Repeat([]byte{255}, 20)...)),
		"magic":       sealBody([]byte("SDPX\x01\x00")),
	} {
		g := NewHistogram(1)
		if err := g.UnmarshalBinary(bad); err == nil || !strings.HasPrefix(err.Error(), "pseudo: decode histogram: ") {
			t.Errorf("%s: %v", name, err)
		} else if !reflect.DeepEqual(g, NewHistogram(1)) {
			t.Errorf("%s: changed in spite of the error", name)
		}
	}
	h.Sums[1] = 5
	if _, err := h.MarshalBinary(); err == nil {
		t.Error("sum without pixels encoded")
	}
}

func FuzzUnmarshalHistogram(f *testing.F) {
	rng := rand.New(rand.NewPCG(9, 9))
	for _, k := range []int{0, 1, 3, 19} {
		h := NewHistogram(k)
		if k > 1 {
			h = slowHistogram(k, noise(rng, 9, 9, k))
		}
		data, err := h.MarshalBinary()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
		f.Add(data[:len(data)-4])
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, d := range [][]byte{data, sealBody(bytes.Clone(data))} {
			var h Histogram
			var err error
			fixture.Modest(t, 8<<20+len(d), func() { err = h.UnmarshalBinary(d) })
			if err != nil {
				continue
			}
			if again, err := h.MarshalBinary(); err != nil || !bytes.Equal(again, d) {
				t.Fatalf("%x became %x: %v", d, again, err)
			}
		}
	})
}
