package nifti

import (
	"bytes"
	"testing"

	"semidavil/internal/fixture"
)

// FuzzDecode: whatever the bytes, decoding allocates in proportion to them and ends in an
// error or in a file whose labels, written again, have the same ids, shape and spacing.
func FuzzDecode(f *testing.F) {
	for i, g := range readGoldens(f).Files {
		if i%4 == 0 || g.Stored == nil {
			f.Add(g.File, false)
		}
	}
	f.Add(plain(f), true)
	f.Add(zip(short(atDim+2, 16384)(short(atDim+4, 16384)(short(atDim+6, 1)(plain(f))))), false)
	table := everyID(f)
	f.Fuzz(func(t *testing.T, data []byte, again bool) {
		if again {
			data = zip(data)
		}
		var file *File
		var err error
		fixture.Modest(t, 4<<20+(maxRatio+2)*len(data), func() { file, err = Decode(data, Options{}) })
		if err != nil {
			return
		}
		if g := file.Grid(); g.Voxels() != file.header.voxels() || len(file.voxels) != g.Voxels()*file.kind.size() {
			t.Fatalf("%d bytes of %v %v", len(file.voxels), g, file.kind)
		}
		if len(file.voxels) > 1<<20 {
			return
		}
		if v, err := file.Volume(); err == nil {
			for i, value := range v.Values {
				if value-value != 0 {
					t.Fatalf("value %d is %g", i, value)
				}
			}
		}
		l, err := file.Labels(table)
		if err != nil {
			return
		}
		out, err := file.EncodeLabels(l, nil, again)
		if err != nil {
			t.Fatal(err)
		}
		back, err := Decode(out, Options{})
		if err != nil {
			t.Fatal(err)
		}
		k, err := back.Labels(table)
		if err != nil || k.Grid != l.Grid || k.Spacing != l.Spacing || !bytes.Equal(k.IDs, l.IDs) {
			t.Fatalf("%v of %v, want %v of %v: %v", k.Grid, k.Spacing, l.Grid, l.Spacing, err)
		}
	})
}
