package nifti

import (
	"math"
	"strings"
	"testing"

	"semidavil"
)

// TestEncode: new files are read back, and what they cannot hold is refused.
func TestEncode(t *testing.T) {
	v, l := drawn()
	for _, gz := range []bool{false, true} {
		data, err := Encode(v, gz)
		if err != nil {
			t.Fatal(err)
		}
		f, err := Decode(data, Options{})
		if err != nil {
			t.Fatal(err)
		}
		back, err := f.Volume()
		if err != nil || back.Grid != v.Grid || back.Spacing != v.Spacing {
			t.Errorf("%+v, want %+v: %v", back, v, err)
		}
		for i, want := range v.Values {
			if back.Values[i] != want {
				t.Errorf("value %d is %g, want %g", i, back.Values[i], want)
			}
		}
		ids := map[uint8]uint8{}
		for i := range uint8(14) {
			ids[i] = 100 + i
		}
		if data, err = EncodeLabels(l, ids, gz); err != nil {
			t.Fatal(err)
		}
		if f, err = Decode(data, Options{}); err != nil {
			t.Fatal(err)
		}
		for i, want := range l.IDs {
			if f.voxels[i] != 100+want {
				t.Errorf("id %d is %d, want %d", i, f.voxels[i], 100+want)
			}
		}
		delete(ids, 13)
		for _, encode := range []func() ([]byte, error){
			func() ([]byte, error) { return EncodeLabels(l, ids, gz) },
			func() ([]byte, error) { return f.EncodeLabels(l, ids, gz) },
		} {
			if _, err := encode(); err == nil || !strings.Contains(err.Error(), "train id 13 at slice 1, row 0, column 1: no id") {
				t.Errorf("a train id without id: %v", err)
			}
		}
		other := l
		other.Grid = semidavil.Grid{D: 3, H: 2, W: 4}
		if _, err := f.EncodeLabels(other, nil, gz); err == nil {
			t.Error("labels of another grid were written")
		}
	}
	for name, change := range map[string]func(v *semidavil.Volume){
		"beyond int16": func(v *semidavil.Volume) { v.Values[5] = 32767.6 },
		"no number":    func(v *semidavil.Volume) { v.Values[5] = float32(math.NaN()) },
		"few voxels":   func(v *semidavil.Volume) { v.Values = v.Values[1:] },
		"no slices":    func(v *semidavil.Volume) { v.D, v.Values = 0, nil },
		"long": func(v *semidavil.Volume) {
			v.Grid = semidavil.Grid{D: 1, H: 1, W: 32768}
			v.Values = make([]float32, 32768)
		},
		"no spacing":    func(v *semidavil.Volume) { v.Spacing = [3]float64{} },
		"spacing <0":    func(v *semidavil.Volume) { v.Spacing[1] = -1 },
		"spacing of no": func(v *semidavil.Volume) { v.Spacing[1] = 1e300 },
	} {
		v, _ := drawn()
		change(&v)
		if _, err := Encode(v, false); err == nil {
			t.Errorf("%s: written", name)
		}
	}
}
