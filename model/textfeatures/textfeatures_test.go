package textfeatures

import (
	"context"
	"math"
	"strings"
	"testing"

	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"

	"semidavil/model/backend"
	"semidavil/model/clip"
	"semidavil/model/params"
)

func small() clip.Config {
	return clip.Config{ImageSize: 16, PatchSize: 8, VisionWidth: 16, VisionLayers: 2, VisionHeads: 2,
		TextWidth: 16, TextLayers: 1, TextHeads: 2, Context: 77, Vocab: 64, Embed: 16}
}

func open(t testing.TB) backend.Choice {
	t.Helper()
	b, err := backend.Open("go")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Backend.Finalize)
	return b
}

// encode makes a table of captions with a tower of random values.
func encode(t testing.TB, ctx context.Context, b backend.Choice, store *model.Store, captions []Tokens, done func(int, int)) (*Table, error) {
	t.Helper()
	table, err := NewTable(b.Backend, store, "clip", small(), 16)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(table.Close)
	return table, table.Add(ctx, captions, done)
}

func caption(c clip.Config, ids ...int32) Tokens {
	all := make([]int32, c.Context)
	copy(all, ids)
	return Tokens{IDs: all, Count: len(ids)}
}

// TestAdd gives what the text tower makes of each caption, whatever batch
// it is in, up to half precision.
func TestAdd(t *testing.T) {
	b, store, c := open(t), model.NewStore(), small()
	var captions []Tokens
	for i := range 20 { // more than a batch, in lengths of 2 to 13
		ids := []int32{1}
		for j := range 1 + i%12 {
			ids = append(ids, int32(3+i+j))
		}
		captions = append(captions, caption(c, ids...))
	}
	captions = append(captions, captions[4]) // a second one with the same words
	var told [][2]int
	all, err := encode(t, t.Context(), b, store, captions, func(ready, total int) { told = append(told, [2]int{ready, total}) })
	if err != nil {
		t.Fatal(err)
	}
	if len(told) != 2 || told[1] != [2]int{20, 20} || len(all.features) != 20 || all.Longest() != 16 {
		t.Errorf("told %v of %d captions up to %d", told, len(all.features), all.Longest())
	}
	// What is known is not encoded again, and batches may be padded further.
	told = nil
	if err := all.Add(t.Context(), captions, func(ready, total int) { told = append(told, [2]int{ready, total}) }); err != nil || told != nil {
		t.Errorf("%v, told %v", err, told)
	}
	if long, _ := all.Batch(captions[:2], c.Context); long.Shape().Dimensions[1] != c.Context {
		t.Errorf("a batch of %v", long.Shape())
	}
	pick := []Tokens{captions[17], captions[4], captions[20]}
	text, count := all.Batch(pick, 0)
	got, err := tensors.CopyFlatData[float32](text)
	if err != nil {
		t.Fatal(err)
	}
	counts, err := tensors.CopyFlatData[int32](count)
	if err != nil {
		t.Fatal(err)
	}
	exec, err := model.NewExec(b.Backend, store, func(_ *model.Scope, tokens *graph.Node) []*graph.Node {
		dense, pooled := clip.Text(params.In(store, tokens.Graph(), "clip", params.Options{}), c, tokens)
		return []*graph.Node{dense, pooled}
	})
	if err != nil {
		t.Fatal(err)
	}
	defer exec.Finalize()
	pooled := all.Pooled(pick)
	for i, p := range pick {
		out, err := exec.Call(tensors.FromFlatDataAndDimensions(p.IDs, 1, c.Context))
		if err != nil {
			t.Fatal(err)
		}
		want, _ := tensors.CopyFlatData[float32](out[0])
		end, _ := tensors.CopyFlatData[float32](out[1])
		if int(counts[i]) != p.Count {
			t.Errorf("caption %d has %d tokens, want %d", i, counts[i], p.Count)
		}
		for j := range all.Longest() * c.Embed {
			x, w := got[i*all.Longest()*c.Embed+j], want[j]
			if j >= p.Count*c.Embed {
				w = 0
			}
			if math.Abs(float64(x-w)) > 2e-3 {
				t.Fatalf("caption %d token %d: %v, want %v", i, j/c.Embed, x, w)
			}
		}
		for j := range c.Embed {
			// The end of a caption is the last token, or the one of the highest id.
			if math.Abs(float64(pooled[i*c.Embed+j]-end[j])) > 2e-3 {
				t.Fatalf("caption %d pooled: %v, want %v", i, pooled[i*c.Embed+j], end[j])
			}
		}
	}
}

func TestFaults(t *testing.T) {
	b, c := open(t), small()
	short := caption(c, 1, 2)
	short.IDs = short.IDs[:5]
	none := caption(c, 1, 2)
	none.Count = 0
	for want, bad := range map[string]Tokens{"5 ids": short, "of which 0": none, "id 64 is outside": caption(c, 1, 64), "id -1 is outside": caption(c, -1)} {
		_, err := encode(t, t.Context(), b, model.NewStore(), []Tokens{caption(c, 1, 2), bad}, nil)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := encode(t, ctx, b, model.NewStore(), []Tokens{caption(c, 1)}, nil); err != context.Canceled {
		t.Error(err)
	}
}
