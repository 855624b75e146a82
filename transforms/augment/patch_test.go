package augment

import (
	"math"
	"testing"

	"semidavil"
)

// ramp is a volume whose values tell their place.
func ramp(g semidavil.Grid) (semidavil.Volume, semidavil.LabelVolume) {
	v, l := semidavil.Volume{Grid: g, Spacing: [3]float64{3, 1, 1}}, semidavil.LabelVolume{Grid: g, Spacing: [3]float64{3, 1, 1}}
	for i := range g.Voxels() {
		v.Values = append(v.Values, float32(i+1))
		l.IDs = append(l.IDs, uint8(i%14))
	}
	return v, l
}

func cutPatch(p Patch, v *semidavil.Volume, l *semidavil.LabelVolume) ([]float32, []uint8) {
	values, ids := make([]float32, p.Voxels()), make([]uint8, p.Voxels())
	p.Volume(values, v)
	p.Labels(ids, l)
	return values, ids
}

// TestPatchesAreBoxes: without turns a patch is a box of the volume, mirrored perhaps, and shows
// the voxel that it has to.
func TestPatchesAreBoxes(t *testing.T) {
	v, l := ramp(semidavil.Grid{D: 5, H: 7, W: 9})
	r := PatchRecipe{Grid: semidavil.Grid{D: 3, H: 4, W: 5}, Flip: [3]bool{true, false, true}}
	mirrored := 0
	for n := range 200 {
		centre := -1
		if n%2 == 0 {
			centre = n * 7 % v.Voxels()
		}
		p := r.Draw(Rand(1, "k", "patch", uint64(n)), v.Grid, centre)
		values, ids := cutPatch(p, &v, &l)
		shown := false
		for d := range p.D {
			for h := range p.H {
				for w := range p.W {
					z, y, x := d, h, w
					if p.mirrored[0] {
						z = p.D - 1 - d
					}
					if p.mirrored[2] {
						x = p.W - 1 - w
					}
					from := ((p.corner[0]+z)*v.H+p.corner[1]+y)*v.W + p.corner[2] + x
					at := (d*p.H+h)*p.W + w
					if values[at] != v.Values[from] || ids[at] != l.IDs[from] {
						t.Fatalf("patch %d: voxel %d,%d,%d is %v, %d; want %v, %d", n, d, h, w, values[at], ids[at], v.Values[from], l.IDs[from])
					}
					shown = shown || from == centre
				}
			}
		}
		if centre >= 0 && !shown {
			t.Fatalf("patch %d does not show voxel %d", n, centre)
		}
		if p.mirrored[1] {
			t.Fatal("mirrored along an axis that is not to be")
		}
		if p.mirrored[0] {
			mirrored++
		}
	}
	if mirrored < 70 || mirrored > 130 {
		t.Errorf("%d of 200 mirrored", mirrored)
	}
}

// TestPatchesTurn: a turn by 90 degrees moves voxels to voxels, and what is outside is 0 and
// ignored.
func TestPatchesTurn(t *testing.T) {
	v, l := ramp(semidavil.Grid{D: 1, H: 5, W: 5})
	p := Patch{Grid: v.Grid, sin: 1, cos: 0}
	values, ids := cutPatch(p, &v, &l)
	for h := range 5 {
		for w := range 5 {
			from := w*5 + 4 - h // y = dx, x = -dy
			if math.Abs(float64(values[h*5+w]-v.Values[from])) > 1e-4 || ids[h*5+w] != l.IDs[from] {
				t.Fatalf("%d,%d: %v, want %v", h, w, values[h*5+w], v.Values[from])
			}
		}
	}
	p.sin, p.cos = math.Sincos(math.Pi / 4)
	values, ids = cutPatch(p, &v, &l)
	if values[0] >= v.Values[0] || ids[0] != semidavil.Ignore || values[12] != v.Values[12] {
		t.Errorf("corner %v, %d; middle %v", values[0], ids[0], values[12])
	}
	// With rows twice as far apart as columns, a turn by 90 degrees takes two columns for a row.
	v.Spacing, l.Spacing = [3]float64{1, 2, 1}, [3]float64{1, 2, 1}
	p.sin, p.cos = 1, 0
	if values, _ = cutPatch(p, &v, &l); values[1*5+2] != v.Values[2*5+4] || values[0*5+2] != 0 {
		t.Errorf("one row up is %v, want %v; two are %v, want 0", values[7], v.Values[14], values[2])
	}
}

// TestPatchesPad: a volume that is smaller than a patch lies anywhere in it, whole.
func TestPatchesPad(t *testing.T) {
	v, l := ramp(semidavil.Grid{D: 2, H: 3, W: 2})
	r := PatchRecipe{Grid: semidavil.Grid{D: 4, H: 3, W: 5}}
	for n := range 30 {
		values, ids := cutPatch(r.Draw(Rand(1, "k", "patch", uint64(n)), v.Grid, -1), &v, &l)
		known, sum := 0, float32(0)
		for i, id := range ids {
			if sum += values[i]; id != semidavil.Ignore {
				known++
			} else if values[i] != 0 {
				t.Fatal("padding has a value")
			}
		}
		if known != 12 || sum != 78 {
			t.Fatalf("%d voxels of sum %v, want all 12", known, sum)
		}
	}
}
