package loader

import (
	"bytes"
	"context"
	"slices"
	"testing"

	"semidavil"
	"semidavil/transforms/pixels/resize"
)

// TestPairs: no image twice in a batch, each training image at most once per epoch,
// also where a key is labelled and unlabelled; the pictures are the resized ones.
func TestPairs(t *testing.T) {
	samples := street(t, 3, 3, 2, 2)
	again := samples[3]
	again.Meta.Subset, again.Label = semidavil.Unlabelled, nil
	cfg := testConfig(pack(t, append(samples, again), 2).write(t))
	cfg.Workers, cfg.Prefetch = 3, 4
	f := open(t, cfg)
	var batches [][]string
	for p, err := range f.Pairs(context.Background(), 0, 4, 20, 16) {
		if err != nil {
			t.Fatal(err)
		}
		for j, key := range p.Keys {
			n := int(key[len(key)-1] - '0')
			img, _ := drawn(40+n%3*9, 24+n%4*5, n)
			want := semidavil.NewImage(20, 16)
			if err := new(resize.Resizer).Resize(want, img, resize.Bicubic); err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(bytesOf(p.Images)[3*20*16*j:3*20*16*(j+1)], want.Pix) {
				t.Errorf("%s: another picture", key)
			}
		}
		if batches = append(batches, p.Keys); len(batches) == 40 {
			break
		}
	}
	for i := 0; i < len(batches); i += 2 { // 8 images: two batches an epoch
		keys := slices.Sorted(slices.Values(slices.Concat(batches[i], batches[i+1])))
		if len(slices.Compact(keys)) != 8 {
			t.Errorf("epoch %d: %v", i/2, keys)
		}
	}
	for p, err := range f.Pairs(context.Background(), 33, 4, 20, 16) {
		if err != nil || !slices.Equal(p.Keys, batches[33]) {
			t.Errorf("batch 33 differs when it comes first: %v", err)
		}
		break
	}
	for _, count := range []int{0, 9} {
		for _, err := range f.Pairs(context.Background(), 0, count, 20, 16) {
			if err == nil {
				t.Errorf("%d pairs of 8 images", count)
			}
		}
	}
	var val []string
	for p, err := range f.ValPairs(context.Background(), 20, 16) {
		if err != nil {
			t.Fatal(err)
		}
		val = append(val, p.Keys...)
	}
	if !slices.Equal(val, []string{"val_008", "val_009"}) {
		t.Errorf("%v", val)
	}
}
