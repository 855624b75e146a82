package inference

import (
	"context"
	"fmt"
	"image"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"

	"semidavil"
	"semidavil/internal/fixture"
	"semidavil/model/infer"
	"semidavil/stages/plans"
	"semidavil/transforms/pixels/resize"
	"semidavil/transforms/shards"
)

// loaded tells of each image of a plan what became of it, by key.
func loaded(t *testing.T, p LoadParams, plan plans.Plan) (map[string]string, error) {
	t.Helper()
	g, err := Open(t.Context(), p, nil)
	if err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	out := map[string]string{}
	err = g.Each(t.Context(), plan, nil, func(_ context.Context, n int, i *Image, _ []infer.Prediction) error {
		mu.Lock()
		defer mu.Unlock()
		line := fmt.Sprint(n, " ", i.Stage, ": ", i.Err)
		if i.Err == nil {
			line = fmt.Sprint(n, " ", i.Width, "x", i.Height, " ", i.tokens.Count, " tokens")
			if i.Truth != nil {
				line += fmt.Sprint(" ", i.Truth.Pix)
			}
		}
		out[i.Ref.Key] = line
		return nil
	})
	return out, err
}

func check(t *testing.T, got, want map[string]string) {
	t.Helper()
	for _, key := range slices.Sorted(maps.Keys(want)) {
		if !strings.HasPrefix(got[key], want[key]) {
			t.Errorf("%s: %s, want %s", key, got[key], want[key])
		}
	}
	if len(got) != len(want) {
		t.Errorf("%d images, want %d", len(got), len(want))
	}
}

// TestShardSamples: labels in shards are 8-bit train ids, and token counts those of the
// frame; a sample of another kind is a fault of its own.
func TestShardSamples(t *testing.T) {
	gray := fixture.IDs(4, 1, func(x, _ int) uint8 { return []uint8{0, 1, 255, 18}[x] })
	deep := image.NewGray16(gray.Rect)
	deep.Pix[1] = 1
	var b strings.Builder
	w := shards.NewWriter(&b)
	var ids [shards.Context]int32
	tokens, err := shards.EncodeTokens(&ids)
	if err != nil {
		t.Fatal(err)
	}
	add := func(key string, label image.Image, count int) {
		s := shards.Sample{Key: key, Image: fixture.PNG(t, fixture.Picture(4, 1, 0)), ImageExt: "png", Caption: "a street", Tokens: tokens,
			Meta: shards.Meta{Key: key, Dataset: "d", Domain: semidavil.Target, Tokens: count}}
		if label != nil {
			s.Label = fixture.PNG(t, label)
		}
		if err := w.Write(s); err != nil {
			t.Fatal(err)
		}
	}
	add("gray", gray, 3)
	add("unlabelled", nil, shards.Context)
	add("palette", fixture.Paletted(gray), 3)
	add("colour", fixture.Picture(4, 1, 1), 3)
	add("deep", deep, 3)
	add("class", fixture.IDs(4, 1, func(int, int) uint8 { return 19 }), 3)
	add("none", gray, 0)
	add("long", gray, shards.Context+1)
	shard, err := w.Close("val-00000", semidavil.Val)
	if err != nil {
		t.Fatal(err)
	}
	root := t.TempDir()
	fixture.Write(t, root, "val-00000.tar", []byte(b.String()))
	plan := plans.Plan{Name: "val-00000", Shard: root + "/val-00000.tar", Digest: shard.SHA256}
	got, err := loaded(t, LoadParams{W: 8, H: 8, Filter: resize.Bilinear, Classes: semidavil.Cityscapes19}, plan)
	if err != nil {
		t.Fatal(err)
	}
	check(t, got, map[string]string{
		"gray":       "0 4x1 3 tokens [0 1 255 18]",
		"unlabelled": "1 4x1 77 tokens",
		"palette":    "2 load: datasets: label file is 8-bit palette; ids are stored as 8-bit gray",
		"colour":     "3 load: datasets: label file is 8-bit",
		"deep":       "4 load: datasets: label file is 16-bit gray; ids are stored as 8-bit gray",
		"class":      "5 load: ",
		"none":       "6 load: stages: 0 of 77 tokens are said to count",
		"long":       "7 load: stages: 78 of 77 tokens are said to count",
	})
	// Where no network looks at the images, neither they nor their tokens are.
	got, err = loaded(t, LoadParams{Classes: semidavil.Cityscapes19}, plan)
	if err != nil || got["long"] != "7 0x0 0 tokens [0 1 255 18]" || !strings.Contains(got["palette"], "8-bit palette") {
		t.Errorf("%v %v", got, err)
	}
	fixture.Write(t, root, "val-00000.tar", []byte(b.String()[:3000]))
	if _, err := loaded(t, LoadParams{Classes: semidavil.Cityscapes19}, plan); err == nil || !strings.Contains(err.Error(), "stages: read "+plan.Shard) {
		t.Errorf("a shard that was cut: %v", err)
	}
}

// TestFiles: a label has the size of its image, and a caption some tokens; texts name
// files below the root.
func TestFiles(t *testing.T) {
	root := t.TempDir()
	plan := plans.Plan{Name: "p"}
	add := func(key string, w int, tokens int, files bool) {
		ref := semidavil.Ref{Key: key, Dataset: "gta5", Root: root, Image: "images/" + key + ".png", Label: "labels/" + key + ".png"}
		if files {
			fixture.Write(t, root, ref.Image, fixture.PNG(t, fixture.Picture(4, 1, 0)))
			fixture.Write(t, root, ref.Label, fixture.PNG(t, fixture.IDs(w, 1, func(x, _ int) uint8 { return []uint8{7, 8, 0, 33, 7}[x] })))
		}
		plan.Samples = append(plan.Samples, plans.Sample{Ref: ref, Tokens: make([]int32, tokens)})
	}
	add("good", 4, 1, true)
	add("full", 4, shards.Context, true)
	add("small", 3, 1, true)
	add("large", 5, 1, true)
	add("none", 4, 0, true)
	add("long", 4, shards.Context+1, true)
	add("absent", 4, 1, false)
	p := LoadParams{Sets: []plans.DataSet{{Kind: "gta5", Root: root}}, W: 8, H: 8, Filter: resize.Bilinear, Classes: semidavil.Cityscapes19}
	got, err := loaded(t, p, plan)
	if err != nil {
		t.Fatal(err)
	}
	check(t, got, map[string]string{
		"good":   "0 4x1 1 tokens [0 1 255 18]",
		"full":   "1 4x1 77 tokens [0 1 255 18]",
		"small":  "2 load: labels/small.png: pixels: label is 3x1, its image 4x1",
		"large":  "3 load: labels/large.png: pixels: label is 5x1, its image 4x1",
		"none":   "4 load: stages: 0 tokens: want 1 to 77",
		"long":   "5 load: stages: 78 tokens: want 1 to 77",
		"absent": "6 read: store: read images/absent.png: no such file or directory",
	})
	// Labels alone may have any size.
	p.W, p.H = 0, 0
	if got, err = loaded(t, p, plan); err != nil || got["small"] != "2 0x0 0 tokens [0 1 255]" {
		t.Errorf("%v %v", got, err)
	}
}
