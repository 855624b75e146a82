package pseudo

import (
	"math"
	"reflect"
	"slices"
	"testing"

	"semidavil"
)

// TestVoxels: voxels are labelled and counted as the pixels of an image are.
func TestVoxels(t *testing.T) {
	ids := []uint8{0, 1, 2, 1, 0, 2}
	confidence := []float32{1, 0.9, 0.5, 0.95, 0.25, 0.75}
	thresholds := []uint32{One / 2, One * 19 / 20, One / 2}
	p, err := NewPrediction(3, 2, slices.Clone(ids), []uint8{1, 0, 0, 0, 1, 0}, confidence, make([]float32, 6))
	if err != nil {
		t.Fatal(err)
	}
	label, err := Apply(p, thresholds)
	if err != nil {
		t.Fatal(err)
	}
	want := NewStats(thresholds)
	if err := want.Add(p, label); err != nil {
		t.Fatal(err)
	}
	got := NewStats(thresholds)
	if err := got.Voxels(ids, confidence); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(ids, label.Pix) || !reflect.DeepEqual(got, want) {
		t.Errorf("%v, %+v;\nwant %v, %+v", ids, got, label.Pix, want)
	}
	if ids[1] != semidavil.Ignore || ids[3] != 1 {
		t.Errorf("0.9 and 0.95 at a threshold of 0.95: %v", ids)
	}
	if got.Voxels([]uint8{3}, []float32{1}) == nil || got.Voxels([]uint8{0}, []float32{float32(math.NaN())}) == nil || got.Voxels([]uint8{0}, nil) == nil {
		t.Error("voxels of other classes, without confidence or with one that is NaN were taken")
	}
}
