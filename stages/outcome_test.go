package stages

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"testing"

	"semidavil/internal/fixture"
	"semidavil/transforms/metrics"
)

// TestChoose: as many as wanted are chosen, whatever the order of the keys; the worst ones have lower scores
// than all others, and other choices are spread over the keys.
func TestChoose(t *testing.T) {
	var keys []string
	o := Outcome{Scores: []string{"mIoU"}, Images: map[string]ImageOutcome{}}
	score := func(i int) float64 { return float64(i/3*7%100) / 100 } // equal ones too
	for i := range 300 {
		keys = append(keys, fmt.Sprintf("city_%05d", i))
		o.Images[keys[i]] = ImageOutcome{Scores: []metrics.Fraction{metrics.Fraction(score(i))}}
	}
	o.Images[keys[7]] = ImageOutcome{Scores: []metrics.Fraction{metrics.Fraction(math.NaN())}}
	for _, worst := range []bool{false, true} {
		for _, limit := range []int{1, 50, 299, 300, 400} {
			c := Choose(slices.Values(keys), o, worst, limit)
			if other := Choose(maps.Keys(o.Images), o, worst, limit); other != c {
				t.Errorf("%+v and %+v", c, other)
			}
			n, highest, lowest, odd := 0, 0., 1., 0
			for i, key := range keys {
				switch taken := c.takes(key, o); {
				case taken:
					n++
					odd += i % 2
					highest = max(highest, score(i))
				case i != 7:
					lowest = min(lowest, score(i))
				}
			}
			if n != min(limit, 300) || n != c.Images || worst && limit < 300 && (highest > lowest || c.takes(keys[7], o)) {
				t.Errorf("worst %v: %d of %d, up to %v, others from %v", worst, n, limit, highest, lowest)
			}
			if !worst && limit == 50 && (odd < 12 || odd > 38 || highest < 0.8) {
				t.Errorf("%d odd ones, up to %v", odd, highest)
			}
		}
	}
	twice := slices.Concat(keys, keys)
	for _, limit := range []int{1, 50, 599} {
		if c := Choose(slices.Values(twice), o, false, limit); c.Images != limit/2*2 || len(slices.DeleteFunc(slices.Clone(twice), func(key string) bool { return !c.takes(key, o) })) != c.Images {
			t.Errorf("%d of each key twice, at most %d", c.Images, limit)
		}
	}
	if (Choice{}).takes("a reject", o) || !(Choice{}).takes("any", Outcome{}) {
		t.Error("rejects")
	}
}

// TestReadOutcome: each network has its scores, also for an image that the first could not score.
func TestReadOutcome(t *testing.T) {
	dir := t.TempDir()
	fixture.Write(t, dir, ScoresFile, []byte(`{"key":"a","network":"student","miou":0.5,"pixel_accuracy":0.6}
{"key":"a","network":"student","captions":"other","miou":0.1,"pixel_accuracy":0.1}
{"key":"a","network":"teacher","miou":0.7,"pixel_accuracy":0.8}
{"key":"b","network":"teacher","miou":null,"pixel_accuracy":0.9}
`))
	o, err := ReadOutcome(t.Context(), OutputRef{"evaluate", dir})
	if got := fmt.Sprint(o.Scores, o.Images["a"].Scores, o.Images["b"].Scores); err != nil || len(o.Images) != 2 ||
		got != "[student mIoU student pixel accuracy teacher mIoU teacher pixel accuracy] [50.0 60.0 70.0 80.0] [- - - 90.0]" {
		t.Error(got, err)
	}
	fixture.Write(t, dir, ScoresFile, []byte("{}\nx\n"))
	if _, err := ReadOutcome(t.Context(), OutputRef{"evaluate", dir}); err == nil || !strings.Contains(err.Error(), ScoresFile+", line 2") {
		t.Error(err)
	}
	if _, err := ReadOutcome(t.Context(), OutputRef{"pseudolabel", dir}); err == nil || !strings.Contains(err.Error(), dir+" is not a finished output of pseudolabel") {
		t.Error(err)
	}
}

// TestKindOf: reasons that differ in names and numbers alone are one kind.
func TestKindOf(t *testing.T) {
	for _, same := range [][]string{
		{"label is 32x32, its image 64x32", "label is 31x7, its image 1x2"},
		{"two images: a/b.png and c.jpeg", "two images: x.png and /q/w e"},
	} {
		if a, b := kindOf(same[0]), kindOf(same[1]); !strings.HasPrefix(b, a) {
			t.Errorf("%q and %q", a, b)
		}
	}
	if kindOf("no label") == kindOf("no image") || len([]rune(kindOf(strings.Repeat("ä", 300)))) != 80 {
		t.Error("kinds")
	}
}
