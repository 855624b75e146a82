package pseudo

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
)

// A prediction is written as a header and one zstd frame. All numbers are
// little-endian:
//
//	"SDPP" 1
//	u16 length of the tag, tag
//	u32 width, u32 height
//	u32 length of the frame, u32 CRC-32C of the frame
//	u32 CRC-32C of all bytes before
const (
	predictionMagic = "SDPP\x01"
	fixedHeader     = len(predictionMagic) + 2 + 5*4
)

// MaxTag is the greatest length of a tag in bytes.
const MaxTag = 256

// header is what precedes the frame.
type header struct {
	tag              string
	w, h             int
	length, checksum uint32 // of the frame
}

func (h header) append(out []byte) []byte {
	out = append(out, predictionMagic...)
	out = binary.LittleEndian.AppendUint16(out, uint16(len(h.tag)))
	out = append(out, h.tag...)
	for _, v := range []uint32{uint32(h.w), uint32(h.h), h.length, h.checksum} {
		out = binary.LittleEndian.AppendUint32(out, v)
	}
	return binary.LittleEndian.AppendUint32(out, crc32.Checksum(out, castagnoli))
}

// readHeader returns the header at the beginning of data and what follows it.
func readHeader(data []byte) (header, []byte, error) {
	const start = len(predictionMagic) + 2
	if len(data) < start || string(data[:len(predictionMagic)]) != predictionMagic {
		return header{}, nil, errors.New("not a prediction of version 1")
	}
	n := int(binary.LittleEndian.Uint16(data[len(predictionMagic):]))
	if n > MaxTag {
		return header{}, nil, fmt.Errorf("tag of %d bytes, want at most %d", n, MaxTag)
	}
	if len(data) < fixedHeader+n {
		return header{}, nil, errors.New("header is cut off")
	}
	numbers := data[start+n:]
	number := func(i int) uint32 { return binary.LittleEndian.Uint32(numbers[4*i:]) }
	if number(4) != crc32.Checksum(data[:start+n+16], castagnoli) {
		return header{}, nil, errors.New("damaged header: CRC-32C does not fit")
	}
	h := header{tag: string(data[start : start+n]), length: number(2), checksum: number(3)}
	if number(0) > MaxPixels || number(1) > MaxPixels {
		return header{}, nil, fmt.Errorf("prediction of %dx%d: want 1 to %d pixels", number(0), number(1), MaxPixels)
	}
	h.w, h.h = int(number(0)), int(number(1))
	return h, data[fixedHeader+n:], checkSides(h.w, h.h)
}

// DecodeTag returns the tag of an encoded prediction. It returns an error for foreign bytes and for a damaged
// header; it does not look at what follows.
func DecodeTag(data []byte) (string, error) {
	h, _, err := readHeader(data)
	if err != nil {
		return "", fmt.Errorf("pseudo: read tag: %w", err)
	}
	return h.tag, nil
}
