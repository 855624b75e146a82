package resample

import (
	"testing"

	"semidavil"
)

// TestBest compares with whole resized volumes.
func TestBest(t *testing.T) {
	from, to := semidavil.Grid{D: 3, H: 4, W: 5}, semidavil.Grid{D: 7, H: 6, W: 11}
	const classes = 4
	values := make([]float32, classes*from.Voxels())
	for i := range values {
		values[i] = float32(i*7919%101) / 101
	}
	for _, to := range []semidavil.Grid{to, from, {D: 2, H: 2, W: 2}} {
		ids, confidence, err := Best(values, classes, from, to)
		if err != nil {
			t.Fatal(err)
		}
		var whole [classes]semidavil.Volume
		for k := range whole {
			whole[k].Grid = to
			if err := Trilinear(&whole[k], semidavil.Volume{Grid: from, Values: values[k*from.Voxels():][:from.Voxels()], Spacing: [3]float64{1, 1, 1}}); err != nil {
				t.Fatal(err)
			}
		}
		for i, id := range ids {
			for k := range whole {
				if whole[k].Values[i] > confidence[i] || k < int(id) && whole[k].Values[i] == confidence[i] || whole[id].Values[i] != confidence[i] {
					t.Fatalf("%v: voxel %d is %d at %v, class %d has %v", to, i, id, confidence[i], k, whole[k].Values[i])
				}
			}
		}
	}
	if _, _, err := Best(values[1:], classes, from, to); err == nil {
		t.Error("probabilities of another shape were taken")
	}
}
