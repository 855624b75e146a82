package stages

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/png"
	"io"
	"iter"
	"maps"
	"math"
	"os"
	"slices"
	"testing"

	"github.com/apache/beam/sdks/v2/go/pkg/beam"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/testing/passert"

	"semidavil"
	"semidavil/internal/fixture"
	"semidavil/internal/fixture/trained"
	"semidavil/model/infer"
	"semidavil/model/textfeatures"
	"semidavil/stages/inference"
	"semidavil/stages/plans"
	"semidavil/transforms/metrics"
	"semidavil/transforms/shards"
)

func init() {
	beam.RegisterFunction(tallyLine)
	beam.RegisterFunction(scoreLine)
}

// tallyLine lists the counts that are not 0, true and predicted class.
func tallyLine(network string, t metrics.Tally) string {
	c := t.Confusion
	line := fmt.Sprintf("%s: %d images, %d ignored", network, c.Images, c.Ignored)
	for g := range c.Classes {
		for p, n := range c.Matrix[g*c.Classes : (g+1)*c.Classes] {
			if n > 0 {
				line += fmt.Sprintf(", %d %d %d", g, p, n)
			}
		}
		if c.Missed[g] > 0 {
			line += fmt.Sprintf(", %d missed %d", g, c.Missed[g])
		}
	}
	return line
}

func scoreLine(s ImageScore) string {
	network := s.Network
	if s.Captions != "" {
		network += "/" + s.Captions + "/" + s.CaptionOf
	}
	return fmt.Sprintf("%s %s %s %d %.6f %.6f", s.Key, s.Image, network, s.Pixels, s.MIoU, s.PixelAccuracy)
}

// TestScoreFiles scores the label files of another program; images without a label or
// without a file are rejects.
func TestScoreFiles(t *testing.T) {
	root, dir := t.TempDir(), t.TempDir()
	plan := plans.Plan{Name: "val-00000", Subset: semidavil.Val}
	add := func(key string, label, prediction []uint8) {
		ref := semidavil.Ref{Key: key, Dataset: "cityscapes", Domain: semidavil.Target, Split: "val", Root: root, Image: key + "_leftImg8bit.png", Encoding: "labelIds"}
		row := func(pix []uint8) []byte {
			return fixture.PNG(t, fixture.IDs(len(pix), 1, func(x, _ int) uint8 { return pix[x] }))
		}
		if label != nil {
			ref.Label = key + "_gtFine_labelIds.png"
			fixture.Write(t, root, ref.Label, row(label))
		}
		if prediction != nil {
			fixture.Write(t, dir, key+".png", row(prediction))
		}
		plan.Samples = append(plan.Samples, plans.Sample{Ref: ref})
	}
	const road, sidewalk, none = 7, 8, 0 // ids of Cityscapes; train ids are 0, 1 and 255
	add("b", []uint8{road, road, sidewalk, none}, []uint8{0, 1, 1, 5})
	add("a", []uint8{road, road, sidewalk, sidewalk}, []uint8{0, 0, 1, 255})
	add("c", []uint8{road}, nil)
	add("d", nil, []uint8{0})
	add("e", []uint8{road}, []uint8{0, 0})
	params := ScoreParams{Load: inference.LoadParams{Sets: []plans.DataSet{{Kind: "cityscapes", Root: root, Domain: semidavil.Target}}, Classes: semidavil.Cityscapes19}, Predictions: dir}
	for _, way := range ways {
		mustRun(t, way, func(s beam.Scope) {
			one, two := plan, plan
			one.Samples, two.Samples, two.Name = plan.Samples[:1], plan.Samples[1:], "val-00001"
			tallies, scores, rejected := Score(s, params, beam.CreateList(s, []plans.Plan{one, two}))
			passert.Equals(s, beam.ParDo(s, tallyLine, tallies), "predictions: 2 images, 1 ignored, 0 0 3, 0 1 1, 1 1 2, 1 missed 1")
			passert.Equals(s, beam.ParDo(s, scoreLine, scores), // IoU of b: 1/2 and 1/2; of a: 1 and 1/2
				"b b_leftImg8bit.png predictions 3 0.500000 0.666667", "a a_leftImg8bit.png predictions 4 0.750000 0.750000")
			passert.Equals(s, beam.ParDo(s, rejectLine, rejected),
				"score c c_leftImg8bit.png: missing prediction: no file below "+dir+" is named c_*.png, c.png or after the key",
				"score d d_leftImg8bit.png: there is no label to compare with", "score e e_leftImg8bit.png: "+dir+"/e.png is 2x1, the label 1x1")
		})
	}
	mustRun(t, "prism", func(s beam.Scope) {
		tallies, scores, rejected := Score(s, params, beam.CreateList(s, []plans.Plan{}))
		passert.Empty(s, beam.ParDo(s, tallyLine, tallies))
		passert.Empty(s, scores)
		passert.Empty(s, rejected)
	})
	params.Predictions = t.TempDir()
	ends(t, "there are no PNG files", func(s beam.Scope) { Score(s, params, beam.Create(s, plan)) })
}

