package pixels

import (
	"bytes"
	"compress/zlib"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"

	"semidavil/transforms/pixels/fastpng"
)

// chunksOf takes a PNG file apart and puts it together with other chunks: between header
// and palette, between palette and pixels, and behind the pixels.
func chunksOf(data []byte, first, middle, last []byte) []byte {
	head := len(fastpng.Signature) + 25
	idat := bytes.Index(data, []byte("IDAT")) - 4
	return bytes.Join([][]byte{data[:head], first, data[head:idat], middle, data[idat : len(data)-12], last, data[len(data)-12:]}, nil)
}

// deflated is a zlib stream at a level.
func deflated(rows []byte, level int) []byte {
	var z bytes.Buffer
	zw, _ := zlib.NewWriterLevel(&z, level)
	zw.Write(rows)
	zw.Close()
	return z.Bytes()
}

// unfinished is a zlib stream without an end.
func unfinished(rows []byte) []byte {
	var z bytes.Buffer
	zw := zlib.NewWriter(&z)
	zw.Write(rows)
	zw.Flush()
	return z.Bytes()
}

func badSum(chunk []byte) []byte {
	chunk = bytes.Clone(chunk)
	chunk[len(chunk)-1] ^= 1
	return chunk
}

// TestTolerance: files that break a rule which pixels do not depend on are read, as libpng
// 1.6 or Pillow 13 reads them, and have the pixels of the plain file.
func TestTolerance(t *testing.T) {
	rnd := rand.New(rand.NewPCG(3, 4))
	chunk := func(name string, body []byte) []byte { return appendTestChunk(nil, name, body) }
	var c Codec
	for _, f := range formats {
		for _, interlaced := range []bool{false, true} {
			hdr := layout{w: 13, h: 9, kind: f.kind, depth: f.depth, interlaced: interlaced}
			plain := randomPNG(rnd, hdr, false, 1<<20)
			want, err := c.DecodeRGB(plain)
			if err != nil {
				t.Fatal(err)
			}
			variants := map[string][]byte{}
			for _, n := range []int{0, 1, 2, 3, 6, 7, 256, 257} {
				trns := chunk("tRNS", make([]byte, n))
				variants[fmt.Sprintf("tRNS of %d bytes", n)] = chunksOf(plain, nil, trns, nil)
				variants[fmt.Sprintf("tRNS of %d bytes before all", n)] = chunksOf(plain, trns, nil, nil)
				variants[fmt.Sprintf("tRNS of %d bytes behind the pixels", n)] = chunksOf(plain, nil, nil, trns)
				variants[fmt.Sprintf("two tRNS of %d bytes", n)] = chunksOf(plain, nil, append(trns, trns...), nil)
				variants[fmt.Sprintf("tRNS of %d bytes with a wrong checksum", n)] = chunksOf(plain, nil, badSum(trns), nil)
				plte := chunk("PLTE", make([]byte, 3*n))
				variants[fmt.Sprintf("PLTE of %d entries behind the pixels", n)] = chunksOf(plain, nil, nil, plte)
				if f.kind != fastpng.Palette {
					variants[fmt.Sprintf("PLTE of %d entries", n)] = chunksOf(plain, plte, nil, nil)
					variants[fmt.Sprintf("PLTE of %d bytes", n)] = chunksOf(plain, chunk("PLTE", make([]byte, n)), nil, nil)
					variants[fmt.Sprintf("tRNS, two PLTE of %d entries", n)] = chunksOf(plain, trns, append(plte, plte...), nil)
					variants[fmt.Sprintf("PLTE of %d entries with a wrong checksum", n)] = chunksOf(plain, badSum(plte), nil, nil)
				}
			}
			for _, name := range []string{"zzZz", "zzZZ", "tEXt", "gAMA", "iCCP", "pHYs", "bKGD"} {
				bad := badSum(chunk(name, []byte("junk")))
				variants[name+" with a wrong checksum"] = chunksOf(plain, bad, bad, nil)
				variants[name+" with a wrong checksum behind the pixels"] = chunksOf(plain, nil, nil, bad)
				variants[name+" cut, behind the pixels"] = chunksOf(plain, nil, nil, bad)[:len(plain)]
			}
			end := len(plain) - 12
			variants["no IEND"] = plain[:end]
			variants["zeros for an IEND"] = append(bytes.Clone(plain[:end]), make([]byte, 40)...)
			variants["junk for an IEND"] = append(bytes.Clone(plain[:end]), "\xff\xff\xff\xffjunk"...)
			variants["IEND with a wrong checksum"] = badSum(plain)
			variants["IEND with a body"] = append(bytes.Clone(plain[:end]), chunk("IEND", []byte("abc"))...)
			variants["pixels without their checksum"] = plain[:end-4]
			variants["IHDR behind the pixels"] = chunksOf(plain, nil, nil, plain[8:33])

			idat := bytes.Index(plain, []byte("IDAT")) - 4
			rows := inflated(t, plain[idat+8:end-4])
			file := func(z []byte) []byte {
				return append(append(bytes.Clone(plain[:idat]), chunk("IDAT", z)...), plain[end:]...)
			}
			variants["pixels without an end"] = file(unfinished(rows))
			for _, level := range []int{0, 1, 9} {
				for _, n := range []int{1, 9, 70_000} {
					z := deflated(append(bytes.Clone(rows), make([]byte, n)...), level)
					variants[fmt.Sprintf("%d bytes too many, level %d", n, level)] = file(z)
					variants[fmt.Sprintf("%d bytes too many, level %d, a wrong Adler-32", n, level)] = file(badSum(z))
					variants[fmt.Sprintf("%d bytes too many, level %d, cut", n, level)] = file(z[:len(z)-4])
				}
			}
			for name, data := range variants {
				got, err := c.DecodeRGB(data)
				if err != nil || !bytes.Equal(got.Pix, want.Pix) {
					t.Errorf("%v of %d bits, interlaced %v, %s: %v", f.kind, f.depth, interlaced, name, err)
				}
				checkDecode(t, &c, data)
			}
		}
	}
}

