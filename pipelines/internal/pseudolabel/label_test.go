package pseudolabel

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"semidavil"
	"semidavil/internal/fixture"
	"semidavil/internal/fixture/trained"
	"semidavil/model/infer"
	"semidavil/model/textfeatures"
	"semidavil/stages"
	"semidavil/transforms/captions"
	"semidavil/transforms/shards"
)

// limit is ceil(0.95 * 65536).
const limit = 62260

// TestFixed compares every file of raw images with the network's own confidences.
func TestFixed(t *testing.T) {
	n, root := network(t), photos(t, 5)
	cfg := settings(t, n, root)
	cfg.Confidence = true
	stdout := must(t, cfg)
	kept, all, listed := 0, 0, rows(t, cfg.Output)
	for name, p := range asked(t, n, root) {
		want := sure(p, limit)
		place := strings.TrimSuffix(name, ".png")
		checkPNGs(t, cfg.Output, place, p, want, true)
		here := 0
		for _, c := range want {
			if c != 255 {
				here++
			}
		}
		kept, all = kept+here, all+len(want)
		key := "images_extra_" + strings.ReplaceAll(place, "/", "_")
		row := listed[name]
		if !strings.HasPrefix(row.Key, key) || row.Label != "labels/"+place+"_pseudo_labelTrainIds.png" || row.Width != p.w || row.Height != p.h ||
			row.Kept != float64(here)/float64(len(want)) {
			t.Errorf("%+v of %s %dx%d with %d kept", row, key, p.w, p.h, here)
		}
	}
	if len(listed) != 5 || kept < all/20 || kept > all*19/20 {
		t.Errorf("%d rows; the test compares little: %d of %d kept", len(listed), kept, all)
	}
	if s, err := stages.ReadLabelStats(t.Context(), cfg.Output); err != nil || int(s.Kept) != kept || int(s.Pixels) != all || s.Images != 5 {
		t.Errorf("%+v %v", s, err)
	}
	for _, want := range []string{"images 5", "rejects    0", "images/s", "labels.jsonl"} {
		if !strings.Contains(stdout, want) {
			t.Errorf("no %q in\n%s", want, stdout)
		}
	}
	if len(rejects(t, cfg.Output)) != 0 {
		t.Error("rejects")
	}
}

// TestBalanced: the thresholds are those of sorted confidences, to the width of a
// bucket, and the labels those of the thresholds.
func TestBalanced(t *testing.T) {
	n, root := network(t), photos(t, 4)
	all := asked(t, n, root)
	byClass := make([][]int, 19)
	for _, p := range all {
		for i, l := range p.Label {
			byClass[l] = append(byClass[l], steps(p.Confidence[i]))
		}
	}
	cfg := settings(t, n, root)
	cfg.Round = 2 // 0.3
	for rule, portion := range map[string]float64{"cb": 0.3, "cb-cap": 0.3} {
		cfg.Rule, cfg.Overwrite = rule, true
		must(t, cfg)
		var tau []uint32
		if err := json.Unmarshal(read(t, cfg.Output, stages.ThresholdsFile), &tau); err != nil || len(tau) != 19 {
			t.Fatal(err, tau)
		}
		for c, qs := range byClass {
			slices.Sort(qs)
			slices.Reverse(qs)
			low, high := 65536, 65536
			if len(qs) > 0 {
				high = qs[min(int(math.Floor(portion*float64(len(qs)))), len(qs)-1)]
				low = high - (65535-high)/64
			}
			if rule == "cb-cap" {
				low, high = min(low, limit), min(high, limit)
			}
			if int(tau[c]) < low || int(tau[c]) > high {
				t.Errorf("%s: class %d: threshold %d, want %d to %d", rule, c, tau[c], low, high)
			}
		}
		for name, p := range all {
			checkPNGs(t, cfg.Output, strings.TrimSuffix(name, ".png"), p, balanced(p, tau), false)
		}
	}
}

// TestShards labels prepared images under their keys.
func TestShards(t *testing.T) {
	n := network(t)
	cfg := settings(t, n, n.Data)
	oracle := trained.NewOracle(t, infer.Options{Checkpoint: n.Newest(), Network: infer.Teacher, Second: true})
	cfg.Model = "teacher"
	must(t, cfg)
	r := shards.NewReader(bytes.NewReader(read(t, n.Data, "shards", "unlabelled-00000.tar")))
	samples := 0
	for {
		s, err := r.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		samples++
		ids, err := shards.DecodeTokens(s.Tokens)
		if err != nil {
			t.Fatal(err)
		}
		p, w, h := oracle.Tokens(t, s.Image, textfeatures.Tokens{IDs: ids.Data().([]int32), Count: s.Meta.Tokens})
		checkPNGs(t, cfg.Output, s.Key, predicted{p, w, h}, sure(predicted{p, w, h}, limit), false)
	}
	if list := rows(t, cfg.Output); len(list) != samples || samples != 3 {
		t.Errorf("%d rows of %d samples", len(list), samples)
	}
	other := settings(t, n, n.Data)
	other.Subset = "val"
	must(t, other)
	if list := rows(t, other.Output); len(list) != 2 {
		t.Errorf("%d rows of val", len(list))
	}
}

