package shards

import (
	"archive/tar"
	"bytes"
	"encoding/binary"
	"reflect"
	"slices"
	"testing"

	"semidavil"
	"semidavil/internal/fixture"
)

// claiming is a tar file whose one member claims n bytes and has none.
func claiming(t testing.TB, name string, n int64) []byte {
	var b bytes.Buffer
	if err := tar.NewWriter(&b).WriteHeader(&tar.Header{Name: name, Size: n, Mode: 0o644}); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// TestClaimedSizes: a member is as large as its bytes, whatever its header says.
func TestClaimedSizes(t *testing.T) {
	for name, data := range map[string][]byte{
		"2^40 bytes":           claiming(t, "a.image.png", 1<<40),
		"200 MiB":              claiming(t, "a.image.png", 200<<20),
		"sparse, 200 MiB":      fixture.Sparse(t, "a.image.png", "200000000"),
		"sparse, 2^40 bytes":   fixture.Sparse(t, "a.image.png", "1099511627776"),
		"sparse, of no part":   fixture.Sparse(t, "a.other", "200000000"),
		"sparse, of a caption": fixture.Sparse(t, "a.caption.txt", "10"),
	} {
		fixture.Modest(t, 4<<20, func() {
			if _, err := readAll(data); err == nil {
				t.Errorf("%s: accepted", name)
			}
		})
	}
	header, err := tar.NewReader(bytes.NewReader(fixture.Sparse(t, "a.image.png", "200000000"))).Next()
	if err != nil || header.Name != "a.image.png" || header.Size != 200_000_000 || header.Typeflag != tar.TypeReg {
		t.Errorf("the sparse file is none: %+v, %v", header, err)
	}
}

// FuzzReader: what was read can be written, and is read again.
func FuzzReader(f *testing.F) {
	data, _ := write(f, example(f))
	f.Add(data)
	f.Add(data[:700])
	f.Add(claiming(f, "a.image.png", 1<<40))
	f.Add(fixture.Sparse(f, "a.image.png", "1099511627776"))
	f.Fuzz(func(t *testing.T, data []byte) {
		var samples []Sample
		var err error
		fixture.Modest(t, 8<<20+16*len(data), func() { samples, err = readAll(data) })
		if err != nil || len(samples) == 0 {
			return
		}
		var b bytes.Buffer
		w := NewWriter(&b)
		for _, s := range samples {
			_, _ = DecodeTokens(s.Tokens)
			if err := w.Write(s); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := w.Close("source-00000", semidavil.SourceTrain); err != nil {
			t.Fatal(err)
		}
		if again, err := readAll(b.Bytes()); err != nil || !reflect.DeepEqual(again, samples) {
			t.Fatalf("%+v reads back as %+v, %v", samples, again, err)
		}
	})
}

// FuzzTokens: the reader of npy files takes what its writer and numpy write, no other shape.
func FuzzTokens(f *testing.F) {
	data, err := EncodeTokens(&[Context]int32{49406, 3306, 1002, 49407})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(data)
	f.Add(bytes.Replace(data, []byte("(77,)"), []byte("(1099511627776,)"), 1))
	f.Add(bytes.Replace(data, []byte("(77,)"), []byte("(77,77)"), 1))
	f.Fuzz(func(t *testing.T, data []byte) {
		fixture.Modest(t, 4<<20+16*len(data), func() {
			d, err := DecodeTokens(data)
			if err != nil {
				return
			}
			ids := [Context]int32(d.Data().([]int32))
			body := data[len(data)-4*Context:]
			for i, id := range ids {
				if id != int32(binary.LittleEndian.Uint32(body[4*i:])) {
					t.Fatalf("id %d is %d", i, id)
				}
			}
			again, err := EncodeTokens(&ids)
			if err != nil {
				t.Fatal(err)
			}
			if d, err = DecodeTokens(again); err != nil || !slices.Equal(d.Data().([]int32), ids[:]) {
				t.Fatalf("%v reads back as %v, %v", ids, d, err)
			}
		})
	})
}

// FuzzManifest and FuzzIndex: what was read is written and read again, and no name of a shard
// leads out of its folder.
func FuzzManifest(f *testing.F) {
	_, manifest := describe(nil, Shard{Name: "source-00000"})
	f.Add(encoded(f, manifest))
	f.Add([]byte(`{"format":"semidavil-shards","version":1,"classes":[{"name":"a"}],"ignore":255,"images":1099511627776,"shards":[{"name":"../x","samples":-1,"bytes":9223372036854775807}]}`))
	f.Add([]byte(`{"format":"semidavil-shards","version":1e0}{}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		fixture.Modest(t, 4<<20+200*len(data), func() {
			m, err := DecodeManifest(data)
			if err != nil {
				return
			}
			for _, s := range m.Shards {
				if err := CheckKey(s.Name); err != nil {
					t.Fatal(err)
				}
			}
			if set := m.Set(); set.Len() != len(m.Classes) {
				t.Fatalf("%d classes of %d", set.Len(), len(m.Classes))
			}
			again, err := DecodeManifest(encoded(t, m))
			m.Config, again.Config = nil, nil // whose white space may change
			if err != nil || !reflect.DeepEqual(m, again) {
				t.Fatalf("%+v reads back as %+v, %v", m, again, err)
			}
		})
	})
}

// FuzzIndex is described at FuzzManifest.
func FuzzIndex(f *testing.F) {
	index, _ := describe(example(f), Shard{Name: "source-00000", Samples: 3})
	f.Add(encoded(f, index))
	f.Add([]byte(`{"format":"semidavil-shards","version":1,"shard":{"name":"a","samples":1099511627776}}`))
	f.Add([]byte(`{"format":"semidavil-shards","version":1,"shard":{"name":"a","samples":1},"samples":[{"size":[1099511627776,2],"crop":null}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		fixture.Modest(t, 4<<20+200*len(data), func() {
			x, err := DecodeIndex(data)
			if err != nil {
				return
			}
			if err := CheckKey(x.Shard.Name); err != nil {
				t.Fatal(err)
			}
			for i := range x.Samples {
				if len(x.Samples[i].Pixels) == 0 { // is written as absent
					x.Samples[i].Pixels = nil
				}
			}
			if again, err := DecodeIndex(encoded(t, x)); err != nil || !reflect.DeepEqual(x, again) {
				t.Fatalf("%+v reads back as %+v, %v", x, again, err)
			}
		})
	})
}

func encoded(t testing.TB, v any) []byte {
	t.Helper()
	data, err := EncodeJSON(v)
	if err != nil {
		t.Fatal(err)
	}
	return data
}
