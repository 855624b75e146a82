package pseudo

import (
	"errors"
	"fmt"
	"hash/crc32"
	"sync"

	"github.com/klauspost/compress/zstd"
)

// A zstd block costs at least 4 bytes and holds at most 128 KiB.
const (
	minBlock = 4
	maxBlock = 128 << 10
)

// window is how far back a match may lie. Those that are far away gain nothing here, and an
// encoder keeps a buffer of twice the window: with the library's 4 MiB three encoders had 24 MiB.
const window = 1 << 20

// An encoder with one worker writes the same bytes every time; several of them
// serve goroutines side by side.
var (
	encoders = sync.Pool{New: func() any {
		e, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithWindowSize(window), zstd.WithEncoderConcurrency(1),
			zstd.WithEncoderCRC(false), zstd.WithSingleSegment(false), zstd.WithZeroFrames(true))
		if err != nil {
			panic(err) // the options are constants
		}
		return e
	}}
	decoders = sync.Pool{New: func() any {
		d, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecodeAllCapLimit(true),
			zstd.WithDecoderMaxMemory(bytesPerPixel*MaxPixels))
		if err != nil {
			panic(err)
		}
		return d
	}}
	planePool sync.Pool // *[]byte: the planes are several times larger than the file
)

// Encode writes a prediction as a header with its tag: the six byte
// planes one after the other, compressed by zstd. The same prediction gives the
// same bytes. It returns the errors of Check, and one for a tag that is too long.
func Encode(p Prediction) ([]byte, error) {
	if err := p.Check(); err != nil {
		return nil, fmt.Errorf("pseudo: encode: %w", err)
	}
	if len(p.Tag) > MaxTag {
		return nil, fmt.Errorf("pseudo: encode: tag of %d bytes, want at most %d", len(p.Tag), MaxTag)
	}
	raw := planes(bytesPerPixel * p.W * p.H)
	defer planePool.Put(raw)
	split(*raw, p)
	e := encoders.Get().(*zstd.Encoder)
	defer encoders.Put(e)
	frame := e.EncodeAll(*raw, nil)
	h := header{tag: p.Tag, w: p.W, h: p.H, length: uint32(len(frame)), checksum: crc32.Checksum(frame, castagnoli)}
	out := h.append(make([]byte, 0, fixedHeader+len(p.Tag)+len(frame)))
	return append(out, frame...), nil
}

// Decode reads what Encode wrote. It returns an error for foreign, damaged, cut
// off and continued bytes, and for contents that Check refuses. It allocates only
// after the sizes were checked, no more than they need, and nothing for sizes that
// so few bytes cannot hold.
func Decode(data []byte) (Prediction, error) {
	p, err := decode(data)
	if err != nil {
		return Prediction{}, fmt.Errorf("pseudo: decode: %w", err)
	}
	return p, nil
}

func decode(data []byte) (Prediction, error) {
	h, frame, err := readHeader(data)
	if err != nil {
		return Prediction{}, err
	}
	if uint64(len(frame)) != uint64(h.length) {
		return Prediction{}, fmt.Errorf("%d bytes behind the header, want %d", len(frame), h.length)
	}
	if crc32.Checksum(frame, castagnoli) != h.checksum {
		return Prediction{}, errors.New("damaged: CRC-32C does not fit")
	}
	size := bytesPerPixel * h.w * h.h
	if size > len(frame)/minBlock*maxBlock {
		return Prediction{}, fmt.Errorf("%d bytes cannot hold %dx%d pixels", len(frame), h.w, h.h)
	}
	raw := planes(size)
	defer planePool.Put(raw)
	d := decoders.Get().(*zstd.Decoder)
	defer decoders.Put(d)
	got, err := d.DecodeAll(frame, (*raw)[:0:size])
	if err != nil {
		return Prediction{}, err
	}
	if len(got) != size {
		return Prediction{}, fmt.Errorf("%d bytes of pixels, want %d", len(got), size)
	}
	p := join(h, got)
	return p, p.Check()
}

// planes returns a buffer of n bytes with any content.
func planes(n int) *[]byte {
	b, _ := planePool.Get().(*[]byte)
	if b == nil || cap(*b) < n {
		b = new([]byte)
		*b = make([]byte, n)
	}
	*b = (*b)[:n]
	return b
}
