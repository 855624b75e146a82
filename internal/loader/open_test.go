package loader

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"semidavil"
	"semidavil/internal/fixture"
	"semidavil/transforms/classstats"
	"semidavil/transforms/pixels/fastpng"
	"semidavil/transforms/shards"
)

func TestWholeSamples(t *testing.T) {
	cfg := testConfig(pack(t, street(t, 3, 2, 2, 9), 2).write(t))
	cfg.Source, cfg.Labelled, cfg.Unlabelled, cfg.CropW, cfg.CropH, cfg.Strong, cfg.Workers = 0, 0, 0, 0, 0, "", 3
	f := open(t, cfg) // no batches
	n := 7
	for e, err := range f.Evaluate(context.Background()) {
		if err != nil {
			t.Fatal(err)
		}
		img, label := drawn(40+n%3*9, 24+n%4*5, n)
		if e.Key != f.samples[semidavil.Val][n-7].key || !bytes.Equal(bytesOf(e.Image), img.Pix) || !bytes.Equal(bytesOf(e.Label), label.Pix) {
			t.Errorf("sample %d: %s", n, e.Key)
		}
		if s := e.Image.Shape(); s[0] != img.H || s[1] != img.W || s[2] != 3 {
			t.Errorf("shape %v", s)
		}
		n++
	}
	if n != 16 || f.Len(semidavil.Val) != 9 {
		t.Errorf("%d samples", n-7)
	}
	for e, err := range f.Whole(context.Background(), semidavil.Unlabelled) {
		if err != nil || e.Label != nil {
			t.Errorf("%v %v", e.Label, err)
		}
	}
	if _, err := f.Batch(context.Background(), 0); err == nil {
		t.Error("a batch of nothing")
	}
}

func TestCaptions(t *testing.T) {
	samples := street(t, 5, 4, 3, 2)
	f := open(t, testConfig(pack(t, samples, 3).write(t)))
	got, err := f.Captions(context.Background())
	if err != nil || len(got) != len(samples) {
		t.Fatalf("%d captions: %v", len(got), err)
	}
	byKey := map[string]shards.Sample{}
	for _, s := range samples {
		byKey[s.Key] = s
	}
	for i, c := range got {
		if i > 0 && got[i-1].Key >= c.Key {
			t.Error("not sorted")
		}
		tokens := c.Tokens
		data, err := shards.EncodeTokens(&tokens)
		if err != nil || !bytes.Equal(data, byKey[c.Key].Tokens) || c.Count != byKey[c.Key].Meta.Tokens {
			t.Errorf("%s: %v", c.Key, err)
		}
	}
}

func TestFrequencies(t *testing.T) {
	cfg := testConfig(pack(t, street(t, 5, 4, 3, 2), 3).write(t))
	count := func(from, to int) classstats.Counts {
		c := classstats.NewCounts(classes)
		for n := from; n < to; n++ {
			_, label := drawn(40+n%3*9, 24+n%4*5, n)
			h, ignored, err := classstats.Histogram(label, classes)
			if err != nil || c.Add(h, ignored) != nil {
				t.Fatal(err)
			}
		}
		return c
	}
	for _, c := range []struct{ s, l, from, to int }{{1, 1, 0, 9}, {1, 0, 0, 5}, {0, 1, 5, 9}} {
		cfg.Source, cfg.Labelled = c.s, c.l
		got, err := open(t, cfg).Frequencies()
		want := count(c.from, c.to)
		if err != nil || got.Images != want.Images || got.Ignored != want.Ignored {
			t.Errorf("%+v: %+v %v", c, got, err)
		}
		for i := range want.Pixels {
			if got.Pixels[i] != want.Pixels[i] {
				t.Errorf("%+v: class %d: %d, want %d", c, i, got.Pixels[i], want.Pixels[i])
			}
		}
	}
}