// inflated decompresses a whole zlib stream.
func inflated(t *testing.T, z []byte) []byte {
	var rows bytes.Buffer
	r, err := zlib.NewReader(bytes.NewReader(z))
	if err == nil {
		_, err = rows.ReadFrom(r)
	}
	if err != nil {
		t.Fatal(err)
	}
	return rows.Bytes()
}

// TestPaletteOfManyColours: indices of 1, 2 and 4 bits reach the first colours only.
func TestPaletteOfManyColours(t *testing.T) {
	var c Codec
	rows := []byte{0, 0b00011011, 0, 0b11100100}
	for depth, want := range map[int][]uint8{1: {0, 0, 0, 1, 1, 1, 1, 0}, 2: {0, 1, 2, 3, 3, 2, 1, 0}, 4: {1, 11, 14, 4}} {
		hdr := layout{w: 8 / depth, h: 2, kind: fastpng.Palette, depth: depth}
		if depth == 1 {
			hdr.w = 4
		}
		for _, n := range []int{1<<depth + 1, 256} {
			palette := make([]byte, 3*n)
			for i := range palette {
				palette[i] = byte(200 - i)
			}
			data := buildPNG(hdr, palette, nil, rows, 9)
			checkDecode(t, &c, data)
			ids, err := c.DecodeIDs(data)
			if err != nil || !bytes.Equal(ids.Pix8, want) || len(ids.Palette) != 1<<depth {
				t.Errorf("depth %d, %d colours: %v, %d kept, %v", depth, n, ids.Pix8, len(ids.Palette), err)
			}
			img, err := c.DecodeRGB(data)
			if err != nil || img.Pix[0] != byte(200-3*int(want[0])) {
				t.Errorf("depth %d, %d colours: %v, %v", depth, n, img, err)
			}
		}
	}
}

