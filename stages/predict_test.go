package stages

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/apache/beam/sdks/v2/go/pkg/beam"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/testing/passert"

	"semidavil"
	"semidavil/internal/fixture"
	"semidavil/internal/fixture/trained"
	"semidavil/model/infer"
	"semidavil/stages/inference"
	"semidavil/stages/plans"
	"semidavil/transforms/pixels/resize"
	"semidavil/transforms/pseudo"
	"semidavil/transforms/shards"
)

func init() {
	beam.RegisterFunction(predictedLine)
	beam.RegisterFunction(pixelsOf)
}

func predictedLine(p Predicted) string {
	line := p.Name + ":"
	for _, image := range p.Images {
		line += fmt.Sprintf(" %s %s %s", image.Key, image.Image, image.Place)
	}
	return line
}

// pixelsOf is the number of pixels of a histogram.
func pixelsOf(h pseudo.Histogram) (n uint64) {
	for c := range h.Counts {
		n += h.Pixels(c)
	}
	return n
}

// loadParams are those of a small network.
func loadParams(t *testing.T, n trained.Network, sets ...plans.DataSet) inference.LoadParams {
	t.Helper()
	m, err := ReadManifest(t.Context(), n.Data)
	if err != nil {
		t.Fatal(err)
	}
	return inference.LoadParams{Sets: sets, W: 32, H: 32, Filter: resize.Bicubic, Classes: m.Set()}
}

// shardPlan is the plan of the prepared images of a subset.
func shardPlan(t *testing.T, n trained.Network, subset semidavil.Subset) plans.Plan {
	t.Helper()
	m, err := ReadManifest(t.Context(), n.Data)
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(m.Shards, func(s shards.Shard) bool { return s.Subset == subset })
	if i < 0 {
		t.Fatalf("no shard of %s", subset)
	}
	s := m.Shards[i]
	return plans.Plan{Name: s.Name, Subset: subset, Shard: n.Data + "/shards/" + s.Name + ".tar", Count: s.Samples, Digest: s.SHA256}
}

func networkParams(checkpoint, network string) inference.NetworkParams {
	return inference.NetworkParams{Backend: "go", Options: infer.Options{Checkpoint: checkpoint, Network: network, Batch: 2}}
}

