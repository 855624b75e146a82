package nifti

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"

	"semidavil/internal/inflate"
)

// maxRatio is the most that deflate makes of a byte: two bits for a match of 258 bytes.
const maxRatio = 1032

var errTruncated = errors.New("the file ends early")

// unpack parses the header of a file and returns it with the whole file, decompressed. Nothing
// is decompressed beyond what the header says, and nothing allocated that the data cannot
// hold. owned tells that the bytes are not those of data.
func unpack(data []byte, maxVoxels int) (h header, file []byte, owned bool, err error) {
	if len(data) < 2 || data[0] != 0x1f || data[1] != 0x8b {
		if len(data) < headerSize {
			return h, nil, false, fmt.Errorf("after %d bytes of a header of %d: %w", len(data), headerSize, errTruncated)
		}
		if h, err = parseHeader(data[:headerSize], maxVoxels); err != nil {
			return h, nil, false, err
		}
		return h, data, false, h.checkSize(len(data))
	}
	from := bytes.NewReader(data)
	z, err := gzip.NewReader(from)
	if err != nil {
		return h, nil, false, fmt.Errorf("gzip: %w", truncation(err))
	}
	var head [headerSize]byte
	if n, err := io.ReadFull(z, head[:]); err != nil {
		return h, nil, false, fmt.Errorf("gzip: after %d bytes of a header of %d: %w", n, headerSize, truncation(err))
	}
	if h, err = parseHeader(head[:], maxVoxels); err != nil {
		return h, nil, false, err
	}
	size := h.offset + h.voxels()*h.kind.size()
	if size/maxRatio > len(data) {
		return h, nil, false, fmt.Errorf("%w: %d bytes of gzip cannot hold the %d of the header's %d x %d x %d voxels of %s", errTruncated, len(data), size, h.dims[0], h.dims[1], h.dims[2], h.kind)
	}
	file = make([]byte, size+inflate.Slop)
	if member(file, data, size) {
		return h, file[:size:size], true, nil
	}
	file = file[:size:size]
	copy(file, head[:])
	if n, err := io.ReadFull(z, file[headerSize:]); err != nil {
		return h, nil, false, fmt.Errorf("gzip: after %d of %d bytes: %w", headerSize+n, size, truncation(err))
	}
	// The checksum is read with the end.
	var more [1]byte
	switch _, err := io.ReadFull(z, more[:]); err {
	case io.EOF:
		return h, file, true, nil
	case nil:
		return h, nil, false, h.checkSize(size + 1)
	default:
		return h, nil, false, fmt.Errorf("gzip: behind the voxels: %w", truncation(err))
	}
}

// member decompresses data to the first size bytes of file, where data are one gzip member of
// so many bytes that is in order, as they nearly always are. Where they are not it returns
// false, and the slower reader finds out why. file has inflate.Slop more bytes.
func member(file, data []byte, size int) bool {
	at, ok := memberStart(data)
	if !ok || len(data)-at < 8 {
		return false
	}
	stream := len(data) - at - 8
	src := make([]byte, stream+inflate.Slop)
	copy(src, data[at:len(data)-8])
	var f inflate.Inflater
	if used, err := f.Inflate(file, src, size); err != nil || used != stream {
		return false
	}
	le, tail := binary.LittleEndian, data[len(data)-8:]
	return le.Uint32(tail) == crc32.ChecksumIEEE(file[:size]) && le.Uint32(tail[4:]) == uint32(size)
}

// memberStart returns where the compressed data of a gzip member begin (RFC 1952), whose
// header gzip.NewReader has checked.
func memberStart(data []byte) (at int, ok bool) {
	const crc, extra, name, comment = 1 << 1, 1 << 2, 1 << 3, 1 << 4
	if len(data) < 12 {
		return 0, false
	}
	flags, at := data[3], 10
	if flags&extra != 0 {
		at += 2 + int(binary.LittleEndian.Uint16(data[at:]))
	}
	for _, field := range []byte{name, comment} {
		if flags&field == 0 {
			continue
		}
		if at > len(data) {
			return 0, false
		}
		end := bytes.IndexByte(data[at:], 0)
		if end < 0 {
			return 0, false
		}
		at += end + 1
	}
	if flags&crc != 0 {
		at += 2
	}
	return at, at <= len(data)
}

// checkSize compares the size of a decompressed file with what its header says.
func (h *header) checkSize(size int) error {
	want := h.offset + h.voxels()*h.kind.size()
	what := fmt.Sprintf("%d x %d x %d voxels of %s from byte %d", h.dims[0], h.dims[1], h.dims[2], h.kind, h.offset)
	if size < want {
		return fmt.Errorf("%w: %d bytes, want %d for %s", errTruncated, size, want, what)
	}
	if size > want {
		return fmt.Errorf("the file goes on behind %s", what)
	}
	return nil
}

func truncation(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return errTruncated
	}
	return err
}

// swap turns big-endian voxels of n bytes to little-endian ones, in place.
func swap(b []byte, n int) {
	switch n {
	case 2:
		for ; len(b) >= 2; b = b[2:] {
			b[0], b[1] = b[1], b[0]
		}
	case 4:
		for ; len(b) >= 4; b = b[4:] {
			binary.LittleEndian.PutUint32(b, binary.BigEndian.Uint32(b))
		}
	case 8:
		for ; len(b) >= 8; b = b[8:] {
			binary.LittleEndian.PutUint64(b, binary.BigEndian.Uint64(b))
		}
	}
}
