package pixels

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"testing"

	"semidavil/internal/fixture"
	"semidavil/transforms/pixels/fastpng"
)

// fixChecksums recomputes the checksums of all chunks.
func fixChecksums(data []byte) []byte {
	data = bytes.Clone(data)
	for p := len(fastpng.Signature); p+12 <= len(data); {
		n := int(binary.BigEndian.Uint32(data[p:]))
		if n > len(data)-p-12 {
			break
		}
		binary.BigEndian.PutUint32(data[p+8+n:], crc32.ChecksumIEEE(data[p+4:p+8+n]))
		p += 12 + n
	}
	return data
}

func smallPNG(t testing.TB) []byte {
	img, _ := scene(40, 30, 1)
	var e fastpng.Encoder
	data, err := e.EncodePNG(nil, img, fastpng.Fast)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// TestTruncated cuts a file at every length: it is read as soon as all pixels are there,
// whatever else is missing.
func TestTruncated(t *testing.T) {
	data := smallPNG(t)
	var c Codec
	whole, err := c.DecodeRGB(data)
	if err != nil {
		t.Fatal(err)
	}
	idat := bytes.Index(data, []byte("IDAT"))
	n := int(binary.BigEndian.Uint32(data[idat-4:]))
	end := idat + 4 + n - 4 // of the deflate stream, whose last two bytes may hold its end alone
	read := 0
	for n := range data {
		img, err := c.DecodeRGB(data[:n])
		_, errIDs := c.DecodeIDs(data[:n])
		switch {
		case err == nil && errIDs == nil && n >= end-2:
			read++
			if !bytes.Equal(img.Pix, whole.Pix) {
				t.Fatalf("cut to %d bytes: pixels differ", n)
			}
		case n >= end || !errors.Is(err, ErrTruncated) || !errors.Is(errIDs, ErrTruncated):
			t.Fatalf("cut to %d bytes: %v; %v", n, err, errIDs)
		}
	}
	// Compressed data that end early within a whole file.
	for keep, want := range map[int]error{0: ErrTruncated, 1: ErrTruncated, 2: ErrTruncated, 3: ErrTruncated, n / 2: ErrTruncated, n - 8: ErrTruncated, n - 4: nil, n - 1: nil} {
		short := bytes.Clone(data[:idat-4])
		short = appendTestChunk(short, "IDAT", data[idat+4:][:keep])
		short = appendTestChunk(short, "IEND", nil)
		if _, err := c.DecodeRGB(short); !errors.Is(err, want) {
			t.Errorf("%d of %d compressed bytes: %v, want %v", keep, n, err, want)
		}
	}
}

// TestDamaged changes every byte of a file in turn: an error, or no other pixels.
func TestDamaged(t *testing.T) {
	data := withChunk(withChunk(smallPNG(t), "tEXt", []byte("a\x00b"), false), "tEXt", []byte("a\x00b"), true)
	var c Codec
	whole, err := c.DecodeRGB(data)
	if err != nil {
		t.Fatal(err)
	}
	idat := bytes.Index(data, []byte("IDAT"))
	end := idat + 4 + int(binary.BigEndian.Uint32(data[idat-4:])) + 4
	for i := range data {
		for _, bit := range []byte{0x10, 0x20} {
			bad := bytes.Clone(data)
			bad[i] ^= bit
			img, err := c.DecodeRGB(bad)
			if err == nil && !bytes.Equal(img.Pix, whole.Pix) {
				t.Fatalf("byte %d damaged: other pixels", i)
			}
			if err == nil && i >= idat && i < end || err != nil && !errors.Is(err, ErrFormat) && !errors.Is(err, ErrTruncated) {
				t.Fatalf("byte %d damaged: %v", i, err)
			}
			if err != nil && i >= end {
				t.Fatalf("byte %d, behind the pixels, damaged: %v", i, err)
			}
			// With right chunk checksums the compressed data have to be checked.
			checkDecode(t, &c, fixChecksums(bad))
		}
	}
}

func TestTrailingBytes(t *testing.T) {
	var c Codec
	if _, err := c.DecodeRGB(append(smallPNG(t), "and more"...)); err != nil {
		t.Fatal(err)
	}
}

// TestSizes checks sizes that must be refused before memory is taken.
func TestSizes(t *testing.T) {
	withSize := func(w, h uint32) []byte {
		data := smallPNG(t)
		binary.BigEndian.PutUint32(data[16:], w)
		binary.BigEndian.PutUint32(data[20:], h)
		return fixChecksums(data)
	}
	for _, test := range []struct {
		w, h uint32
		max  int
		want error
	}{
		{0, 30, 0, ErrFormat}, {40, 0, 0, ErrFormat}, {1 << 31, 1, 0, ErrFormat},
		{1<<31 - 1, 1<<31 - 1, 0, ErrTooLarge}, {10001, 10000, 0, ErrTooLarge},
		{10000, 10000, 0, ErrTruncated}, // as many pixels as are allowed, in 2 kB
		{40, 30, 1199, ErrTooLarge}, {40, 30, 1200, nil},
		{40, 31, 0, ErrFormat}, {40, 29, 0, nil}, // a row too few, one too many
	} {
		c := Codec{MaxPixels: test.max}
		_, err := c.DecodeRGB(withSize(test.w, test.h))
		_, errIDs := c.DecodeIDs(withSize(test.w, test.h))
		if !errors.Is(err, test.want) || !errors.Is(errIDs, test.want) {
			t.Errorf("%dx%d, limit %d: %v; %v; want %v", test.w, test.h, test.max, err, errIDs, test.want)
		}
	}
}

func TestNoImage(t *testing.T) {
	var c Codec
	for _, s := range []string{"GIF89a and so on", "<html></html>", "\x89PNG\r\n\x1b\n", "x"} {
		if _, err := c.DecodeRGB([]byte(s)); !errors.Is(err, ErrFormat) {
			t.Errorf("%q: %v", s, err)
		}
		if _, err := c.DecodeIDs([]byte(s)); !errors.Is(err, ErrFormat) {
			t.Errorf("%q: %v", s, err)
		}
	}
	for _, s := range []string{"", "\x89PN", "\xff\xd8"} {
		if _, err := c.DecodeRGB([]byte(s)); !errors.Is(err, ErrTruncated) {
			t.Errorf("%q: %v", s, err)
		}
	}
}

// FuzzDecode compares with image/png: the same pixels, or both an error. Memory is not taken
// for the size that a file claims.
// Checksums are put right first, so that damage reaches what they protect.
func FuzzDecode(f *testing.F) {
	f.Add(smallPNG(f))
	for _, s := range []string{"gray16.png", "palette2.png", "rgba16i.png"} {
		f.Add(fuzzSeed(s))
	}
	var c Codec
	f.Fuzz(func(t *testing.T, data []byte) {
		data = fixChecksums(data)
		if isPNG(data) {
			// Rows of which one byte makes eight pixels, three bytes each.
			fixture.Modest(t, 8<<20+1032*(2+8*3)*len(data), func() {
				_, _ = new(Codec).DecodeRGB(data)
				_, _ = new(Codec).DecodeIDs(data)
			})
			checkDecode(t, &c, data)
		}
	})
}
