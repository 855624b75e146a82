package shards

import (
	"archive/tar"
	"bytes"
	"errors"
	"flag"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"semidavil"
)

var update = flag.Bool("update", false, "write the frozen example anew")

// example makes three small samples, the last one unlabelled.
func example(t testing.TB) []Sample {
	t.Helper()
	var samples []Sample
	// Files, since the bytes that encoders write change with Go's versions.
	encoded := func(name string) []byte {
		data, err := os.ReadFile("testdata/images/" + name + ".png")
		if err != nil {
			t.Fatal(err)
		}
		return data
	}
	for i, key := range []string{"gta5_train_00001", "gta5_train_00002", "cityscapes_extra_ulm_000000_000019"} {
		counts := make([]uint64, 19)
		var ignored uint64
		for j := range 16 * 8 {
			if class := (j + i) % 20; class == 19 {
				ignored++
			} else {
				counts[class]++
			}
		}
		tokens, err := EncodeTokens(&[Context]int32{49406, 3306, 1002, 49407})
		if err != nil {
			t.Fatal(err)
		}
		s := Sample{Key: key, Image: encoded(key + ".image"), ImageExt: "png", Caption: "hello world", Tokens: tokens, Meta: Meta{
			Key: key, Dataset: "gta5", Domain: semidavil.Source, Subset: semidavil.SourceTrain, Split: "train",
			Source: "images/0000" + string(rune('1'+i)) + ".png", SourceSize: [2]int{32, 16}, Size: [2]int{16, 8},
			Tokens: 4, Captioner: "sidecar", Pixels: counts, Ignored: ignored}}
		if i == 1 {
			s.Meta.Crop = &[4]int{3, 2, 16, 8}
		}
		if i == 2 {
			s.Meta.Pixels, s.Meta.Ignored = nil, 0
			s.Meta.Dataset, s.Meta.Domain, s.Meta.Subset, s.Meta.Split = "cityscapes", semidavil.Target, semidavil.Unlabelled, "extra"
		} else {
			s.Label = encoded(key + ".label")
		}
		samples = append(samples, s)
	}
	return samples
}

func write(t testing.TB, samples []Sample) ([]byte, Shard) {
	t.Helper()
	var b bytes.Buffer
	w := NewWriter(&b)
	for _, s := range samples {
		if err := w.Write(s); err != nil {
			t.Fatal(err)
		}
	}
	shard, err := w.Close("source-00000", semidavil.SourceTrain)
	if err != nil {
		t.Fatal(err)
	}
	return b.Bytes(), shard
}

func readAll(data []byte) ([]Sample, error) {
	var out []Sample
	r := NewReader(bytes.NewReader(data))
	for {
		s, err := r.Next()
		if errors.Is(err, io.EOF) {
			return out, nil
		}
		if err != nil {
			return out, err
		}
		out = append(out, s)
	}
}

// describe makes the index and the manifest of a shard.
func describe(samples []Sample, shard Shard) (Index, Manifest) {
	index := Index{Format: Name, Version: Version, Plan: "0123", Shard: shard, Rejects: []Reject{{"gta5_train_00003", "images/00003.png", "load", "image data end early"}}}
	for _, s := range samples {
		index.Samples = append(index.Samples, s.Meta)
	}
	return index, Manifest{Format: Name, Version: Version, ClassSet: "cityscapes19", Classes: []Class{{"road", [3]uint8{128, 64, 128}}},
		Ignore: semidavil.Ignore, Tokenizer: TokenizerInfo{"built-in", 1000, "ab"}, Config: []byte(`{"seed":0}`),
		Samples: map[semidavil.Subset]int{semidavil.SourceTrain: 3}, Images: 3, Rejects: 1, Shards: []Shard{shard}}
}

// TestFrozenFormat compares with files of version 1 that must never change.
func TestFrozenFormat(t *testing.T) {
	samples := example(t)
	data, shard := write(t, samples)
	index, manifest := describe(samples, shard)
	files := map[string][]byte{"source-00000.tar": data}
	var err error
	if files["source-00000.json"], err = EncodeJSON(index); err != nil {
		t.Fatal(err)
	}
	if files["manifest.json"], err = EncodeJSON(manifest); err != nil {
		t.Fatal(err)
	}
	for name, got := range files {
		path := filepath.Join("testdata", "v1", name)
		if *update {
			if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, got, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, want) {
			t.Errorf("%s: the format has changed", name)
		}
	}
	frozen, err := os.ReadFile("testdata/v1/source-00000.tar")
	if err != nil {
		t.Fatal(err)
	}
	got, err := readAll(frozen)
	if err != nil || !reflect.DeepEqual(got, samples) {
		t.Errorf("the frozen shard reads differently: %v", err)
	}
	if x, err := DecodeIndex(files["source-00000.json"]); err != nil || !reflect.DeepEqual(x, index) {
		t.Errorf("index: %v %+v", err, x)
	}
	if m, err := DecodeManifest(files["manifest.json"]); err != nil || m.Shards[0] != shard {
		t.Errorf("manifest: %v %+v", err, m)
	}
}

