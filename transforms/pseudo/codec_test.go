package pseudo

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"hash/crc32"
	"math/rand/v2"
	"reflect"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/klauspost/compress/zstd"

	"semidavil/internal/fixture"
)

// seal puts a frame behind a header that fits it, written out a second time here.
func seal(tag string, w, h uint32, frame []byte) []byte {
	out := append([]byte("SDPP\x01"), byte(len(tag)), byte(len(tag)>>8))
	out = append(out, tag...)
	table := crc32.MakeTable(crc32.Castagnoli)
	for _, v := range []uint32{w, h, uint32(len(frame)), crc32.Checksum(frame, table)} {
		out = binary.LittleEndian.AppendUint32(out, v)
	}
	out = binary.LittleEndian.AppendUint32(out, crc32.Checksum(out, table))
	return append(out, frame...)
}

func compress(t testing.TB, raw []byte) []byte {
	e, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1))
	if err != nil {
		t.Fatal(err)
	}
	return e.EncodeAll(raw, nil)
}

func samples() map[string]Prediction {
	rng := rand.New(rand.NewPCG(2, 2))
	out := map[string]Prediction{
		"scene": scene(160, 96, 19, 16, 3), "noise": noise(rng, 61, 37, 255), "column": noise(rng, 1, 300, 2), "pixel": noise(rng, 1, 1, 3),
		"same": {W: 300, H: 200, Label: bytes.Repeat([]byte{7}, 60000), Second: make([]uint8, 60000), Confidence: make([]uint16, 60000), SecondConfidence: make([]uint16, 60000)},
	}
	long := noise(rng, 5, 4, 9)
	long.Tag = strings.Repeat("é", MaxTag/2)
	out["long tag"] = long
	return out
}

func TestCodecRoundTrip(t *testing.T) {
	for name, p := range samples() {
		data, err := Encode(p)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		got, err := Decode(data)
		if err != nil || !reflect.DeepEqual(got, p) {
			t.Errorf("%s: other prediction read back: %v", name, err)
		}
		if tag, err := DecodeTag(data[:min(len(data), fixedHeader+MaxTag)]); err != nil || tag != p.Tag {
			t.Errorf("%s: tag %q: %v", name, tag, err)
		}
		if again, _ := Encode(got); !bytes.Equal(again, data) {
			t.Errorf("%s: other bytes the second time", name)
		}
	}
	p := samples()["pixel"]
	p.Tag = strings.Repeat("x", MaxTag+1)
	if _, err := Encode(p); err == nil {
		t.Error("tag of 257 bytes accepted")
	}
	p.Tag, p.Confidence = "", nil
	if _, err := Encode(p); err == nil {
		t.Error("prediction without confidences accepted")
	}
}

// TestFormat fixes the bytes of the header and of the planes by hand.
func TestFormat(t *testing.T) {
	p := Prediction{W: 3, H: 1, Tag: "net", Label: []uint8{1, 2, 3}, Second: []uint8{4, 5, 6},
		Confidence: []uint16{60000, 60010, 60018}, SecondConfidence: []uint16{5535, 5530, 5517}}
	// First: 60000 = -5536 -> 11071; 10-60000 = -59990 = 5546 -> 11092; 60018-60020 = -2 -> 3.
	// Rest: 0, -5, 0: 0 -> 0; -5 -> 9; 0+10 = 10 -> 20.
	raw, _ := hex.DecodeString("010203" + "040506" + "2b2b00" + "3f5403" + "000000" + "000914")
	want := seal("net", 3, 1, compress(t, raw))
	got, err := Decode(want)
	if err != nil || !reflect.DeepEqual(got, p) {
		t.Errorf("%+v %v", got, err)
	}
	data, err := Encode(p)
	if err != nil || len(data) < fixedHeader+3 || !bytes.Equal(data[:14], want[:14]) {
		t.Errorf("%x, want %x", data, want)
	}
	_, frame, err := readHeader(data)
	if err != nil {
		t.Fatal(err)
	}
	d, _ := zstd.NewReader(nil)
	if planes, err := d.DecodeAll(frame, nil); err != nil || !bytes.Equal(planes, raw) {
		t.Errorf("planes %x, want %x: %v", planes, raw, err)
	}
}

