package nifti

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"errors"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"semidavil"
	"semidavil/internal/fixture"
	"semidavil/internal/inflate"
	"semidavil/transforms/labels"
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

// TestGzip: a stream that is cut anywhere, or damaged, is refused; several members are one
// file.
func TestGzip(t *testing.T) {
	file := plain(t)
	data := zip(file)
	for n := range data {
		if n < 2 {
			continue // told by two bytes
		}
		if _, err := Decode(data[:n], Options{}); !errors.Is(err, errTruncated) {
			t.Errorf("%d of %d bytes: %v", n, len(data), err)
		}
	}
	for at := 10; at < len(data); at++ {
		bad := bytes.Clone(data)
		bad[at] ^= 0x10
		if f, err := Decode(bad, Options{}); err == nil && !bytes.Equal(f.voxels, file[firstOffset:]) {
			t.Errorf("byte %d changed: read", at)
		}
	}
	for _, at := range []int{len(data) - 1, len(data) - 8} {
		bad := bytes.Clone(data)
		bad[at] ^= 1
		if _, err := Decode(bad, Options{}); err == nil {
			t.Errorf("byte %d of the checksum or size changed: read", at)
		}
	}
	for _, cut := range []int{100, headerSize, 360} {
		f, err := Decode(append(zip(file[:cut]), zip(file[cut:])...), Options{})
		if err != nil || !bytes.Equal(f.voxels, file[firstOffset:]) {
			t.Errorf("two members, cut at %d: %v", cut, err)
		}
	}
	for _, h := range []gzip.Header{{Name: "scan.nii"}, {Comment: "of the abdomen"}, {Extra: []byte("extra")}, {Name: "n", Comment: "c", Extra: []byte{0, 0}}} {
		var b bytes.Buffer
		z := gzip.NewWriter(&b)
		z.Header = h
		z.Write(file)
		z.Close()
		if at, ok := memberStart(b.Bytes()); !ok || !member(make([]byte, len(file)+inflate.Slop), b.Bytes(), len(file)) {
			t.Errorf("%+v: not read the fast way, from %d", h, at)
		}
		for n := range 60 {
			memberStart(b.Bytes()[:n])
		}
		f, err := Decode(b.Bytes(), Options{})
		if err != nil || !bytes.Equal(f.voxels, file[firstOffset:]) {
			t.Errorf("%+v: %v", h, err)
		}
	}
	for _, junk := range []string{"PK", "\x1f\x8b", "junk" + string(data[len(data)-8:])} {
		if _, err := Decode(append(bytes.Clone(data), junk...), Options{}); err == nil {
			t.Errorf("%q behind the stream: read", junk)
		}
	}
}

// TestBomb: a stream is decompressed no further than its header says, and memory follows the
// size of the data.
func TestBomb(t *testing.T) {
	long := zip(append(plain(t), make([]byte, 64<<20)...))
	claim := zip(short(atDim+2, 16384)(short(atDim+4, 16384)(short(atDim+6, 1)(plain(t)))))
	for name, data := range map[string][]byte{"long": long, "claim": claim} {
		fixture.Modest(t, 1<<20, func() {
			if _, err := Decode(data, Options{}); err == nil {
				t.Errorf("%s: read", name)
			}
		})
	}
	if _, err := Decode(plain(t), Options{MaxVoxels: 23}); err == nil || !strings.Contains(err.Error(), "4 x 3 x 2 voxels; want at most 23") {
		t.Errorf("24 voxels of at most 23: %v", err)
	}
	if _, err := Decode(plain(t), Options{MaxVoxels: 24}); err != nil {
		t.Errorf("24 voxels of at most 24: %v", err)
	}
}

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

// TestReal reads all real files.
func TestReal(t *testing.T) {
	folder := fixture.Data(t, "ct")
	files, err := filepath.Glob(filepath.Join(folder, "*.nii.gz"))
	if err != nil || len(files) == 0 {
		t.Skipf("no files in %s: %v", folder, err)
	}
	for _, name := range files {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		f, err := Decode(data, Options{})
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		v, err := f.Volume()
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		lo, hi := v.Values[0], v.Values[0]
		for _, value := range v.Values {
			lo, hi = min(lo, value), max(hi, value)
		}
		t.Logf("%s: %s, %v voxels of %v mm, %g to %g", filepath.Base(name), f.kind, v.Grid, v.Spacing, lo, hi)
		if !strings.Contains(name, "_seg") {
			continue
		}
		l, err := f.Labels(everyID(t))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		again, err := f.EncodeLabels(l, nil, true)
		if err != nil {
			t.Fatal(err)
		}
		g, err := Decode(again, Options{})
		if err != nil {
			t.Fatal(err)
		}
		back, err := g.Labels(everyID(t))
		if err != nil || !bytes.Equal(back.IDs, l.IDs) || back.Spacing != l.Spacing {
			t.Errorf("%s: other labels when written again: %v", name, err)
		}
	}
}
