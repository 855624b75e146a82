package nifti

import (
	"encoding/binary"
	"math"
	"strings"
	"testing"

	"semidavil"
	"semidavil/transforms/labels"
)

// TestValues: values that are no numbers, and ids that are not in the table, are refused with
// their place.
func TestValues(t *testing.T) {
	table, err := labels.NewTable(map[int]int{0: 0, 1: 1, 300: 2, 65535: semidavil.Ignore})
	if err != nil {
		t.Fatal(err)
	}
	file := func(kind datatype, slope, inter float64, value func(b []byte)) *File {
		out, err := newFile(semidavil.Grid{D: 2, H: 3, W: 4}, [3]float64{1, 1, 1}, 24, kind)
		if err != nil {
			t.Fatal(err)
		}
		float(atSlope, slope)(out)
		float(atInter, inter)(out)
		value(out[firstOffset+kind.size()*(1*12+2*4+2):])
		f, err := Decode(out, Options{})
		if err != nil {
			t.Fatal(err)
		}
		return f
	}
	f32 := func(v float64) func([]byte) { return func(b []byte) { float(0, v)(b) } }
	f64 := func(v float64) func([]byte) {
		return func(b []byte) { binary.LittleEndian.PutUint64(b, math.Float64bits(v)) }
	}
	i64 := func(v int64) func([]byte) {
		return func(b []byte) { binary.LittleEndian.PutUint64(b, uint64(v)) }
	}
	for name, f := range map[string]*File{
		"NaN": file(float32Type, 1, 0, f32(math.NaN())), "+Inf": file(float32Type, 2, 0, f32(math.Inf(1))),
		"-Inf": file(float64Type, 0, 0, f64(math.Inf(-1))), "1e+39": file(float64Type, 0, 0, f64(1e39)),
		"3e+39": file(float32Type, 1e19, 0, f32(3e20)),
	} {
		_, err := f.Volume()
		if err == nil || !strings.Contains(err.Error(), "nifti: read volume: voxel [2, 2, 1] as stored: ") || name != "3e+39" && !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for want, f := range map[string]*File{
		"id 2 is outside the table":                    file(int16Type, 1, 0, func(b []byte) { b[0] = 2 }),
		"id 255 is outside the table":                  file(uint8Type, 1, 0, func(b []byte) { b[0] = 255 }),
		"id -1 is outside the table":                   file(int8Type, 1, 0, func(b []byte) { b[0] = 255 }),
		"id 4294967297 is outside the table":           file(int64Type, 1, 0, i64(1<<32+1)),
		"id -9223372036854775808 is outside the table": file(int64Type, 1, 0, i64(math.MinInt64)),
		"id 0.5 is no whole number":                    file(float32Type, 1, 0, f32(0.5)),
		"id 1.0000000000000002 is no whole number":     file(float64Type, 1, 0, f64(1+1.0/(1<<52))),
		"id NaN is no whole number":                    file(float64Type, 1, 0, f64(math.NaN())),
		"id +Inf is no whole number":                   file(float32Type, 1, 0, f32(math.Inf(1))),
		"id 1.5 is no whole number":                    file(int16Type, 0.5, 0, func(b []byte) { b[0] = 3 }),
	} {
		_, err := f.Labels(table)
		if err == nil || !strings.Contains(err.Error(), "nifti: read labels: voxel [2, 2, 1] as stored: "+want) {
			t.Errorf("%s: %v", want, err)
		}
	}
	for i, f := range []*File{
		file(int16Type, 1, 0, short300), file(float64Type, 1, 0, f64(300)), file(int64Type, 0, 5, i64(300)), file(uint8Type, 3, 0, func(b []byte) { b[0] = 100 }),
	} {
		if l, err := f.Labels(table); err != nil || l.IDs[22] != 2 || l.IDs[0] != 0 {
			t.Errorf("id 300, file %d: %v %v", i, l.IDs, err)
		}
	}
	if l, err := file(uint16Type, 1, 0, func(b []byte) { b[0], b[1] = 255, 255 }).Labels(table); err != nil || l.IDs[22] != semidavil.Ignore {
		t.Errorf("id 65535: %v %v", l.IDs, err)
	}
}

func short300(b []byte) { short(0, 300)(b) }

// TestUnits: metres and micrometres become millimetres.
func TestUnits(t *testing.T) {
	for unit, factor := range map[string]float64{"\x00": 1, "\x01": 1000, "\x02": 1, "\x03": 1e-3, "\x0a": 1} {
		f, err := Decode(text(atUnits, unit)(plain(t)), Options{})
		if err != nil {
			t.Fatal(err)
		}
		if got, want := f.Spacing(), [3]float64{5 * factor, 0.75 * factor, 0.5 * factor}; got != want {
			t.Errorf("unit %q: spacing %v, want %v", unit, got, want)
		}
	}
}