// TestGlob labels what a pattern matches.
func TestGlob(t *testing.T) {
	n, root := network(t), photos(t, 4)
	cfg := settings(t, n, root+"/day1/*.png")
	must(t, cfg)
	if got := sortedKeys(rows(t, cfg.Output)); !slices.Equal(got, []string{"p01.png", "p03.png"}) {
		t.Error(got)
	}
	cfg = settings(t, n, root+"/*/p0[02].png")
	must(t, cfg)
	if got := sortedKeys(rows(t, cfg.Output)); !slices.Equal(got, []string{"day0/p00.png", "day0/p02.png"}) {
		t.Error(got)
	}
}

// TestCityscapes labels the splits of a data set, whose labels do not matter, with the
// caption of images that have none of their own.
func TestCityscapes(t *testing.T) {
	n, root := network(t), t.TempDir()
	fixture.Cityscapes(t, root, 2, 1, 2)
	plain, err := captions.OfClassNames(semidavil.Cityscapes19.Names())
	if err != nil {
		t.Fatal(err)
	}
	words, err := plain.Caption(t.Context(), captions.Request{})
	if err != nil {
		t.Fatal(err)
	}
	oracle := trained.NewOracle(t, infer.Options{Checkpoint: n.Best(), Network: infer.Student, Second: true})
	for subset, want := range map[string]int{"": 5, "train": 2, "extra": 2, "val": 1} {
		cfg := settings(t, n, "cityscapes:"+root)
		cfg.Subset = subset
		must(t, cfg)
		list := rows(t, cfg.Output)
		if len(list) != want {
			t.Errorf("%q: %v", subset, sortedKeys(list))
		}
		for name, row := range list {
			if subset == "" {
				continue
			}
			p, w, h := oracle.Image(t, read(t, root, name), words)
			place := strings.TrimSuffix(name, "_leftImg8bit.png")
			checkPNGs(t, cfg.Output, place, predicted{p, w, h}, sure(predicted{p, w, h}, limit), false)
			if want := "cityscapes_" + subset + "_"; !strings.HasPrefix(row.Key, want) {
				t.Errorf("key %s, want %s", row.Key, want)
			}
		}
	}
}

// TestSameNames: images whose files would have one name are kept apart.
func TestSameNames(t *testing.T) {
	n, root := network(t), t.TempDir()
	for i, stem := range []string{"a", "a_leftImg8bit", "a_b", "sub/a"} {
		fixture.Write(t, root, stem+".png", fixture.PNG(t, fixture.Picture(32+i, 32, i)))
		fixture.Write(t, root, stem+".txt", []byte("a street"))
	}
	cfg := settings(t, n, root)
	must(t, cfg)
	names := map[string]bool{}
	list := rows(t, cfg.Output)
	for name, row := range list {
		names[row.Label] = true
		if m := picture(t, cfg.Output, row.Label); m.Bounds().Dx() != row.Width {
			t.Errorf("%s: %s is %d wide, not %d", name, row.Label, m.Bounds().Dx(), row.Width)
		}
	}
	if len(list) != 4 || len(names) != 4 {
		t.Errorf("%v %v", list, names)
	}
}

// TestWays: every runner writes the same bytes.
func TestWays(t *testing.T) {
	n, root := network(t), photos(t, 5)
	fixture.Write(t, root, "day0/broken.png", []byte("x"))
	fixture.Write(t, root, "day0/broken.txt", []byte("nothing to see"))
	for _, input := range []string{root, n.Data} {
		cfg := settings(t, n, input)
		cfg.Confidence, cfg.Rule = true, "cb-cap"
		all := ways(t, cfg)
		if len(all["vet"]) != 0 {
			t.Error("vet wrote files")
		}
		fixture.SameBytes(t, all["direct"], all["prism"])
		fixture.SameBytes(t, all["worker"], all["prism"])
		if _, ok := all["prism"][stages.LabelsFile]; !ok || len(all["prism"]) < 15 {
			t.Errorf("%v", sortedKeys(all["prism"]))
		}
	}
}

// TestBatches: how images are grouped changes no file.
func TestBatches(t *testing.T) {
	n, root := network(t), photos(t, 7)
	var first map[string]fixture.File
	for _, size := range [][2]int{{1, 64}, {4, 64}, {3, 2}} {
		cfg := settings(t, n, root)
		cfg.Batch, cfg.GroupSize = size[0], size[1]
		must(t, cfg)
		got := fixture.Tree(t, filepath.Join(cfg.Output, stages.LabelsFolder))
		if first == nil {
			first = got
		}
		fixture.SameBytes(t, got, first)
	}
}
