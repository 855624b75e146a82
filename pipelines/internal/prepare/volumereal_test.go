package prepare

import (
	"bytes"
	"fmt"
	"math"
	"os"
	"slices"
	"testing"

	"semidavil"
	"semidavil/configs"
	"semidavil/internal/fixture"
	"semidavil/internal/fixture/scans"
)

// TestOrientations: a label in a shard of its own size is that of the file turned to RAS+, voxel by
// voxel, however the file stores it.
func TestOrientations(t *testing.T) {
	root := t.TempDir()
	spacings := scans.Orientations(t, root)
	output, _, err := prepare(t, func(c *configs.Prepare) {
		c.Target, c.Values = []string{"pairs:" + root + "/pairs.yaml:" + root}, [2]float64{0, 16}
	})
	if err != nil {
		t.Fatal(err)
	}
	found := samplesOf(t, output, semidavil.Labelled)
	if len(found) != 48 || len(spacings) != 48 {
		t.Fatalf("%d samples of %d", len(found), len(spacings))
	}
	for _, s := range found {
		if !bytes.HasSuffix(s.Label, scans.Turned.IDs) || len(s.Label) >= len(scans.Turned.IDs)+200 {
			t.Errorf("%s: the labels are others", s.Key)
		}
		for i, v := range values(t, s) {
			if v != float32(scans.Turned.IDs[i])/16 {
				t.Errorf("%s: value %d is %g, want %d/16", s.Key, i, v, scans.Turned.IDs[i])
				break
			}
		}
		if g := s.Meta.Volume; fmt.Sprint(g.Size) != "[6 9 7]" || g.SourceSize != g.Size || g.SourceSpacing != g.Spacing {
			t.Errorf("%s: %+v", s.Key, g)
		} else {
			want := spacings[s.Key[len(s.Key)-2:]]
			for i := range want {
				if math.Abs(g.Spacing[i]-want[i]) > 1e-6 {
					t.Errorf("%s: spacing %v, want %v", s.Key, g.Spacing, want)
				}
			}
		}
	}
}

// TestRealCT prepares two real volumes by the example for such labels. That assumes that their numbers
// are those of TotalSegmentator's version 2, as configs/examples/volumes_pairs.yaml lists them. What is
// expected was counted with nibabel 5.4 in the files: voxels of each organ, where they are on average in
// RAS+, and the sum of the values that are learnt from.
func TestRealCT(t *testing.T) {
	from := fixture.Data(t, "ct")
	root := t.TempDir()
	for to, name := range map[string]string{"train/images/a": "example_ct", "train/labels/a": "example_seg_fast_force_split", "test/images/b": "example_ct_sm", "test/labels/b": "example_seg"} {
		data, err := os.ReadFile(from + "/" + name + ".nii.gz")
		if err != nil {
			t.Skip(err)
		}
		fixture.Write(t, root, to+".nii.gz", data)
	}
	output, stdout, err := prepare(t, func(c *configs.Prepare) {
		c.Target = []string{"pairs:../../../configs/examples/volumes_pairs.yaml:" + root}
	})
	if err != nil {
		t.Fatalf("%v\n%s", err, stdout)
	}
	table := statsOf(t, output)
	for subset, want := range map[semidavil.Subset]struct {
		pixels         []uint64
		sum            float64
		liver, aKidney [3]float64
	}{
		semidavil.Labelled: {[]uint64{1304063, 9668, 7134, 5090, 1319, 0, 41692, 4836, 1839, 2266, 1086, 695, 166, 210}, 160602.606,
			[3]float64{81.509, 57.992, 99.344}, [3]float64{33.286, 38.101, 87.691}},
		semidavil.Test: {[]uint64{303697, 9452, 3947, 3676, 1333, 0, 38634, 4675, 997, 1368, 901, 644, 152, 184}, 47898.242,
			[3]float64{80.769, 57.904, 18.613}, [3]float64{33.93, 36.977, 9.323}},
	} {
		if got := table.Subsets[subset].Pixels; !slices.Equal(got, want.pixels) {
			t.Errorf("%s: %v, want %v", subset, got, want.pixels)
		}
		s := samplesOf(t, output, subset)[0]
		sum := 0.0
		for _, v := range values(t, s) {
			sum += float64(v)
		}
		if math.Abs(sum-want.sum) > 1e-5*want.sum {
			t.Errorf("%s: values sum up to %.3f, want %.3f", subset, sum, want.sum)
		}
		if g := s.Meta.Volume; g.Spacing != [3]float64{3, 3, 3} {
			t.Errorf("%s: %+v", subset, g)
		}
		for id, where := range map[uint8][3]float64{6: want.liver, 3: want.aKidney} {
			if got := centre(s.Label, s.Meta.Volume.Size, id); math.Hypot(math.Hypot(got[0]-where[0], got[1]-where[1]), got[2]-where[2]) > 0.002 {
				t.Errorf("%s: organ %d is about %.3f, want %v", subset, id, got, where)
			}
		}
	}
}

// centre is the mean place of the voxels of a class, along x, y and z.
func centre(label []byte, size [3]int, id uint8) (at [3]float64) {
	ids, n := label[len(label)-size[0]*size[1]*size[2]:], 0.0
	for i, v := range ids {
		if v == id {
			n++
			for a, x := range [3]int{i % size[2], i / size[2] % size[1], i / size[2] / size[1]} {
				at[a] += float64(x)
			}
		}
	}
	for a := range at {
		at[a] /= n
	}
	return at
}
