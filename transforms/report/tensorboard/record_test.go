package tensorboard

import (
	"hash/crc32"
	"testing"
)

// TestChecksum uses the check value of CRC32C and its mask from the definition.
func TestChecksum(t *testing.T) {
	if got := crc32.Checksum([]byte("123456789"), castagnoli); got != 0xe3069283 {
		t.Errorf("CRC32C %#x", got)
	}
	c := uint64(0xe3069283)
	if want := uint32((c>>15|c<<17&0xffffffff)+0xa282ead8) & 0xffffffff; maskedCRC([]byte("123456789")) != want {
		t.Errorf("masked %#x, want %#x", maskedCRC([]byte("123456789")), want)
	}
}
