package tensorboard

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// maskedCRC is the checksum of TFRecord: CRC32C rotated right by 15 bits, plus a
// constant, so that a record of records does not check itself.
func maskedCRC(data []byte) uint32 {
	crc := crc32.Checksum(data, castagnoli)
	return (crc>>15 | crc<<17) + 0xa282ead8
}

// AppendRecord appends a TFRecord to dst: the length of data as uint64, its
// checksum, data, its checksum, all little-endian.
func AppendRecord(dst, data []byte) []byte {
	start := len(dst)
	dst = binary.LittleEndian.AppendUint64(dst, uint64(len(data)))
	dst = binary.LittleEndian.AppendUint32(dst, maskedCRC(dst[start:]))
	dst = append(dst, data...)
	return binary.LittleEndian.AppendUint32(dst, maskedCRC(data))
}

// ErrChecksum says that a record's bytes are not those that were written.
var ErrChecksum = errors.New("checksum does not fit")

// ReadRecord reads one TFRecord. At the end of r between two records it returns
// io.EOF itself; inside a record, as after a crash of the writer, the error
// wraps io.ErrUnexpectedEOF, and damage wraps ErrChecksum. Memory grows with
// what r gives, not with the length that the record claims.
func ReadRecord(r io.Reader) ([]byte, error) {
	var head [12]byte
	if _, err := io.ReadFull(r, head[:]); err == io.EOF {
		return nil, io.EOF
	} else if err != nil {
		return nil, fmt.Errorf("tensorboard: read record: length: %w", err)
	}
	if maskedCRC(head[:8]) != binary.LittleEndian.Uint32(head[8:]) {
		return nil, fmt.Errorf("tensorboard: read record: length: %w", ErrChecksum)
	}
	n := binary.LittleEndian.Uint64(head[:8])
	if n > 1<<31 { // the limit of a protocol buffer
		return nil, fmt.Errorf("tensorboard: read record: %d bytes, more than a message can have", n)
	}
	var b bytes.Buffer
	if _, err := io.CopyN(&b, r, int64(n)+4); err == io.EOF {
		return nil, fmt.Errorf("tensorboard: read record: %d bytes: %w", n, io.ErrUnexpectedEOF)
	} else if err != nil {
		return nil, fmt.Errorf("tensorboard: read record: %d bytes: %w", n, err)
	}
	data, crc := b.Bytes()[:n:n], b.Bytes()[n:]
	if maskedCRC(data) != binary.LittleEndian.Uint32(crc) {
		return nil, fmt.Errorf("tensorboard: read record: %d bytes: %w", n, ErrChecksum)
	}
	return data, nil
}