// TestEveryDamageIsSeen changes each byte and cuts at each place.
func TestEveryDamageIsSeen(t *testing.T) {
	p := noise(rand.New(rand.NewPCG(4, 4)), 9, 7, 19)
	p.Tag = "a tag"
	data, err := Encode(p)
	if err != nil {
		t.Fatal(err)
	}
	header := fixedHeader + len(p.Tag)
	for i := range data {
		if _, err := Decode(data[:i]); err == nil {
			t.Errorf("cut to %d of %d bytes: accepted", i, len(data))
		}
		for bit := range 8 {
			bad := bytes.Clone(data)
			bad[i] ^= 1 << bit
			if _, err := Decode(bad); err == nil {
				t.Errorf("byte %d, bit %d: accepted", i, bit)
			}
			if _, err := DecodeTag(bad[:header]); i < header && err == nil {
				t.Errorf("header byte %d, bit %d: accepted", i, bit)
			}
		}
	}
	if _, err := Decode(append(bytes.Clone(data), 0)); err == nil {
		t.Error("trailing byte accepted")
	}
	for i := range header {
		if _, err := DecodeTag(data[:i]); err == nil {
			t.Errorf("tag of %d bytes accepted", i)
		}
	}
}

func TestDecodeRefusesHostileBytes(t *testing.T) {
	good := compress(t, []byte{1, 2, 255, 0, 254, 0})
	if _, err := Decode(seal("", 1, 1, good)); err != nil {
		t.Fatalf("the good one: %v", err)
	}
	bomb := compress(t, make([]byte, 50<<20))
	for name, c := range map[string]struct {
		data []byte
		want string
	}{
		"bomb":         {seal("", 100, 100, bomb), "size"},
		"two frames":   {seal("", 1, 1, append(bytes.Clone(good), good...)), "size"},
		"few pixels":   {seal("", 2, 1, good), "6 bytes of pixels, want 12"},
		"no room":      {seal("", 10_000, 10_000, good), "cannot hold"},
		"no frame":     {seal("", 1, 1, nil), "cannot hold"},
		"too large":    {seal("", 10_001, 10_000, good), "want 1 to"},
		"overflow":     {seal("", 1<<31, 1<<31, good), "want 1 to"},
		"no width":     {seal("", 0, 5, good), "want 1 to"},
		"long tag":     {seal(strings.Repeat("x", 257), 1, 1, good), "tag of 257"},
		"not zstd":     {seal("", 1, 1, []byte("not a frame at all")), "magic"},
		"same class":   {seal("", 1, 1, compress(t, []byte{2, 2, 255, 0, 254, 0})), "class 2"},
		"other format": {[]byte("SDPP\x02 and whatever else comes"), "version 1"},
		"empty":        {nil, "version 1"},
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, err := Decode(c.data)
		runtime.ReadMemStats(&after)
		if err == nil || !strings.Contains(err.Error(), c.want) || !strings.HasPrefix(err.Error(), "pseudo: decode: ") {
			t.Errorf("%s: %v", name, err)
		}
		if used := after.TotalAlloc - before.TotalAlloc; used > 8<<20 {
			t.Errorf("%s: %d bytes allocated", name, used)
		}
	}
}

func TestCodecSideBySide(t *testing.T) {
	p := scene(160, 96, 19, 16, 3)
	want, err := Encode(p)
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 5 {
				data, err := Encode(p)
				got, err2 := Decode(data)
				if err != nil || err2 != nil || !bytes.Equal(data, want) || !reflect.DeepEqual(got, p) {
					t.Errorf("%v %v", err, err2)
				}
			}
		})
	}
	wg.Wait()
}

// FuzzDecode reads the bytes as they are and as a frame behind a header that fits.
func FuzzDecode(f *testing.F) {
	for _, p := range samples() {
		data, err := Encode(p)
		if err != nil {
			f.Fatal(err)
		}
		_, frame, _ := readHeader(data)
		f.Add(data, uint16(p.W), uint16(p.H))
		f.Add(frame, uint16(p.W), uint16(p.H))
	}
	f.Fuzz(func(t *testing.T, data []byte, w, h uint16) {
		for _, d := range [][]byte{data, seal("t", uint32(w), uint32(h), data)} {
			tag, tagErr := DecodeTag(d)
			var p Prediction
			var err error
			fixture.Modest(t, 16<<20+2*maxBlock/minBlock*len(d), func() { p, err = Decode(d) })
			if err != nil {
				continue
			}
			if tagErr != nil || tag != p.Tag {
				t.Fatalf("tag %q: %v", tag, tagErr)
			}
			again, err := Encode(p)
			if err != nil {
				t.Fatal(err)
			}
			if got, err := Decode(again); err != nil || !reflect.DeepEqual(got, p) {
				t.Fatalf("other prediction: %v", err)
			}
		}
	})
}
