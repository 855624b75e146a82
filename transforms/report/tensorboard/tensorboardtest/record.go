package tensorboardtest

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
// constant.
func maskedCRC(data []byte) uint32 {
	crc := crc32.Checksum(data, castagnoli)
	return (crc>>15 | crc<<17) + 0xa282ead8
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
	if _, err := io.CopyN(&b, r, int64(n)+4); errors.Is(err, io.EOF) {
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
