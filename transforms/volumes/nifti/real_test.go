package nifti

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"semidavil/internal/fixture"
)

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
