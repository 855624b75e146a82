package metrics

import (
	"math"
	"math/rand/v2"
	"reflect"
	"testing"
)

// TestCutoff compares with one loop a threshold.
func TestCutoff(t *testing.T) {
	rng := rand.New(rand.NewPCG(4, 4))
	var sum, parts Cutoff
	var kept, right [9]uint64
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
					kept[k]++
					if label[i] == prediction[i] {
						right[k]++
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
	if sum.All != all || !reflect.DeepEqual(sum.Kept, kept[:]) || !reflect.DeepEqual(sum.Right, right[:]) || !reflect.DeepEqual(sum, parts) {
		t.Errorf("%+v, %+v, want %d %v %v", sum, parts, all, kept, right)
	}
	if got := float64(sum.Share(5)); got != float64(kept[5])/float64(all) {
		t.Error(got)
	}
	if got := float64(sum.Accuracy(5)); got != float64(right[5])/float64(kept[5]) {
		t.Error(got)
	}
	var none Cutoff
	if !math.IsNaN(float64(none.Share(0))) || !math.IsNaN(float64(none.Accuracy(8))) || none.Merge(Cutoff{}) != nil {
		t.Error("a sum of nothing")
	}
	if none.Add([]uint8{1}, []uint8{1}, nil) == nil || none.Merge(Cutoff{Kept: make([]uint64, 3)}) == nil {
		t.Error("counts that do not fit are accepted")
	}
}
