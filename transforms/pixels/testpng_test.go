package pixels

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"hash/crc32"
	"math/rand/v2"
)

// appendTestChunk appends a PNG chunk.
func appendTestChunk(dst []byte, name string, body []byte) []byte {
	dst = binary.BigEndian.AppendUint32(dst, uint32(len(body)))
	at := len(dst)
	dst = append(append(dst, name...), body...)
	return binary.BigEndian.AppendUint32(dst, crc32.ChecksumIEEE(dst[at:]))
}

// buildPNG writes a file of any format from filtered rows, with the compressed
// data cut into chunks of at most split bytes.
func buildPNG(hdr pngHeader, palette, transparency, rows []byte, split int) []byte {
	colourType := map[Kind]byte{Gray: 0, RGB: 2, Palette: 3, GrayAlpha: 4, RGBA: 6}[hdr.kind]
	ihdr := binary.BigEndian.AppendUint32(nil, uint32(hdr.w))
	ihdr = binary.BigEndian.AppendUint32(ihdr, uint32(hdr.h))
	ihdr = append(ihdr, byte(hdr.depth), colourType, 0, 0, 0)
	if hdr.interlaced {
		ihdr[12] = 1
	}
	out := appendTestChunk([]byte(pngMagic), "IHDR", ihdr)
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
func randomPNG(rnd *rand.Rand, hdr pngHeader, transparent bool, split int) []byte {
	var palette, transparency []byte
	if hdr.kind == Palette {
		palette = make([]byte, 3*(1+rnd.IntN(1<<hdr.depth)))
		for i := range palette {
			palette[i] = byte(rnd.Uint32())
		}
	}
	if transparent {
		switch hdr.kind {
		case Gray:
			transparency = []byte{0, byte(rnd.IntN(2))}
		case RGB:
			transparency = []byte{0, 1, 0, 2, 0, 3}
		case Palette:
			transparency = make([]byte, rnd.IntN(len(palette)/3+1))
		}
	}
	var rows []byte
	for _, p := range hdr.passes() {
		w, h := p.size(hdr.w, hdr.h)
		for range h {
			rows = append(rows, byte(rnd.IntN(5)))
			for v, i := byte(0), hdr.rowBytes(w); i > 0; i-- {
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
	hdr := map[string]pngHeader{
		"gray16.png":   {w: 5, h: 3, kind: Gray, depth: 16},
		"palette2.png": {w: 9, h: 4, kind: Palette, depth: 2},
		"rgba16i.png":  {w: 9, h: 9, kind: RGBA, depth: 16, interlaced: true},
	}[name]
	return randomPNG(rand.New(rand.NewPCG(11, 12)), hdr, true, 50)
}