// TestIntolerance: what neither libpng nor Pillow reads, and palettes and headers that libpng
// refuses, stay errors.
func TestIntolerance(t *testing.T) {
	rnd := rand.New(rand.NewPCG(5, 6))
	var c Codec
	chunk := func(name string, body []byte) []byte { return appendTestChunk(nil, name, body) }
	gray := randomPNG(rnd, layout{w: 13, h: 9, kind: fastpng.Gray, depth: 8}, false, 1<<20)
	hdr := layout{w: 13, h: 9, kind: fastpng.Palette, depth: 8}
	rows := make([]byte, 9*14)
	coloured := func(palette []byte) []byte { return buildPNG(hdr, palette, nil, rows, 1<<20) }
	idat := bytes.Index(gray, []byte("IDAT")) - 4
	pixels := inflated(t, gray[idat+8:len(gray)-16])
	stream := func(z []byte) []byte {
		return append(append(bytes.Clone(gray[:idat]), chunk("IDAT", z)...), gray[len(gray)-12:]...)
	}
	for name, test := range map[string]struct {
		data []byte
		want error
	}{
		"unknown critical chunk with a wrong checksum": {chunksOf(gray, badSum(chunk("ABCD", nil)), nil, nil), ErrFormat},
		"no name of a chunk, with a wrong checksum":    {chunksOf(gray, badSum(chunk("12cd", nil)), nil, nil), ErrFormat},
		"reserved name, with a wrong checksum":         {chunksOf(gray, badSum(chunk("abcd", nil)), nil, nil), ErrFormat},
		"pixels with a wrong checksum":                 {bytes.Join([][]byte{gray[:idat], badSum(gray[idat : len(gray)-12]), gray[len(gray)-12:]}, nil), ErrFormat},
		"a wrong Adler-32":                             {stream(badSum(deflated(pixels, 6))), ErrFormat},
		"a byte too few":                               {stream(deflated(pixels[:len(pixels)-1], 6)), ErrFormat},
		"damage behind the pixels":                     {stream(append(unfinished(pixels), bytes.Repeat([]byte{0xff}, 50)...)), ErrFormat},
		"cut":                                          {stream(deflated(pixels, 6)[:50]), ErrTruncated},
		"cut before the pixels":                        {chunksOf(gray, nil, chunk("tEXt", make([]byte, 100)), nil)[:idat+50], ErrTruncated},
		"two headers":                                  {chunksOf(gray, gray[8:33], nil, nil), ErrFormat},
		"another chunk between the pixels":             {bytes.Join([][]byte{gray[:idat], chunk("IDAT", gray[idat+8:idat+30]), chunk("tEXt", nil), chunk("IDAT", gray[idat+30:len(gray)-16]), gray[len(gray)-12:]}, nil), ErrTruncated},
		"no pixels":                                    {append(bytes.Clone(gray[:idat]), gray[len(gray)-12:]...), ErrFormat},
		"no palette":                                   {coloured(nil), ErrFormat},
		"empty palette":                                {coloured([]byte{}), ErrFormat},
		"257 colours":                                  {coloured(make([]byte, 3*257)), ErrFormat},
		"a third of a colour":                          {coloured(make([]byte, 4)), ErrFormat},
		"two palettes":                                 {chunksOf(coloured(make([]byte, 3)), chunk("PLTE", make([]byte, 6)), nil, nil), ErrFormat},
		"palette with a wrong checksum":                {chunksOf(coloured(nil), badSum(chunk("PLTE", make([]byte, 6))), nil, nil), ErrFormat},
		"palette behind the pixels":                    {chunksOf(coloured(nil), nil, nil, chunk("PLTE", make([]byte, 6))), ErrFormat},
	} {
		_, err := c.DecodeRGB(test.data)
		_, errIDs := c.DecodeIDs(test.data)
		if !errors.Is(err, test.want) || !errors.Is(errIDs, test.want) {
			t.Errorf("%s: %v; %v; want %v", name, err, errIDs, test.want)
		}
	}
}
