package fastpng

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
)

// Signature is how every PNG file begins.
const Signature = "\x89PNG\r\n\x1a\n"

// header holds what the IHDR chunk says.
type header struct {
	w, h       int
	depth      int // bits of a sample
	kind       Kind
	interlaced bool
}

// bitsPerPixel returns 1 to 64.
func (h header) bitsPerPixel() int { return h.depth * h.kind.channels() }

// rowBytes returns the length of a row of w pixels without its filter byte.
func (h header) rowBytes(w int) int { return (w*h.bitsPerPixel() + 7) / 8 }

// file is a PNG file taken apart: checked chunks, pixels still compressed.
type file struct {
	header
	palette [256][3]uint8 // black beyond the PLTE chunk
	colours int           // in the PLTE chunk
	idat    []byte        // contents of the IDAT chunks, joined
}

// nextChunk returns the first chunk of data and what follows it, with its
// checksum verified.
func nextChunk(data []byte) (name string, body, rest []byte, err error) {
	if len(data) < 12 {
		return "", nil, nil, fmt.Errorf("chunk header: %w", ErrTruncated)
	}
	n := binary.BigEndian.Uint32(data)
	name = string(data[4:8])
	if n > 0x7fffffff {
		return "", nil, nil, fmt.Errorf("chunk %q of %d bytes: %w", name, n, ErrFormat)
	}
	if int64(n) > int64(len(data)-12) {
		return "", nil, nil, fmt.Errorf("chunk %q of %d bytes: %w", name, n, ErrTruncated)
	}
	body = data[8 : 8+n]
	if crc32.ChecksumIEEE(data[4:8+n]) != binary.BigEndian.Uint32(data[8+n:]) {
		return "", nil, nil, fmt.Errorf("chunk %q: checksum does not match: %w", name, ErrFormat)
	}
	return name, body, data[12+n:], nil
}

// parseHeader reads the signature and the IHDR chunk.
func parseHeader(data []byte) (header, error) {
	name, body, _, err := nextChunk(data[len(Signature):])
	if err != nil {
		return header{}, err
	}
	if name != "IHDR" || len(body) != 13 {
		return header{}, fmt.Errorf("first chunk is %q of %d bytes, want IHDR of 13: %w", name, len(body), ErrFormat)
	}
	w, h := binary.BigEndian.Uint32(body), binary.BigEndian.Uint32(body[4:])
	hdr := header{w: int(w), h: int(h), depth: int(body[8])}
	if w == 0 || h == 0 || w > 0x7fffffff || h > 0x7fffffff {
		return header{}, fmt.Errorf("size %dx%d: %w", w, h, ErrFormat)
	}
	var depths string
	switch body[9] {
	case 0:
		hdr.kind, depths = Gray, "\x01\x02\x04\x08\x10"
	case 2:
		hdr.kind, depths = RGB, "\x08\x10"
	case 3:
		hdr.kind, depths = Palette, "\x01\x02\x04\x08"
	case 4:
		hdr.kind, depths = GrayAlpha, "\x08\x10"
	case 6:
		hdr.kind, depths = RGBA, "\x08\x10"
	}
	ok := false
	for i := range len(depths) {
		ok = ok || depths[i] == body[8]
	}
	if !ok {
		return header{}, fmt.Errorf("colour type %d with depth %d: %w", body[9], body[8], ErrFormat)
	}
	if body[10] != 0 || body[11] != 0 || body[12] > 1 {
		return header{}, fmt.Errorf("compression %d, filter %d, interlace %d: %w", body[10], body[11], body[12], ErrFormat)
	}
	hdr.interlaced = body[12] == 1
	return hdr, nil
}

// parse checks every chunk up to IEND. The compressed pixels are joined in
// d.joined, with inflateSlop more bytes of capacity after them.
func (d *Decoder) parse(data []byte, limit int) (*file, error) {
	hdr, err := parseHeader(data)
	if err != nil {
		return nil, err
	}
	if err := CheckSize(hdr.w, hdr.h, limit); err != nil {
		return nil, err
	}
	f := &file{header: hdr}
	d.joined = grow(d.joined, len(data)+inflateSlop)[:0]
	var seenPalette, seenTransparency, seenData, dataEnded bool
	for rest := data[len(Signature)+25:]; ; {
		var name string
		var body []byte
		if name, body, rest, err = nextChunk(rest); err != nil {
			return nil, err
		}
		ok := true
		switch name {
		case "IHDR":
			ok = false
		case "PLTE":
			ok = !seenPalette && !seenTransparency && !seenData && f.setPalette(body)
			seenPalette = true
		case "tRNS":
			ok = !seenTransparency && !seenData && f.validTransparency(body, seenPalette)
			seenTransparency = true
		case "IDAT":
			ok = seenPalette || f.kind != Palette
			seenData = true
			// Data chunks follow each other; later ones are of no use.
			if !dataEnded {
				d.joined = append(d.joined, body...)
			}
		case "IEND":
			if ok = seenData && len(body) == 0; ok {
				f.idat = d.joined
				return f, nil
			}
		}
		if !ok {
			return nil, fmt.Errorf("chunk %q of %d bytes: out of order or of a wrong length: %w", name, len(body), ErrFormat)
		}
		dataEnded = seenData && name != "IDAT"
	}
}

// setPalette reads a PLTE chunk; it reports whether the chunk may be there.
func (f *file) setPalette(body []byte) bool {
	n := len(body) / 3
	if n == 0 || len(body)%3 != 0 || n > 256 || n > 1<<f.depth || f.kind == Gray || f.kind == GrayAlpha {
		return false
	}
	for i := range n {
		f.palette[i] = [3]uint8(body[3*i:])
	}
	f.colours = n
	return true
}

// validTransparency checks a tRNS chunk, which is otherwise ignored.
func (f *file) validTransparency(body []byte, seenPalette bool) bool {
	switch f.kind {
	case Gray:
		return len(body) == 2
	case RGB:
		return len(body) == 6
	case Palette:
		return seenPalette && len(body) <= 256
	}
	return false
}
