package metrics

import (
	"encoding/json"
	"math/rand/v2"
	"reflect"
	"testing"

	"semidavil"
)

// TestTally: sums in any order are those of all images at once, also through JSON, and
// cutoffs count what a plain loop counts.
func TestTally(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	const k, n = 4, 500
	tallies := make([]Tally, 3)
	want := Cutoff{Kept: make([][]uint64, len(Cutoffs)), Right: make([][]uint64, len(Cutoffs))}
	for c := range Cutoffs {
		want.Kept[c], want.Right[c] = make([]uint64, k), make([]uint64, k)
	}
	whole := Tally{Confusion: NewConfusion(k)}
	for i := range tallies {
		label, prediction := randomIDs(rng, k, n, 4), randomIDs(rng, k, n, 4)
		confidence := make([]float32, n)
		for j := range confidence {
			confidence[j] = rng.Float32()
			if j%7 == 0 {
				confidence[j] = float32(Cutoffs[j%len(Cutoffs)]) // on the edge
			}
			if label[j] == semidavil.Ignore || prediction[j] == semidavil.Ignore {
				continue
			}
			want.All++
			for c, v := range Cutoffs {
				if confidence[j] >= float32(v) {
					want.Kept[c][prediction[j]]++
					if label[j] == prediction[j] {
						want.Right[c][prediction[j]]++
					}
				}
			}
		}
		tallies[i] = Tally{Confusion: NewConfusion(k)}
		for _, to := range []*Tally{&tallies[i], &whole} {
			if err := to.Add(label, prediction, confidence); err != nil {
				t.Fatal(err)
			}
		}
	}
	if !reflect.DeepEqual(whole.Cutoff, want) {
		t.Errorf("%+v, want %+v", whole.Cutoff, want)
	}
	var sum Tally
	for _, i := range []int{2, 0, 1} {
		data, err := json.Marshal(tallies[i])
		if err != nil {
			t.Fatal(err)
		}
		var back Tally
		if err := json.Unmarshal(data, &back); err != nil {
			t.Fatal(err)
		}
		if err := sum.Merge(back); err != nil {
			t.Fatal(err)
		}
		if err := sum.Merge(Tally{}); err != nil {
			t.Fatal(err)
		}
	}
	if !reflect.DeepEqual(sum, whole) {
		t.Errorf("%+v, want %+v", sum, whole)
	}
	plain := Tally{Confusion: NewConfusion(k)}
	if err := plain.Add([]uint8{1, 2}, []uint8{1, 1}, nil); err != nil || plain.Calibration.Pixels != nil || plain.Cutoff.Kept != nil {
		t.Errorf("without confidences: %v %+v", err, plain)
	}
	if err := plain.Add([]uint8{1, 2}, []uint8{1, 1}, []float32{1}); err == nil {
		t.Error("a confidence too few was accepted")
	}
}
