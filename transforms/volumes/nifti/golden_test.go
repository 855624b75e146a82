package nifti

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"flag"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"testing"

	"semidavil"
	"semidavil/transforms/labels"
)

// golden is a file of tools/golden_nifti and what nibabel reads from it.
type golden struct {
	Name    string
	File    []byte
	Shape   [3]int
	Spacing [3]float64
	Values  []byte // float32
	Stored  []byte // of files of ids
}

func (g golden) values() []float32 {
	out := make([]float32, len(g.Values)/4)
	for i := range out {
		out[i] = math.Float32frombits(binary.LittleEndian.Uint32(g.Values[4*i:]))
	}
	return out
}

func (g golden) decode(t testing.TB) *File {
	t.Helper()
	f, err := Decode(g.File, Options{})
	if err != nil {
		t.Fatalf("%s: %v", g.Name, err)
	}
	return f
}

type goldens struct {
	Files        []golden
	Orientations []struct {
		Matrix affine
		To     [3]int
		Flip   [3]bool
	}
}

func readGoldens(t testing.TB) (g goldens) {
	t.Helper()
	data, err := os.ReadFile("testdata/nibabel.json")
	if err == nil {
		err = json.Unmarshal(data, &g)
	}
	if err != nil || len(g.Files) < 90 || len(g.Orientations) < 60 {
		t.Fatalf("%d files, %d orientations: %v", len(g.Files), len(g.Orientations), err)
	}
	return g
}

// everyID is a table in which 0 to 254 are themselves.
func everyID(t testing.TB) labels.Table {
	t.Helper()
	pairs := map[int]int{}
	for i := range 256 {
		pairs[i] = i
	}
	table, err := labels.NewTable(pairs)
	if err != nil {
		t.Fatal(err)
	}
	return table
}

// TestGolden: shape, spacing, values and ids are those of nibabel's closest canonical image.
func TestGolden(t *testing.T) {
	table := everyID(t)
	for _, g := range readGoldens(t).Files {
		before := bytes.Clone(g.File)
		f := g.decode(t)
		v, err := f.Volume()
		if err != nil {
			t.Errorf("%s: %v", g.Name, err)
			continue
		}
		if got := [3]int{v.D, v.H, v.W}; got != g.Shape || v.Grid != f.Grid() {
			t.Errorf("%s: shape %v, want %v", g.Name, got, g.Shape)
		}
		for i, s := range v.Spacing {
			if math.Abs(s-g.Spacing[i]) > 1e-12*g.Spacing[i] {
				t.Errorf("%s: spacing %v, want %v", g.Name, v.Spacing, g.Spacing)
			}
		}
		want := g.values()
		for i, got := range v.Values {
			if got != want[i] {
				t.Errorf("%s: value %d is %g, want %g", g.Name, i, got, want[i])
				break
			}
		}
		if g.Stored != nil {
			ids, err := f.Labels(table)
			if err != nil {
				t.Errorf("%s: %v", g.Name, err)
				continue
			}
			for i, id := range ids.IDs {
				if float32(id) != want[i] {
					t.Errorf("%s: id %d is %d, want %g", g.Name, i, id, want[i])
					break
				}
			}
		}
		if !bytes.Equal(before, g.File) {
			t.Errorf("%s: the data were changed", g.Name)
		}
	}
}

// TestClosest: orientations of oblique, sheared and shapeless affines are those of nibabel.
func TestClosest(t *testing.T) {
	for _, o := range readGoldens(t).Orientations {
		got, err := o.Matrix.closest()
		if err != nil || got.to != o.To || got.flip != o.Flip {
			t.Errorf("%v: %v %v, want %v %v", o.Matrix, got, err, o.To, o.Flip)
		}
	}
	for _, a := range []affine{{}, {{1, 2}, {1, 2}, {0, 0, 1}}, {{1, 0, 1}, {0, 1, 1}}, {{1}, {0, 1}}} {
		if o, err := a.closest(); err == nil {
			t.Errorf("%v: degenerate, but %v", a, o)
		}
	}
}

