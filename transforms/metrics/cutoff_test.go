package metrics

import (
	"math"
	"math/rand/v2"
	"reflect"
	"testing"

	"semidavil"
)

// TestCutoff compares with one loop a threshold.
func TestCutoff(t *testing.T) {
	rng := rand.New(rand.NewPCG(4, 4))
	var sum, parts Cutoff
	var kept, right [9][3]uint64
	var all uint64
	for range 20 {
		n := 1 + rng.IntN(200)
		label, prediction, confidence := make([]uint8, n), make([]uint8, n), make([]float32, n)
		for i := range n {
			label[i], prediction[i], confidence[i] = uint8(rng.IntN(3)), uint8(rng.IntN(3)), float32(math.Sqrt(rng.Float64()))
			switch rng.IntN(6) {
			case 0:
				label[i] = 255
			case 1:
				prediction[i] = 255
			case 2:
				confidence[i] = float32(Cutoffs[rng.IntN(len(Cutoffs))]) // passes exactly
			}
			if label[i] == 255 || prediction[i] == 255 {
				continue
			}
			all++
			for k, c := range Cutoffs {
				if confidence[i] >= float32(c) {
					kept[k][prediction[i]]++
					if label[i] == prediction[i] {
						right[k][prediction[i]]++
					}
				}
			}
		}
		var one Cutoff
		for _, c := range []*Cutoff{&sum, &one} {
			if err := c.Add(label, prediction, confidence); err != nil {
				t.Fatal(err)
			}
		}
		if err := parts.Merge(one); err != nil {
			t.Fatal(err)
		}
	}
	for k := range Cutoffs {
		for c := range 3 {
			if n, r := sum.Class(k, c); n != kept[k][c] || r != right[k][c] {
				t.Errorf("cutoff %d, class %d: %d %d, want %d %d", k, c, n, r, kept[k][c], right[k][c])
			}
		}
	}
	if n, r := sum.Class(0, 7); n+r != 0 {
		t.Error("a class that was never predicted")
	}
	if sum.All != all || !reflect.DeepEqual(sum, parts) {
		t.Errorf("%+v, %+v, want %d %v %v", sum, parts, all, kept, right)
	}
	if got := float64(sum.Share(5)); got != float64(total(kept[5][:]))/float64(all) {
		t.Error(got)
	}
	if got := float64(sum.Accuracy(5)); got != float64(total(right[5][:]))/float64(total(kept[5][:])) {
		t.Error(got)
	}
	var none Cutoff
	if !math.IsNaN(float64(none.Share(0))) || !math.IsNaN(float64(none.Accuracy(8))) || none.Merge(Cutoff{}) != nil {
		t.Error("a sum of nothing")
	}
	if none.Add([]uint8{1}, []uint8{1}, nil) == nil || none.Merge(Cutoff{Kept: make([][]uint64, 3)}) == nil {
		t.Error("counts that do not fit are accepted")
	}
}

// TestKeptClasses: of each class, what is kept and right of its pixels, and of those taken for it.
func TestKeptClasses(t *testing.T) {
	set := semidavil.ClassSet{Name: "two", Classes: []semidavil.Class{{Name: "road"}, {Name: "car"}, {Name: "train"}}}
	tally := Tally{Confusion: NewConfusion(3)}
	if err := tally.Add([]uint8{0, 0, 0, 1, 1, 255}, []uint8{0, 0, 1, 1, 255, 1}, []float32{0.96, 0.7, 0.99, 0.95, 1, 1}); err != nil {
		t.Fatal(err)
	}
	r, err := NewReport(set, tally)
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range r.Kept {
		if k.Threshold != 0.95 {
			continue
		}
		want := []KeptClass{{"road", Fraction(1. / 3), 1}, {"car", 0.5, 0.5}}
		if !reflect.DeepEqual(k.Classes[:2], want) || k.Share != 0.75 || k.Accuracy != Fraction(2./3) {
			t.Errorf("%+v", k)
		}
		if train := k.Classes[2]; !math.IsNaN(float64(train.Recall)) || !math.IsNaN(float64(train.Precision)) {
			t.Errorf("%+v", train)
		}
	}
}