func TestTokens(t *testing.T) {
	ids := [Context]int32{49406, 1, 2, 49407}
	data, err := EncodeTokens(&ids)
	if err != nil {
		t.Fatal(err)
	}
	got, err := DecodeTokens(data)
	if err != nil || !reflect.DeepEqual(got.Int32s(), ids[:]) {
		t.Fatalf("%v %v", got, err)
	}
	for name, bad := range map[string][]byte{
		"empty": nil, "cut": data[:100], "long": append(bytes.Clone(data), 0),
		"shape": bytes.Replace(data, []byte("(77,)"), []byte("(99,)"), 1),
		"dtype": bytes.Replace(data, []byte("<i4"), []byte("<f4"), 1),
		"order": bytes.Replace(data, []byte("False"), []byte("True "), 1),
	} {
		if _, err := DecodeTokens(bad); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

func TestWriterRefuses(t *testing.T) {
	s := example(t)[0]
	for name, change := range map[string]func(*Sample){
		"dot":       func(s *Sample) { s.Key = "a.b" },
		"slash":     func(s *Sample) { s.Key = "../a" },
		"long":      func(s *Sample) { s.Key = strings.Repeat("a", 81) },
		"other key": func(s *Sample) { s.Meta.Key = "b" },
		"extension": func(s *Sample) { s.ImageExt = "webp" },
	} {
		bad := s
		change(&bad)
		if err := NewWriter(io.Discard).Write(bad); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	w := NewWriter(io.Discard)
	if err := w.Write(s); err != nil {
		t.Fatal(err)
	}
	if err := w.Write(s); err == nil {
		t.Error("a key was written twice")
	}
}

func TestReaderRefuses(t *testing.T) {
	samples := example(t)
	whole, _ := write(t, samples)
	for cut := 1; cut < len(whole)-1024-512; cut += 97 { // behind that is only padding and the end mark
		got, err := readAll(whole[:cut])
		if err == nil && len(got) == len(samples) {
			t.Fatalf("a shard cut at %d of %d read as whole", cut, len(whole))
		}
	}
	type member struct{ name, data string }
	for name, members := range map[string][]member{
		"missing parts": {{"a.image.png", "x"}},
		"twice":         {{"a.caption.txt", "x"}, {"a.caption.txt", "y"}},
		"no key":        {{".hidden", "x"}},
		"bad json":      {{"a.image.png", "x"}, {"a.caption.txt", "x"}, {"a.tokens.npy", "x"}, {"a.json", "{"}},
		"two keys":      {{"a.image.png", "x"}, {"a.caption.txt", "x"}, {"a.tokens.npy", "x"}, {"a.json", `{"key":"b"}`}},
	} {
		var b bytes.Buffer
		w := tar.NewWriter(&b)
		for _, m := range members {
			if err := w.WriteHeader(&tar.Header{Name: m.name, Size: int64(len(m.data)), Mode: 0o644}); err != nil {
				t.Fatal(err)
			}
			io.WriteString(w, m.data)
		}
		w.Close()
		if _, err := readAll(b.Bytes()); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

func TestDecodeRefusesOtherVersions(t *testing.T) {
	for _, data := range []string{`{}`, `{"format":"semidavil-shards","version":2}`, `{"format":"other","version":1}`, `{"nope":1}`, `{} {}`, ``,
		`{"format":"semidavil-shards","version":1}`, `{"format":"semidavil-shards","version":1,"classes":[` + strings.Repeat(`{},`, 255) + `{}]}`} {
		if _, err := DecodeManifest([]byte(data)); err == nil {
			t.Errorf("manifest %s accepted", data)
		}
		if _, err := DecodeIndex([]byte(data)); err == nil {
			t.Errorf("index %s accepted", data)
		}
	}
}