// TestReencoded: labels go back to the voxels that nibabel wrote, and the header is kept.
func TestReencoded(t *testing.T) {
	table := everyID(t)
	n := 0
	for _, g := range readGoldens(t).Files {
		if g.Stored == nil {
			continue
		}
		n++
		f := g.decode(t)
		v, err := f.Labels(table)
		if err != nil {
			t.Fatal(err)
		}
		for _, gz := range []bool{false, true} {
			data, err := f.EncodeLabels(v, nil, gz)
			if err != nil {
				t.Fatalf("%s: %v", g.Name, err)
			}
			back, err := Decode(data, Options{})
			if err != nil {
				t.Fatalf("%s: %v", g.Name, err)
			}
			if !bytes.Equal(back.voxels, g.Stored) {
				t.Errorf("%s: stored %v, want %v", g.Name, back.voxels, g.Stored)
			}
			if back.affine != f.affine || back.order != f.order || back.dims != f.dims || back.kind != uint8Type || back.scaled {
				t.Errorf("%s: header %+v of %+v", g.Name, back.header, f.header)
			}
			for at, want := range map[int]float64{atSlope: 1, atInter: 0, atCalMax: 0, atCalMin: 0} {
				if got := back.float(back.head, at); got != want {
					t.Errorf("%s: %g at byte %d of the header, want %g", g.Name, got, at, want)
				}
			}
			if bits := back.short(back.head, atBitpix); bits != 8 {
				t.Errorf("%s: voxels of %d bits", g.Name, bits)
			}
			for at, b := range back.head {
				changed := at >= atDatatype && at < atPixdim || at >= atVoxOffset && at < atUnits-1 || at >= atCalMax && at < atCalMin+4
				if b != f.head[at] && !changed {
					t.Errorf("%s: byte %d of the header is %d, want %d", g.Name, at, b, f.head[at])
				}
			}
			if gz {
				if again, _ := f.EncodeLabels(v, nil, true); !bytes.Equal(again, data) || data[4]|data[5]|data[6]|data[7] != 0 {
					t.Errorf("%s: other bytes the second time, or a time", g.Name)
				}
			}
		}
	}
	if n < 50 {
		t.Errorf("%d files of ids", n)
	}
}

var out = flag.String("out", "", "folder for the files that tools/golden_nifti checks")

// TestWritten writes re-encoded and new files for nibabel to read.
func TestWritten(t *testing.T) {
	if *out == "" {
		t.Skip("no -out=FOLDER")
	}
	write := func(name string, data []byte, gz bool, want any) {
		ext := ".nii"
		if gz {
			ext = ".nii.gz"
		}
		text, err := json.Marshal(want)
		if err == nil {
			err = os.WriteFile(filepath.Join(*out, name+ext), data, 0o644)
		}
		if err == nil {
			err = os.WriteFile(filepath.Join(*out, name+".json"), text, 0o644)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	for i, g := range readGoldens(t).Files {
		if g.Stored == nil {
			continue
		}
		f := g.decode(t)
		v, err := f.Labels(everyID(t))
		if err != nil {
			t.Fatal(err)
		}
		data, err := f.EncodeLabels(v, nil, i%2 == 0)
		if err != nil {
			t.Fatal(err)
		}
		write(fmt.Sprintf("again%03d", i), data, i%2 == 0, map[string]any{"file": g.File})
	}
	for i, gz := range []bool{false, true} {
		v, l := drawn()
		data, err := Encode(v, gz)
		if err != nil {
			t.Fatal(err)
		}
		shape := []int{v.D, v.H, v.W}
		write(fmt.Sprintf("new%d", i), data, gz, map[string]any{"dtype": "int16", "shape": shape, "spacing": v.Spacing, "drawn": v.Values})
		if data, err = EncodeLabels(l, nil, gz); err != nil {
			t.Fatal(err)
		}
		ids := make([]int, len(l.IDs))
		for i, id := range l.IDs {
			ids[i] = int(id)
		}
		write(fmt.Sprintf("ids%d", i), data, gz, map[string]any{"dtype": "uint8", "shape": shape, "spacing": l.Spacing, "drawn": ids})
	}
}

// drawn is a new volume and its labels.
func drawn() (semidavil.Volume, semidavil.LabelVolume) {
	g, spacing := semidavil.Grid{D: 2, H: 3, W: 4}, [3]float64{5, 0.75, 0.5}
	v := semidavil.Volume{Grid: g, Spacing: spacing, Values: make([]float32, g.Voxels())}
	l := semidavil.LabelVolume{Grid: g, Spacing: spacing, IDs: make([]uint8, g.Voxels())}
	for i := range v.Values {
		v.Values[i] = float32(i*97 - 1024)
		l.IDs[i] = uint8(i % 14)
	}
	return v, l
}
