package nifti

import (
	"bytes"
	"compress/gzip"
	"errors"
	"strings"
	"testing"

	"semidavil/internal/fixture"
	"semidavil/internal/inflate"
)

// TestGzip: a stream that is cut anywhere, or damaged, is refused; several members are one
// file.
func TestGzip(t *testing.T) {
	file := plain(t)
	data := zip(file)
	for n := range data {
		if n < 2 {
			continue // told by two bytes
		}
		if _, err := Decode(data[:n], Options{}); !errors.Is(err, errTruncated) {
			t.Errorf("%d of %d bytes: %v", n, len(data), err)
		}
	}
	for at := 10; at < len(data); at++ {
		bad := bytes.Clone(data)
		bad[at] ^= 0x10
		if f, err := Decode(bad, Options{}); err == nil && !bytes.Equal(f.voxels, file[firstOffset:]) {
			t.Errorf("byte %d changed: read", at)
		}
	}
	for _, at := range []int{len(data) - 1, len(data) - 8} {
		bad := bytes.Clone(data)
		bad[at] ^= 1
		if _, err := Decode(bad, Options{}); err == nil {
			t.Errorf("byte %d of the checksum or size changed: read", at)
		}
	}
	for _, cut := range []int{100, headerSize, 360} {
		f, err := Decode(append(zip(file[:cut]), zip(file[cut:])...), Options{})
		if err != nil || !bytes.Equal(f.voxels, file[firstOffset:]) {
			t.Errorf("two members, cut at %d: %v", cut, err)
		}
	}
	for _, h := range []gzip.Header{{Name: "scan.nii"}, {Comment: "of the abdomen"}, {Extra: []byte("extra")}, {Name: "n", Comment: "c", Extra: []byte{0, 0}}} {
		var b bytes.Buffer
		z := gzip.NewWriter(&b)
		z.Header = h
		z.Write(file)
		z.Close()
		if at, ok := memberStart(b.Bytes()); !ok || !member(make([]byte, len(file)+inflate.Slop), b.Bytes(), len(file)) {
			t.Errorf("%+v: not read the fast way, from %d", h, at)
		}
		for n := range 60 {
			memberStart(b.Bytes()[:n])
		}
		f, err := Decode(b.Bytes(), Options{})
		if err != nil || !bytes.Equal(f.voxels, file[firstOffset:]) {
			t.Errorf("%+v: %v", h, err)
		}
	}
	for _, junk := range []string{"PK", "\x1f\x8b", "junk" + string(data[len(data)-8:])} {
		if _, err := Decode(append(bytes.Clone(data), junk...), Options{}); err == nil {
			t.Errorf("%q behind the stream: read", junk)
		}
	}
}

// TestBomb: a stream is decompressed no further than its header says, and memory follows the
// size of the data.
func TestBomb(t *testing.T) {
	long := zip(append(plain(t), make([]byte, 64<<20)...))
	claim := zip(short(atDim+2, 16384)(short(atDim+4, 16384)(short(atDim+6, 1)(plain(t)))))
	for name, data := range map[string][]byte{"long": long, "claim": claim} {
		fixture.Modest(t, 1<<20, func() {
			if _, err := Decode(data, Options{}); err == nil {
				t.Errorf("%s: read", name)
			}
		})
	}
	if _, err := Decode(plain(t), Options{MaxVoxels: 23}); err == nil || !strings.Contains(err.Error(), "4 x 3 x 2 voxels; want at most 23") {
		t.Errorf("24 voxels of at most 23: %v", err)
	}
	if _, err := Decode(plain(t), Options{MaxVoxels: 24}); err != nil {
		t.Errorf("24 voxels of at most 24: %v", err)
	}
}
