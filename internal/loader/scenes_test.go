package loader

import (
	"bytes"
	"context"
	"slices"
	"strings"
	"testing"

	"semidavil"
	"semidavil/transforms/datasets/minicity"
	"semidavil/transforms/pixels/resize"
	"semidavil/transforms/shards"
	"semidavil/transforms/text"
	"semidavil/transforms/text/builtin"
)

// TestScenes: two views of a scene stand together, in one epoch whole and in the next cropped;
// each scene comes once per epoch; a batch is the same whatever was before it.
func TestScenes(t *testing.T) {
	tokenizer, err := text.Load(builtin.Files)
	if err != nil {
		t.Fatal(err)
	}
	const count, w, h = 4, 32, 16
	size := 3 * w * h
	batches := func(first, end int) (out []*Pairs) {
		f, err := NewScenes(Config{Seed: 3, Workers: 2}, count, w, h, tokenizer)
		if err != nil {
			t.Fatal(err)
		}
		for p, err := range f.Pairs(context.Background(), first, 4) {
			if err != nil {
				t.Fatal(err)
			}
			if out = append(out, p); first+len(out) == end {
				break
			}
		}
		return out
	}
	all := batches(0, 4) // two epochs
	whole := map[string]int{}
	for i := range count {
		s := minicity.NewScene(3, []semidavil.Domain{semidavil.Target, semidavil.Source}[i%2], firstScene+i)
		img, _, caption := s.Render(sceneW, sceneH)
		to := semidavil.NewImage(w, h)
		if err := new(resize.Resizer).Resize(to, img, resize.Bicubic); err != nil {
			t.Fatal(err)
		}
		for n, p := range all {
			for j := range 4 {
				if bytes.Equal(bytesOf(p.Images)[size*j:size*(j+1)], to.Pix) {
					whole[string(to.Pix)]++
					if j%2 != 0 || !slices.Equal(p.Tokens[j*shards.Context:(j+1)*shards.Context], tokenizer.Frame(caption).IDs) {
						t.Errorf("scene %d in batch %d, place %d: another caption or place", i, n, j)
					}
				}
			}
		}
	}
	for _, times := range whole {
		if times != 1 { // in one of two epochs
			t.Errorf("a whole scene %d times in two epochs", times)
		}
	}
	if len(whole) != count {
		t.Errorf("%d of %d scenes were whole", len(whole), count)
	}
	if last := batches(3, 4)[0]; !bytes.Equal(bytesOf(last.Images), bytesOf(all[3].Images)) || !slices.Equal(last.Tokens, all[3].Tokens) {
		t.Error("batch 3 differs when it comes first")
	}
	f, err := NewScenes(Config{}, 2, w, h, tokenizer)
	if err != nil {
		t.Fatal(err)
	}
	for _, err := range f.Pairs(context.Background(), 0, 5) {
		if err == nil || !strings.Contains(err.Error(), "5 are in a batch, which takes 3 scenes, but there are 2") {
			t.Error(err)
		}
	}
}