func TestBadConfig(t *testing.T) {
	dir := pack(t, street(t, 2, 2, 0, 1), 3).write(t)
	for want, change := range map[string]func(*Config){
		"valid: cutmix, cowmix, classmix, none": func(c *Config) { c.Strong = "mixup" },
		"no source images":                      func(c *Config) { c.Strong, c.Source = ClassMix, 0 },
		"crop 0x32":                             func(c *Config) { c.CropW = 0 },
		"source -1":                             func(c *Config) { c.Source = -1 },
		"no folder":                             func(c *Config) { c.Dir = "" },
		"temperature -1":                        func(c *Config) { c.RareTemperature = -1 },
		"manifest.json":                         func(c *Config) { c.Dir = t.TempDir() },
		"unknown scheme":                        func(c *Config) { c.Dir = "s3://b" },
	} {
		cfg := testConfig(dir)
		change(&cfg)
		if _, err := Open(context.Background(), cfg); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
	for want, counts := range map[string][]int{"source images": {0, 1, 1, 1}, "labelled images": {1, 0, 1, 1}, "unlabelled images": {1, 0, 0, 1}} {
		cfg := testConfig(pack(t, street(t, counts...), 3).write(t))
		if want == "unlabelled images" {
			cfg.Labelled = 0
		}
		if _, err := Open(context.Background(), cfg); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}

// TestDamage: each fault is an error that names the shard, and the sample where one is
// at fault.
func TestDamage(t *testing.T) {
	samples := func() []shards.Sample { return street(t, 0, 4, 0, 0) }
	var e fastpng.Encoder
	gray := func(w, h int, v uint8) []byte {
		data, err := e.EncodeGrayPNG(nil, w, h, bytes.Repeat([]byte{v}, w*h), fastpng.Fast)
		if err != nil {
			t.Fatal(err)
		}
		return data
	}
	for name, c := range map[string]struct {
		sample func(*shards.Sample) // changes labelled_002
		files  func(files)
		want   []string
	}{
		"half an image":    {sample: func(s *shards.Sample) { s.Image = s.Image[:len(s.Image)/2] }, want: []string{"labelled-00001", "labelled_002", "image", "end early"}},
		"no image":         {sample: func(s *shards.Sample) { s.Image = []byte("<html>") }, want: []string{"labelled-00001", "labelled_002", "neither PNG nor JPEG"}},
		"label id":         {sample: func(s *shards.Sample) { s.Label = gray(s.Meta.Size[0], s.Meta.Size[1], 6) }, want: []string{"labelled-00001", "labelled_002", "train id 6 of 6"}},
		"label size":       {sample: func(s *shards.Sample) { s.Label = gray(9, 9, 1) }, want: []string{"labelled-00001", "labelled_002", "9x9"}},
		"label of colours": {sample: func(s *shards.Sample) { s.Label = s.Image }, want: []string{"labelled_002", "want gray"}},
		"image size":       {sample: func(s *shards.Sample) { s.Meta.Size[0]-- }, want: []string{"labelled_002", "too many pixels"}},
		"other size":       {sample: func(s *shards.Sample) { s.Meta.Size[0]++ }, want: []string{"labelled_002", "description says"}},
		"absurd size":      {sample: func(s *shards.Sample) { s.Meta.Size = [2]int{1 << 40, 1 << 40} }, want: []string{"labelled_002", "size is"}},
		"no label":         {sample: func(s *shards.Sample) { s.Label = nil }, want: []string{"labelled-00001", "labelled_002", "it has no label"}},
		"pixel counts":     {sample: func(s *shards.Sample) { s.Meta.Pixels = s.Meta.Pixels[:3] }, want: []string{"labelled_002", "3 classes"}},
		"other subset": {files: func(f files) {
			index := f["shards/labelled-00001.json"]
			at := bytes.LastIndex(index, []byte(`"labelled"`))
			f["shards/labelled-00001.json"] = append(append(bytes.Clone(index[:at]), `"source"`...), index[at+10:]...)
		}, want: []string{"labelled-00001", "labelled_003", "of subset source"}},
		"tokens":        {sample: func(s *shards.Sample) { s.Tokens = s.Tokens[:50] }, want: []string{"labelled-00001", "labelled_002", "tokens"}},
		"token id":      {sample: func(s *shards.Sample) { s.Tokens[len(s.Tokens)-1] = 9 }, want: []string{"labelled_002", "vocabulary of 5000"}},
		"token count":   {sample: func(s *shards.Sample) { s.Meta.Tokens = 78 }, want: []string{"labelled_002", "78"}},
		"short shard":   {files: func(f files) { cutFile(f, "shards/labelled-00001.tar", 700) }, want: []string{"labelled-00001", "bytes, the manifest says"}},
		"bad header":    {files: func(f files) { f["shards/labelled-00001.tar"][10] ^= 1 }, want: []string{"labelled-00001", "invalid tar header"}},
		"missing shard": {files: func(f files) { delete(f, "shards/labelled-00001.tar") }, want: []string{"labelled-00001", "no such file"}},
		"missing index": {files: func(f files) { delete(f, "shards/labelled-00001.json") }, want: []string{"labelled-00001.json"}},
		"foreign index": {files: func(f files) { f["shards/labelled-00001.json"] = f["shards/labelled-00000.json"] }, want: []string{"labelled-00001", "another shard"}},
		"version": {files: func(f files) {
			f["manifest.json"] = bytes.Replace(f["manifest.json"], []byte(`"version": 1`), []byte(`"version": 2`), 1)
		}, want: []string{"version 2"}},
		"path": {files: func(f files) {
			f["manifest.json"] = bytes.ReplaceAll(f["manifest.json"], []byte("labelled-00001"), []byte("../../etc"))
		}, want: []string{"../../etc"}},
	} {
		list := samples()
		if c.sample != nil {
			c.sample(&list[2])
		}
		f := pack(t, list, 2)
		if c.files != nil {
			c.files(f)
		}
		cfg := testConfig(f.write(t))
		cfg.Source, cfg.Labelled, cfg.Unlabelled, cfg.CacheBytes = 0, 4, 0, int64(len(name)%2)-1
		err := readAll(cfg)
		if err == nil {
			t.Errorf("%s: no error", name)
			continue
		}
		for _, want := range c.want {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%s: %v, want %q", name, err, want)
			}
		}
	}
}

func cutFile(f files, name string, by int) { f[name] = f[name][:len(f[name])-by] }

// readAll opens a loader and reads all there is in it.
func readAll(cfg Config) error {
	ctx := context.Background()
	f, err := Open(ctx, cfg)
	if err != nil {
		return err
	}
	defer f.Close()
	if _, err := f.Captions(ctx); err != nil {
		return err
	}
	if _, err := f.Frequencies(); err != nil {
		return err
	}
	if cfg.perStep() > 0 {
		if _, err := f.Batch(ctx, 0); err != nil {
			return err
		}
	}
	for _, subset := range semidavil.Subsets {
		for _, err := range f.Whole(ctx, subset) {
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// TestDuplicateKeys: a key is once in a subset. It may be in two subsets, as
// labelled images are where all are labelled, and its caption then comes once.
func TestDuplicateKeys(t *testing.T) {
	list := street(t, 0, 2, 0, 0)
	f := pack(t, append(list, list[0]), 2)
	if err := readAll(testConfig(f.write(t))); err == nil || !strings.Contains(err.Error(), "labelled_000 in shard labelled-00000 and in labelled-00001") {
		t.Errorf("%v", err)
	}
	again := list[1]
	again.Meta.Subset, again.Label = semidavil.Unlabelled, nil
	cfg := testConfig(pack(t, append(list, again), 2).write(t))
	cfg.Source = 0
	if got, err := open(t, cfg).Captions(context.Background()); err != nil || len(got) != 2 {
		t.Errorf("%d captions: %v", len(got), err)
	}
	again.Tokens = list[0].Tokens
	cfg.Dir = pack(t, append(list, again), 2).write(t)
	if _, err := open(t, cfg).Captions(context.Background()); err == nil || !strings.Contains(err.Error(), "labelled_001 has two") {
		t.Errorf("%v", err)
	}
}

// TestSparseMember: the bytes of a sparse file do not lie in the shard as they are.
func TestSparseMember(t *testing.T) {
	data := fixture.Sparse(t, "a.image.png", "600")
	if found, err := scan(bytes.NewReader(data), int64(len(data))); err == nil || !strings.Contains(err.Error(), "a.image.png") {
		t.Errorf("%v, %v", found, err)
	}
}

// FuzzScan gives the header scan and the decoding any bytes.
func FuzzScan(f *testing.F) {
	for _, data := range pack(f, street(f, 1, 1, 1, 0), 2) {
		f.Add(data)
	}
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, data []byte) {
		found, err := scan(bytes.NewReader(data), int64(len(data)))
		if err != nil {
			return
		}
		name := filepath.Join(dir, "x.tar")
		if err := os.WriteFile(name, data, 0o644); err != nil {
			t.Fatal(err)
		}
		l := &Loader{manifest: shards.Manifest{Classes: make([]shards.Class, classes), Tokenizer: shards.TokenizerInfo{Vocab: 5000}}}
		l.tools.New = func() any { return new(tools) }
		for key, files := range found {
			for _, at := range []span{files.image, files.label, files.tokens} {
				if at.at < 0 || at.n < 0 || at.at+at.n > int64(len(data)) {
					t.Fatalf("%s: member at %+v of %d bytes", key, at, len(data))
				}
			}
			s := &sample{key: key, shard: &shard{"x", name}, files: *files, w: 40, h: 24, tokens: 3}
			_ = l.decode(new(picture), s, new(tools))
			_, _ = l.captionsOf(s.shard, []*sample{s})
		}
	})
}