// samplesOf reads a shard, with the tokens of each caption.
func samplesOf(t *testing.T, shard string) iter.Seq2[shards.Sample, textfeatures.Tokens] {
	t.Helper()
	data, err := os.ReadFile(shard)
	if err != nil {
		t.Fatal(err)
	}
	return func(yield func(shards.Sample, textfeatures.Tokens) bool) {
		for r := shards.NewReader(bytes.NewReader(data)); ; {
			sample, err := r.Next()
			if errors.Is(err, io.EOF) {
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			ids, err := shards.DecodeTokens(sample.Tokens)
			if err != nil {
				t.Fatal(err)
			}
			if !yield(sample, textfeatures.Tokens{IDs: ids.Data().([]int32), Count: sample.Meta.Tokens}) {
				return
			}
		}
	}
}

// TestScoreNetworks: the counts of each network are those of its answers to one image after
// another, and the first images of the first plan are drawn.
func TestScoreNetworks(t *testing.T) {
	t.Cleanup(inference.Close)
	n := trained.Write(t, trained.Options{})
	load := loadParams(t, n)
	var networks []inference.NetworkParams
	var wantTallies, wantScores []any
	for _, name := range []string{infer.Student, infer.Teacher} {
		networks = append(networks, networkParams(n.Newest(), name))
		oracle := trained.NewOracle(t, infer.Options{Checkpoint: n.Newest(), Network: name})
		sum := metrics.Tally{Confusion: metrics.NewConfusion(4)}
		for sample, tokens := range samplesOf(t, n.Data+"/shards/val-00000.tar") {
			label, err := png.Decode(bytes.NewReader(sample.Label))
			if err != nil {
				t.Fatal(err)
			}
			p, _, _ := oracle.Tokens(t, sample.Image, tokens)
			score := count(&sum.Confusion, label.(*image.Gray).Pix, p.Label)
			score.Key, score.Image, score.Network = sample.Key, sample.Meta.Source, name
			wantScores = append(wantScores, scoreLine(score))
		}
		wantTallies = append(wantTallies, tallyLine(name, sum))
	}
	if len(wantScores) != 4 {
		t.Fatal(wantScores)
	}
	for _, way := range ways {
		out := t.TempDir()
		mustRun(t, way, func(s beam.Scope) {
			tallies, scores, rejected := Score(s, ScoreParams{Load: load, Networks: networks, Pictures: out, Pictured: 1}, beam.Create(s, shardPlan(t, n, semidavil.Val)))
			passert.Equals(s, beam.ParDo(s, tallyLine, tallies), wantTallies...)
			passert.Equals(s, beam.ParDo(s, scoreLine, scores), wantScores...)
			passert.Empty(s, rejected)
		})
		if names := slices.Sorted(maps.Keys(files(t, out))); len(names) != 1 || names[0] != "val_008.png" {
			t.Errorf("%s: pictures %v", way, names)
		}
	}
	networks[1].Network = "pupil"
	ends(t, "pupil", func(s beam.Scope) {
		Score(s, ScoreParams{Load: load, Networks: networks}, beam.Create(s, plans.Plan{Name: "val-00000"}))
	})
}

// TestScoreCaptions: the counts with other captions are those of a network that is asked about
// one image after another with these captions, and each image's row says whose caption it had.
func TestScoreCaptions(t *testing.T) {
	t.Cleanup(inference.Close)
	n := trained.Write(t, trained.Options{})
	val, source := shardPlan(t, n, semidavil.Val), shardPlan(t, n, semidavil.SourceTrain)
	none := []int32{1, 2}
	exchange := ExchangeParams{Seed: 9, Same: []plans.Caption{{Kind: NoCaption, Tokens: none}}}
	var all []ownCaption
	var samples []shards.Sample
	for _, plan := range []plans.Plan{val, source} {
		for sample, tokens := range samplesOf(t, plan.Shard) {
			all = append(all, ownCaption{plan.Name, sample.Key, tokens.IDs[:tokens.Count]})
			samples = append(samples, sample)
		}
	}
	padded := func(ids []int32) textfeatures.Tokens {
		return textfeatures.Tokens{IDs: append(slices.Clone(ids), make([]int32, shards.Context-len(ids))...), Count: len(ids)}
	}
	var networks []inference.NetworkParams
	var wantTallies, wantScores []any
	different := map[string]bool{}
	for _, name := range []string{infer.Student, infer.Teacher} {
		networks = append(networks, networkParams(n.Newest(), name))
		oracle := trained.NewOracle(t, infer.Options{Checkpoint: n.Newest(), Network: name})
		for _, kind := range []string{"", OtherCaption, NoCaption} {
			sum := metrics.Tally{Confusion: metrics.NewConfusion(4)}
			for i, other := range exchanged(9, all) {
				label, err := png.Decode(bytes.NewReader(samples[i].Label))
				if err != nil {
					t.Fatal(err)
				}
				tokens := map[string][]int32{"": all[i].Tokens, OtherCaption: all[other].Tokens, NoCaption: none}[kind]
				p, _, _ := oracle.Tokens(t, samples[i].Image, padded(tokens))
				score := count(&sum.Confusion, label.(*image.Gray).Pix, p.Label)
				score.Key, score.Image, score.Network, score.Captions = samples[i].Key, samples[i].Meta.Source, name, kind
				if kind == OtherCaption {
					score.CaptionOf = all[other].Key
				}
				wantScores = append(wantScores, scoreLine(score))
			}
			key := name
			if kind != "" {
				key += "/" + kind
			}
			wantTallies = append(wantTallies, tallyLine(key, sum))
			different[tallyLine("", sum)] = true
		}
	}
	if len(different) != 6 {
		t.Fatalf("captions decide little: %d different counts", len(different))
	}
	for _, way := range ways {
		mustRun(t, way, func(s beam.Scope) {
			planned := Exchange(s, exchange, beam.CreateList(s, []plans.Plan{val, source}))
			tallies, scores, rejected := Score(s, ScoreParams{Load: loadParams(t, n), Networks: networks}, planned)
			passert.Equals(s, beam.ParDo(s, tallyLine, tallies), wantTallies...)
			passert.Equals(s, beam.ParDo(s, scoreLine, scores), wantScores...)
			passert.Empty(s, rejected)
		})
	}
	// Without a row in its plan an image cannot be compared.
	mustRun(t, "prism", func(s beam.Scope) {
		val.Further = []plans.Further{{Key: "another", Captions: exchange.Same}}
		_, _, rejected := Score(s, ScoreParams{Load: loadParams(t, n), Networks: networks[:1]}, beam.Create(s, val))
		passert.Count(s, rejected, "rejects", 2)
	})
}

// count counts one image by plain loops.
func count(c *metrics.Confusion, label, prediction []uint8) (s ImageScore) {
	c.Images++
	var hit, true4, predicted [4]int
	for i, g := range label {
		if g == semidavil.Ignore {
			c.Ignored++
			continue
		}
		c.Matrix[int(g)*4+int(prediction[i])]++
		true4[g]++
		predicted[prediction[i]]++
		s.Pixels++
		if g == prediction[i] {
			hit[g]++
		}
	}
	var iou, classes, right float64
	for g, n := range true4 {
		if n > 0 {
			iou += float64(hit[g]) / float64(n+predicted[g]-hit[g])
			classes++
		}
		right += float64(hit[g])
	}
	s.MIoU, s.PixelAccuracy = metrics.Fraction(iou/classes), metrics.Fraction(right/float64(s.Pixels))
	if math.IsNaN(float64(s.MIoU)) {
		panic("an image without a label")
	}
	return s
}

// TestSumTallies: the sum of nothing adds nothing, and no argument changes.
func TestSumTallies(t *testing.T) {
	a := tallyOf(t, "", 2, []uint8{0, 1}, []uint8{0, 0}, []float32{1, 0.5}).Tally
	b := tallyOf(t, "", 2, []uint8{1}, []uint8{1}, []float32{1}).Tally
	before := tallyLine("a", a) + tallyLine("b", b)
	var sum sumTallies
	want := "sum: 2 images, 0 ignored, 0 0 1, 1 0 1, 1 1 1"
	for _, got := range []metrics.Tally{sum.MergeAccumulators(a, b), sum.MergeAccumulators(sum.MergeAccumulators(metrics.Tally{}, b), a), sum.MergeAccumulators(sum.MergeAccumulators(a, metrics.Tally{}), b)} {
		if line := tallyLine("sum", got); line != want {
			t.Errorf("%s, want %s", line, want)
		}
	}
	if after := tallyLine("a", a) + tallyLine("b", b); after != before {
		t.Errorf("%s, before %s", after, before)
	}
}
