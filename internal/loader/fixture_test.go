package loader

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"semidavil"
	"semidavil/transforms/classstats"
	"semidavil/transforms/pixels/fastpng"
	"semidavil/transforms/shards"
)

// classes is how many the data set of these tests has.
const classes = 6

// idAt is the train id in a column and row of picture n: stripes, some ignored.
func idAt(n, x, y int) uint8 {
	if (x/7+y/5+n)%9 == 0 {
		return semidavil.Ignore
	}
	return uint8((x/5 + y/9*2 + n) % classes)
}

// picture n of w x h says in each pixel where it is: column, row, n.
func drawn(w, h, n int) (*semidavil.Image, *semidavil.LabelMap) {
	img, label := semidavil.NewImage(w, h), semidavil.NewLabelMap(w, h)
	for y := range h {
		for x := range w {
			img.Pix[3*(w*y+x)], img.Pix[3*(w*y+x)+1], img.Pix[3*(w*y+x)+2] = uint8(x), uint8(y), uint8(n)
			label.Pix[w*y+x] = idAt(n, x, y)
		}
	}
	return img, label
}

// made returns sample n of a subset.
func made(t testing.TB, subset semidavil.Subset, w, h, n int, img *semidavil.Image, label *semidavil.LabelMap) shards.Sample {
	t.Helper()
	var e fastpng.Encoder
	key := fmt.Sprintf("%s_%03d", subset, n)
	s := shards.Sample{Key: key, ImageExt: "png", Caption: "a street", Meta: shards.Meta{Key: key, Dataset: "test", Domain: semidavil.Target,
		Subset: subset, Split: "train", Source: key, SourceSize: [2]int{w, h}, Size: [2]int{w, h}, Tokens: 2 + n%5, Captioner: "test"}}
	var err error
	check := func() {
		if err != nil {
			t.Helper()
			t.Fatal(err)
		}
	}
	s.Image, err = e.EncodePNG(nil, img, fastpng.Fast)
	check()
	if subset != semidavil.Unlabelled {
		s.Label, err = e.EncodeGrayPNG(nil, w, h, label.Pix, fastpng.Fast)
		check()
		s.Meta.Pixels, s.Meta.Ignored, err = classstats.Histogram(label, classes)
		check()
	}
	var ids [shards.Context]int32
	for i := range s.Meta.Tokens {
		ids[i] = int32(10*n + i)
	}
	s.Tokens, err = shards.EncodeTokens(&ids)
	check()
	return s
}

// files is an output of prepare in memory: name to content.
type files map[string][]byte

func (f files) write(t testing.TB) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "shards"), 0o755); err != nil {
		t.Fatal(err)
	}
	for name, data := range f {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// pack writes samples to shards of at most size samples.
func pack(t testing.TB, samples []shards.Sample, size int) files {
	t.Helper()
	out := files{}
	m := shards.Manifest{Format: shards.Name, Version: shards.Version, ClassSet: "test", Ignore: semidavil.Ignore,
		Tokenizer: shards.TokenizerInfo{Name: "test", Vocab: 5000}, Config: []byte("{}"), Samples: map[semidavil.Subset]int{}}
	for i := range classes {
		m.Classes = append(m.Classes, shards.Class{Name: fmt.Sprint("class ", i)})
	}
	json := func(v any) []byte {
		data, err := shards.EncodeJSON(v)
		if err != nil {
			t.Fatal(err)
		}
		return data
	}
	for _, subset := range semidavil.Subsets {
		var own []shards.Sample
		for _, s := range samples {
			if s.Meta.Subset == subset {
				own = append(own, s)
			}
		}
		m.Samples[subset] = len(own)
		for i := 0; len(own) > 0; i++ {
			part := own[:min(size, len(own))]
			own = own[len(part):]
			var b bytes.Buffer
			w := shards.NewWriter(&b)
			x := shards.Index{Format: shards.Name, Version: shards.Version, Plan: "test"}
			for _, s := range part {
				if err := w.Write(s); err != nil {
					t.Fatal(err)
				}
				x.Samples = append(x.Samples, s.Meta)
			}
			shard, err := w.Close(fmt.Sprintf("%s-%05d", subset, i), subset)
			if err != nil {
				t.Fatal(err)
			}
			x.Shard = shard
			m.Shards = append(m.Shards, shard)
			out["shards/"+shard.Name+".tar"], out["shards/"+shard.Name+".json"] = b.Bytes(), json(x)
		}
	}
	out["manifest.json"] = json(m)
	return out
}

// street returns samples of all subsets: source, labelled, unlabelled and val ones,
// in sizes of which some are smaller than the crops of testConfig.
func street(t testing.TB, counts ...int) []shards.Sample {
	t.Helper()
	var out []shards.Sample
	n := 0
	for i, subset := range semidavil.Subsets[:len(counts)] {
		for range counts[i] {
			w, h := 40+n%3*9, 24+n%4*5
			img, label := drawn(w, h, n)
			out = append(out, made(t, subset, w, h, n, img, label))
			n++
		}
	}
	return out
}

func testConfig(dir string) Config {
	return Config{Dir: dir, Seed: 11, CropW: 48, CropH: 32, Source: 3, Labelled: 2, Unlabelled: 4, Strong: CutMix, Flip: true, Workers: 1, Prefetch: 1}
}

func open(t testing.TB, cfg Config) *Loader {
	t.Helper()
	f, err := Open(context.Background(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := f.Close(); err != nil {
			t.Error(err)
		}
	})
	return f
}

func batch(t testing.TB, f *Loader, step int) *Batch {
	t.Helper()
	b, err := f.Batch(context.Background(), step)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// sum hashes all that is in a batch.
func sum(b *Batch) string {
	h := sha256.New()
	for _, d := range b.arrays() {
		if d != nil {
			fmt.Fprintln(h, d.Shape())
			h.Write(d.Data().([]uint8))
		}
	}
	fmt.Fprintln(h, b.Keys, b.UKeys)
	return hex.EncodeToString(h.Sum(nil))
}
