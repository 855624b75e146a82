package pixels

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"hash/crc32"
	"io"
	"math/rand/v2"

	"semidavil/transforms/pixels/fastpng"
)

// appendTestChunk appends a PNG chunk.
func appendTestChunk(dst []byte, name string, body []byte) []byte {
	dst = binary.BigEndian.AppendUint32(dst, uint32(len(body)))
	at := len(dst)
	dst = append(append(dst, name...), body...)
	return binary.BigEndian.AppendUint32(dst, crc32.ChecksumIEEE(dst[at:]))
}

// layout is what the header of a test file says.
type layout struct {
	w, h       int
	kind       fastpng.Kind
	depth      int
	interlaced bool
}

// passes returns the sizes of the images that a file consists of, columns and rows.
func (l layout) passes() (sizes [][2]int) {
	if !l.interlaced {
		return [][2]int{{l.w, l.h}}
	}
	for _, p := range [][4]int{{0, 0, 8, 8}, {4, 0, 8, 8}, {0, 4, 4, 8}, {2, 0, 4, 4}, {0, 2, 2, 4}, {1, 0, 2, 2}, {0, 1, 1, 2}} {
		if w, h := (l.w-p[0]+p[2]-1)/p[2], (l.h-p[1]+p[3]-1)/p[3]; w > 0 && h > 0 {
			sizes = append(sizes, [2]int{w, h})
		}
	}
	return sizes
}

var colourTypes = map[fastpng.Kind]byte{fastpng.Gray: 0, fastpng.RGB: 2, fastpng.Palette: 3, fastpng.GrayAlpha: 4, fastpng.RGBA: 6}

// rowBytes returns the length of a row of w pixels without its filter byte.
func (l layout) rowBytes(w int) int {
	channels := map[fastpng.Kind]int{fastpng.GrayAlpha: 2, fastpng.RGB: 3, fastpng.RGBA: 4}
	return (w*l.depth*max(1, channels[l.kind]) + 7) / 8
}

// tidy writes a file anew with what its pixels need, as the specification has it: the
// header, the palette of indices, as many bytes of pixels as there are to be. It returns
// nil where one of them is missing.
func tidy(data []byte) []byte {
	var hdr layout
	var palette, pixels []byte
	for p := len(fastpng.Signature); p+8 <= len(data); {
		name, end := string(data[p+4:p+8]), p+8+int(binary.BigEndian.Uint32(data[p:]))
		body := data[p+8 : min(end, len(data))]
		if pixels != nil && name != "IDAT" {
			break
		}
		switch name {
		case "IHDR":
			hdr = layout{w: int(binary.BigEndian.Uint32(body)), h: int(binary.BigEndian.Uint32(body[4:])), depth: int(body[8]), interlaced: body[12] == 1}
			for kind, colourType := range colourTypes {
				if colourType == body[9] {
					hdr.kind = kind
				}
			}
		case "PLTE":
			if hdr.kind == fastpng.Palette {
				palette = body[:min(len(body), 3<<hdr.depth)]
			}
		case "IDAT":
			pixels = append(pixels, body...)
		}
		p = end + 4
	}
	n := 0
	for _, p := range hdr.passes() {
		n += p[1] * (1 + hdr.rowBytes(p[0]))
	}
	z, err := zlib.NewReader(bytes.NewReader(pixels))
	if err != nil {
		return nil
	}
	rows := make([]byte, n)
	if _, err := io.ReadFull(z, rows); err != nil {
		return nil
	}
	return buildPNG(hdr, palette, nil, rows, len(data))
}

// buildPNG writes a file of any format from filtered rows, with the compressed
// data cut into chunks of at most split bytes.
func buildPNG(hdr layout, palette, transparency, rows []byte, split int) []byte {
	ihdr := binary.BigEndian.AppendUint32(nil, uint32(hdr.w))
	ihdr = binary.BigEndian.AppendUint32(ihdr, uint32(hdr.h))
	ihdr = append(ihdr, byte(hdr.depth), colourTypes[hdr.kind], 0, 0, 0)
	if hdr.interlaced {
		ihdr[12] = 1
	}
	out := appendTestChunk([]byte(fastpng.Signature), "IHDR", ihdr)
	if palette != nil {
		out = appendTestChunk(out, "PLTE", palette)
	}
	if transparency != nil {
		out = appendTestChunk(out, "tRNS", transparency)
	}
	var z bytes.Buffer
	zw := zlib.NewWriter(&z)
	zw.Write(rows)
	zw.Close()
	for b := z.Bytes(); len(b) > 0; b = b[min(split, len(b)):] {
		out = appendTestChunk(out, "IDAT", b[:min(split, len(b))])
	}
	return appendTestChunk(out, "IEND", nil)
}

// randomPNG fills a file with random bytes, some of them repeated, and random
// filters.
func randomPNG(rnd *rand.Rand, hdr layout, transparent bool, split int) []byte {
	var palette, transparency []byte
	if hdr.kind == fastpng.Palette {
		palette = make([]byte, 3*(1+rnd.IntN(1<<hdr.depth)))
		for i := range palette {
			palette[i] = byte(rnd.Uint32())
		}
	}
	if transparent {
		switch hdr.kind {
		case fastpng.Gray:
			transparency = []byte{0, byte(rnd.IntN(2))}
		case fastpng.RGB:
			transparency = []byte{0, 1, 0, 2, 0, 3}
		case fastpng.Palette:
			transparency = make([]byte, rnd.IntN(len(palette)/3+1))
		}
	}
	var rows []byte
	for _, p := range hdr.passes() {
		for range p[1] {
			rows = append(rows, byte(rnd.IntN(5)))
			for v, i := byte(0), hdr.rowBytes(p[0]); i > 0; i-- {
				if rnd.IntN(3) > 0 {
					v = byte(rnd.Uint32())
				}
				rows = append(rows, v)
			}
		}
	}
	return buildPNG(hdr, palette, transparency, rows, split)
}

// fuzzSeed makes a small file of a format.
func fuzzSeed(name string) []byte {
	hdr := map[string]layout{
		"gray16.png":   {w: 5, h: 3, kind: fastpng.Gray, depth: 16},
		"palette2.png": {w: 9, h: 4, kind: fastpng.Palette, depth: 2},
		"rgba16i.png":  {w: 9, h: 9, kind: fastpng.RGBA, depth: 16, interlaced: true},
	}[name]
	return randomPNG(rand.New(rand.NewPCG(11, 12)), hdr, true, 50)
}
