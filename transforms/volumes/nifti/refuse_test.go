package nifti

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"math"
	"strings"
	"testing"

	"semidavil/internal/fixture"
)

func short(at int, v int16) func([]byte) []byte {
	return func(b []byte) []byte {
		binary.LittleEndian.PutUint16(b[at:], uint16(v))
		return b
	}
}

func float(at int, v float64) func([]byte) []byte {
	return func(b []byte) []byte {
		binary.LittleEndian.PutUint32(b[at:], math.Float32bits(float32(v)))
		return b
	}
}

func text(at int, s string) func([]byte) []byte {
	return func(b []byte) []byte {
		copy(b[at:], s)
		return b
	}
}

// plain is a small file that is in order.
func plain(t testing.TB) []byte {
	t.Helper()
	v, _ := drawn()
	data, err := Encode(v, false)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func zip(data []byte) []byte {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	z.Write(data)
	z.Close()
	return b.Bytes()
}

// TestRefused: what is not read is refused with a message that says why, plain and
// compressed, whatever the header claims.
func TestRefused(t *testing.T) {
	nan := math.NaN()
	sform := func(v float64) func([]byte) []byte { return float(atSrow+20, v) }
	for name, c := range map[string]struct {
		change func([]byte) []byte
		want   string
	}{
		"empty":               {func(b []byte) []byte { return nil }, "after 0 bytes of a header of 348: the file ends early"},
		"half a header":       {func(b []byte) []byte { return b[:200] }, "after 200 bytes of a header of 348: the file ends early"},
		"another file":        {text(0, "%PDF-1.7"), "not a NIfTI file"},
		"NIfTI-2":             {text(0, "\x1c\x02\x00\x00"), "NIfTI-2"},
		"NIfTI-2, big-endian": {text(0, "\x00\x00\x02\x1c"), "NIfTI-2"},
		"pair":                {text(atMagic, "ni1\x00"), "half of a NIfTI-1 pair"},
		"ANALYZE":             {text(atMagic, "\x00\x00\x00\x00"), "ANALYZE"},
		"two axes":            {short(atDim, 2), "2 axes; want 3"},
		"no axes":             {short(atDim, 0), "0 axes"},
		"eight axes":          {short(atDim, 8), "8 axes"},
		"no rows":             {short(atDim+4, 0), "axis 2 has 0 voxels"},
		"negative slices":     {short(atDim+6, -3), "axis 3 has -3 voxels"},
		"time points":         {func(b []byte) []byte { return short(atDim, 4)(short(atDim+8, 2)(b)) }, "a series of 2 volumes (time points)"},
		"vectors":             {func(b []byte) []byte { return short(atDim, 5)(short(atDim+10, 3)(b)) }, "3 values a voxel along axis 5"},
		"absurd":              {func(b []byte) []byte { return short(atDim+2, 32767)(short(atDim+4, 32767)(short(atDim+6, 32767)(b))) }, "32767 x 32767 x 32767 voxels; want at most 268435456"},
		"large":               {func(b []byte) []byte { return short(atDim+2, 16384)(short(atDim+4, 16384)(short(atDim+6, 1)(b))) }, "ends early"},
		"one slice too many":  {short(atDim+6, 3), "ends early"},
		"one slice too few":   {short(atDim+6, 1), "goes on behind 4 x 3 x 1 voxels of int16 from byte 352"},
		"complex":             {short(atDatatype, 32), "voxels of complex64"},
		"RGB":                 {short(atDatatype, 128), "voxels of RGB24"},
		"float128":            {short(atDatatype, 1536), "voxels of float128"},
		"datatype 77":         {short(atDatatype, 77), "voxels of datatype 77"},
		"voxels in header":    {float(atVoxOffset, 348), "voxels begin at byte 348"},
		"voxels at 0":         {float(atVoxOffset, 0), "voxels begin at byte 0"},
		"voxels far away":     {float(atVoxOffset, 1e9), "voxels begin at byte 1e+09"},
		"voxels between":      {float(atVoxOffset, 352.5), "voxels begin at byte 352.5"},
		"voxels nowhere":      {float(atVoxOffset, nan), "voxels begin at byte NaN"},
		"intercept":           {func(b []byte) []byte { return float(atSlope, 2)(float(atInter, nan)(b)) }, "scaled by 2, but with an intercept of NaN"},
		"unit":                {text(atUnits, "\x05"), "unit of length 5"},
		"flat affine":         {sform(0), "degenerate"},
		"affine without end":  {sform(math.Inf(1)), "affine has a +Inf"},
		"affine of no number": {sform(nan), "affine has a NaN"},
		"long quaternion": {func(b []byte) []byte {
			return short(atSformCode, 0)(short(atQformCode, 1)(float(atQuatern, 1.1)(b)))
		}, "quaternion (1.1"},
		"quaternion of no number": {func(b []byte) []byte {
			return short(atSformCode, 0)(short(atQformCode, 1)(float(atQuatern, nan)(b)))
		}, "quaternion (NaN"},
	} {
		data := c.change(plain(t))
		for _, data := range [][]byte{data, zip(data)} {
			var err error
			fixture.Modest(t, 4<<20, func() { _, err = Decode(data, Options{}) })
			if err == nil || !strings.HasPrefix(err.Error(), "nifti: decode: ") || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%s: %v, want %q", name, err, c.want)
			}
		}
	}
}
