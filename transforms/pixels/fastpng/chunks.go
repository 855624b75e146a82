package fastpng

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"

	"semidavil/internal/inflate"
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

// file is a PNG file taken apart: pixels still compressed.
type file struct {
	header
	palette [256][3]uint8 // black beyond the PLTE chunk
	colours int           // in the PLTE chunk, those that an index reaches
	idat    []byte        // contents of the IDAT chunks, joined
}

// chunk is one of a file's; body is as much of it as the file has.
type chunk struct {
	name string
	body []byte
	err  error // ErrTruncated, or ErrFormat where the checksum does not match
}

// nextChunk returns the first chunk of data and what follows it.
func nextChunk(data []byte) (c chunk, rest []byte, err error) {
	if len(data) < 8 {
		return chunk{}, nil, fmt.Errorf("chunk header: %w", ErrTruncated)
	}
	n := binary.BigEndian.Uint32(data)
	c.name = string(data[4:8])
	if n > 0x7fffffff {
		return chunk{}, nil, fmt.Errorf("chunk %q of %d bytes: %w", c.name, n, ErrFormat)
	}
	if int64(n) > int64(len(data)-12) {
		c.body = data[8:min(int64(len(data)), 8+int64(n))]
		c.err = fmt.Errorf("chunk %q of %d bytes: %w", c.name, n, ErrTruncated)
		return c, nil, nil
	}
	c.body = data[8 : 8+n]
	if crc32.ChecksumIEEE(data[4:8+n]) != binary.BigEndian.Uint32(data[8+n:]) {
		c.err = fmt.Errorf("chunk %q: checksum does not match: %w", c.name, ErrFormat)
	}
	return c, data[12+n:], nil
}

// ancillary reports whether pixels can do without the chunk. A name that is none is a sign
// that what was read is not a chunk.
func (c chunk) ancillary() bool {
	for _, b := range []byte(c.name) {
		if b |= 0x20; b < 'a' || b > 'z' {
			return false
		}
	}
	return c.name[0]&0x20 != 0 && c.name[2]&0x20 == 0
}

// parseHeader reads the signature and the IHDR chunk.
func parseHeader(data []byte) (header, error) {
	c, _, err := nextChunk(data[len(Signature):])
	if err == nil {
		err = c.err
	}
	if err != nil {
		return header{}, err
	}
	name, body := c.name, c.body
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

// parse reads the chunks that pixels and orientation need. What libpng or Pillow read is
// read: of no account are a palette where there are no indices, transparency, damaged
// chunks that pixels can do without, and what comes, or is missing, behind the pixels. A
// file may even end within its pixel data: whether all pixels are there the inflater finds.
// The compressed pixels are joined in d.joined, with inflate.Slop more bytes of capacity
// after them.
func (d *Decoder) parse(data []byte, limit int) (*file, error) {
	d.EXIF = nil
	hdr, err := parseHeader(data)
	if err != nil {
		return nil, err
	}
	if err := CheckSize(hdr.w, hdr.h, limit); err != nil {
		return nil, err
	}
	f := &file{header: hdr}
	d.joined = grow(d.joined, len(data)+inflate.Slop)[:0]
	var seenData bool
	rest := data[len(Signature)+25:]
	for {
		var c chunk
		if c, rest, err = nextChunk(rest); err != nil || seenData && c.name != "IDAT" {
			if !seenData {
				return nil, err
			}
			d.findEXIF(c, rest, err)
			f.idat = d.joined
			return f, nil
		}
		ok := true
		switch c.name {
		case "IHDR", "IEND":
			ok = false
		case "PLTE":
			if f.kind == Palette {
				ok = f.colours == 0 && c.err == nil && f.setPalette(c.body)
			} else {
				c.err = nil
			}
		case "IDAT":
			ok = f.colours > 0 || f.kind != Palette
			seenData = true
			d.joined = append(d.joined, c.body...)
			if errors.Is(c.err, ErrTruncated) {
				c.err = nil // it was the last one
			}
		case "eXIf":
			if c.err == nil {
				d.EXIF = c.body
			}
		}
		if c.err != nil && (!c.ancillary() || errors.Is(c.err, ErrTruncated)) {
			return nil, c.err
		}
		if !ok {
			return nil, fmt.Errorf("chunk %q of %d bytes: out of order or of a wrong length: %w", c.name, len(c.body), ErrFormat)
		}
	}
}

// findEXIF looks for an eXIf chunk among those behind the pixels, c the first of them.
func (d *Decoder) findEXIF(c chunk, rest []byte, err error) {
	for ; err == nil && c.name != "IEND"; c, rest, err = nextChunk(rest) {
		if c.name == "eXIf" && c.err == nil {
			d.EXIF = c.body
		}
	}
}

// setPalette reads a PLTE chunk; it reports whether it is one. Colours that no index
// reaches are left out.
func (f *file) setPalette(body []byte) bool {
	n := len(body) / 3
	if n == 0 || len(body)%3 != 0 || n > 256 {
		return false
	}
	f.colours = min(n, 1<<f.depth)
	for i := range f.colours {
		f.palette[i] = [3]uint8(body[3*i:])
	}
	return true
}