// photoPlan is a plan of pictures with captions, of two sizes, and of a file that is none.
func photoPlan(t *testing.T, root string, names ...string) plans.Plan {
	t.Helper()
	tokenizer, err := LoadTokenizer(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	plan := plans.Plan{Name: "photos-00000", Subset: semidavil.Unlabelled}
	for i, name := range names {
		if _, err := os.Stat(filepath.Join(root, name)); err != nil {
			fixture.Write(t, root, name, fixture.PNG(t, fixture.Picture(40, 32+i%2, i)))
		}
		frame := tokenizer.Frame(photoCaption)
		plan.Samples = append(plan.Samples, plans.Sample{Caption: photoCaption, Tokens: frame.IDs[:frame.N],
			Ref: semidavil.Ref{Key: "k" + name[:1], Dataset: "images", Domain: semidavil.Target, Split: "extra", Root: root, Image: name}})
	}
	return plan
}

const photoCaption = "a street with a bus"

// TestPredict: the stored predictions are what the network says of one image after another,
// and the histograms count their pixels; an image that cannot be done is a reject.
func TestPredict(t *testing.T) {
	t.Cleanup(inference.Close)
	n, root := trained.Write(t, trained.Options{}), t.TempDir()
	fixture.Write(t, root, "d.png", []byte("no picture"))
	raw := photoPlan(t, root, "day/b.png", "a.png", "d.png")
	prepared := shardPlan(t, n, semidavil.Unlabelled)
	oracle := trained.NewOracle(t, infer.Options{Checkpoint: n.Best(), Network: infer.Student, Second: true})
	load := loadParams(t, n, plans.DataSet{Kind: "images", Root: root, Domain: semidavil.Target})
	for _, way := range ways {
		out := t.TempDir()
		mustRun(t, way, func(s beam.Scope) {
			p := PredictParams{Load: load, Network: networkParams(n.Best(), infer.Student), Output: out}
			predicted, histograms, rejected := Predict(s, p, beam.CreateList(s, []plans.Plan{raw, prepared}))
			passert.Equals(s, beam.ParDo(s, predictedLine, predicted), "photos-00000: ka a.png a kd day/b.png day/b",
				"unlabelled-00000: unlabelled_005 unlabelled_005 unlabelled_005 unlabelled_006 unlabelled_006 unlabelled_006 unlabelled_007 unlabelled_007 unlabelled_007")
			passert.Equals(s, beam.ParDo(s, pixelsOf, histograms), uint64(40*32+40*33), uint64(3*32*32))
			passert.Equals(s, beam.ParDo(s, rejectLine, rejected), "load kd d.png: d.png: pixels: decode image: neither PNG nor JPEG: bad image data")
		})
		got := files(t, out)
		if len(got) != 5 {
			t.Errorf("%s: %d files", way, len(got))
		}
		for _, place := range []string{"a", "day/b"} {
			p, err := pseudo.Decode([]byte(got["predictions/"+place+".prediction"]))
			if err != nil {
				t.Fatalf("%s: %s: %v", way, place, err)
			}
			file, err := os.ReadFile(filepath.Join(root, place+".png"))
			if err != nil {
				t.Fatal(err)
			}
			want, w, h := oracle.Image(t, file, photoCaption)
			steps, err := pseudo.Quantise(want.Confidence)
			if err != nil || p.W != w || p.H != h || !slices.Equal(p.Label, want.Label) || !slices.Equal(p.Second, want.Second) || !slices.Equal(p.Confidence, steps) {
				t.Errorf("%s: %s: another prediction than the network's: %v", way, place, err)
			}
		}
	}
}

// TestPredictReuses what an earlier run stored of the same image with the same network,
// and nothing else.
func TestPredictReuses(t *testing.T) {
	t.Cleanup(inference.Close)
	n, root, out, old := trained.Write(t, trained.Options{}), t.TempDir(), t.TempDir(), time.Unix(1e9, 0)
	plan := photoPlan(t, root, "a.png", "b.png")
	load := loadParams(t, n, plans.DataSet{Kind: "images", Root: root, Domain: semidavil.Target})
	file := func(name string) string { return filepath.Join(out, "predictions", name+".prediction") }
	again := func(what, made string, change func(*PredictParams, *plans.Plan)) {
		t.Helper()
		for _, name := range []string{"a", "b"} {
			if err := os.Chtimes(file(name), old, old); err != nil && !os.IsNotExist(err) {
				t.Fatal(err)
			}
		}
		p := PredictParams{Load: load, Network: networkParams(n.Best(), infer.Student), Output: out, Config: "c"}
		plan := plan
		plan.Samples = slices.Clone(plan.Samples)
		change(&p, &plan)
		mustRun(t, "prism", func(s beam.Scope) {
			predicted, histograms, rejected := Predict(s, p, beam.Create(s, plan))
			if made != "" {
				return
			}
			// What is reused counts as what is made.
			passert.Equals(s, beam.ParDo(s, predictedLine, predicted), "photos-00000: ka a.png a kb b.png b")
			passert.Equals(s, beam.ParDo(s, pixelsOf, histograms), uint64(40*32+40*33))
			passert.Empty(s, rejected)
		})
		got := ""
		for _, name := range []string{"a", "b"} {
			info, err := os.Stat(file(name))
			if err != nil {
				t.Fatal(err)
			}
			if !info.ModTime().Equal(old) {
				got += name
			}
		}
		if got != made {
			t.Errorf("%s: %q are made, want %q", what, got, made)
		}
	}
	unchanged := func(*PredictParams, *plans.Plan) {}
	again("the first run", "ab", unchanged)
	again("the same run", "", unchanged)
	again("a newer image", "b", func(_ *PredictParams, p *plans.Plan) { p.Samples[1].Ref.Changed = old.UnixNano() + 1 })
	again("an image as old as its prediction", "", func(_ *PredictParams, p *plans.Plan) { p.Samples[1].Ref.Changed = old.UnixNano() })
	again("an image of another size in bytes", "a", func(_ *PredictParams, p *plans.Plan) { p.Samples[0].Ref.Bytes = 9 })
	again("the first plan", "a", unchanged)
	data, err := os.ReadFile(file("a"))
	if err != nil {
		t.Fatal(err)
	}
	fixture.Write(t, out, "predictions/a.prediction", data[:len(data)-1])
	again("a damaged file", "a", unchanged)
	again("another network", "ab", func(p *PredictParams, _ *plans.Plan) { p.Config = "d" })
}

// TestPredictNothing: of no plan comes nothing, of one whose images are rejected a
// histogram of no pixel.
func TestPredictNothing(t *testing.T) {
	t.Cleanup(inference.Close)
	n, root := trained.Write(t, trained.Options{}), t.TempDir()
	fixture.Write(t, root, "a.png", nil)
	p := PredictParams{Load: loadParams(t, n, plans.DataSet{Kind: "images", Root: root}), Network: networkParams(n.Best(), infer.Student), Output: t.TempDir()}
	mustRun(t, "prism", func(s beam.Scope) {
		predicted, histograms, rejected := Predict(s, p, beam.CreateList(s, []plans.Plan{}))
		passert.Empty(s, predicted)
		passert.Empty(s, histograms)
		passert.Empty(s, rejected)
		predicted, histograms, rejected = Predict(s, p, beam.Create(s, photoPlan(t, root, "a.png")))
		passert.Equals(s, beam.ParDo(s, predictedLine, predicted), "photos-00000:")
		passert.Equals(s, beam.ParDo(s, pixelsOf, histograms), uint64(0))
		passert.Count(s, rejected, "rejects", 1)
	})
}

// TestPredictFaults: a network that was replaced, a shard that is cut and an output that
// cannot be written end the run.
func TestPredictFaults(t *testing.T) {
	t.Cleanup(inference.Close)
	n, root, out := trained.Write(t, trained.Options{}), t.TempDir(), t.TempDir()
	plan := photoPlan(t, root, "a.png")
	predict := func(s beam.Scope, plan plans.Plan, output string, stamp string) {
		p := PredictParams{Load: loadParams(t, n, plans.DataSet{Kind: "images", Root: root}), Network: networkParams(n.Best(), infer.Student), Output: output}
		p.Network.Stamp = stamp
		Predict(s, p, beam.Create(s, plan))
	}
	ends(t, n.Best()+" has been replaced since the pipeline began", func(s beam.Scope) { predict(s, plan, out, "1 1") })
	fixture.Write(t, out, "predictions", nil)
	ends(t, "stages: predict photos-00000: ", func(s beam.Scope) { predict(s, plan, out, "") })
	shard := shardPlan(t, n, semidavil.Unlabelled)
	if err := os.Truncate(shard.Shard, 3000); err != nil {
		t.Fatal(err)
	}
	ends(t, "stages: read "+shard.Shard, func(s beam.Scope) { predict(s, shard, t.TempDir(), "") })
}

// TestPlaces: files lie as the images do, those of shards under their key.
func TestPlaces(t *testing.T) {
	for want, ref := range map[string]semidavil.Ref{
		"a/b":             {Root: "/r", Image: "a/b.png", Key: "k"},
		"a/b_leftImg8bit": {Root: "/r", Image: "a/b_leftImg8bit.png", Key: "k"},
		"a/c":             {Root: "/r", Image: "a/c_leftImg8bit.png", Key: "k", Dataset: "cityscapes"},
		"k":               {Image: "a/b.png", Key: "k"},
	} {
		if got := placeOf(ref); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
}
