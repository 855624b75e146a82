package minict

import (
	"testing"

	"semidavil"
)

// center is the middle of an organ, in voxels along W, H and D.
func center(c Case, id uint8) (m vec) {
	n := 0.0
	for i, v := range c.Label.IDs {
		if v == id {
			m = m.add(vec{float64(i % c.Label.W), float64(i / c.Label.W % c.Label.H), float64(i / c.Label.W / c.Label.H)})
			n++
		}
	}
	return m.times(1 / n)
}

// TestPlaces checks where the organs lie. W runs to the patient's right, H to the
// front, D to the head.
func TestPlaces(t *testing.T) {
	for n, c := range cases() {
		var at [classes]vec
		for id := spleen; id < classes; id++ {
			at[id] = center(c, id)
		}
		middle := float64(c.Label.W-1) / 2
		for _, id := range []uint8{liver, gallbladder, rightKidney, rightAdrenal, cava} {
			if at[id].x <= middle {
				t.Errorf("case %d: %s at %v is on the left", n, name(id), at[id])
			}
		}
		for _, id := range []uint8{spleen, stomach, leftKidney, leftAdrenal} {
			if at[id].x >= middle {
				t.Errorf("case %d: %s at %v is on the right", n, name(id), at[id])
			}
		}
		for _, tt := range []struct {
			what string
			ok   bool
		}{
			{"the vena cava is right of the aorta", at[cava].x > at[aorta].x+3},
			{"the adrenal glands are above the kidneys", at[rightAdrenal].z > at[rightKidney].z+3 && at[leftAdrenal].z > at[leftKidney].z+3},
			{"the left kidney is the higher one", at[leftKidney].z > at[rightKidney].z},
			{"the gallbladder is below the liver, in front of the kidney", at[gallbladder].z < at[liver].z && at[gallbladder].y > at[rightKidney].y+8},
			{"the stomach is in front of the spleen", at[stomach].y > at[spleen].y+5},
			{"the oesophagus is above the pancreas", at[oesophagus].z > at[pancreas].z+10},
			{"the pancreas is in front of the aorta", at[pancreas].y > at[aorta].y+2},
		} {
			if !tt.ok {
				t.Errorf("case %d: it is not so that %s: %v", n, tt.what, at)
			}
		}
	}
}

// pieces are the sizes of the largest connected piece of an organ and of all of it;
// voxels that share a corner are connected.
func pieces(l semidavil.LabelVolume, id uint8) (largest, all int) {
	seen := make([]bool, len(l.IDs))
	for start, v := range l.IDs {
		if v != id || seen[start] {
			continue
		}
		seen[start] = true
		size := 0
		for queue := []int{start}; len(queue) > 0; {
			i := queue[len(queue)-1]
			queue = queue[:len(queue)-1]
			size++
			x, y, z := i%l.W, i/l.W%l.H, i/l.W/l.H
			for d := max(0, z-1); d <= min(l.D-1, z+1); d++ {
				for h := max(0, y-1); h <= min(l.H-1, y+1); h++ {
					for w := max(0, x-1); w <= min(l.W-1, x+1); w++ {
						if j := (d*l.H+h)*l.W + w; l.IDs[j] == id && !seen[j] {
							seen[j] = true
							queue = append(queue, j)
						}
					}
				}
			}
		}
		largest, all = max(largest, size), all+size
	}
	return largest, all
}

// TestConnected: an organ is one piece, but for crumbs of thin ones.
func TestConnected(t *testing.T) {
	for n, c := range cases() {
		for id := spleen; id < classes; id++ {
			want := 0.97
			switch id {
			case oesophagus, portal, rightAdrenal, leftAdrenal:
				want = 0.85
			}
			if largest, all := pieces(c.Label, id); float64(largest) < want*float64(all) {
				t.Errorf("case %d: the largest piece of %s has %d of %d voxels", n, name(id), largest, all)
			}
		}
	}
}

// TestVariation: patients differ in place and shape.
func TestVariation(t *testing.T) {
	for _, tt := range []struct {
		id   uint8
		most float64 // mean Dice coefficient of two patients' organs
	}{{liver, 0.9}, {spleen, 0.8}, {pancreas, 0.6}, {gallbladder, 0.7}, {rightAdrenal, 0.5}, {leftAdrenal, 0.5}} {
		sum := 0.0
		all := cases()
		for i := 1; i < len(all); i++ {
			a, b := all[i-1].Label.IDs, all[i].Label.IDs
			both, either := 0, 0
			for j := range a {
				if a[j] == tt.id {
					either++
				}
				if b[j] == tt.id {
					either++
				}
				if a[j] == tt.id && b[j] == tt.id {
					both++
				}
			}
			dice := 2 * float64(both) / float64(either)
			if dice > 0.97 {
				t.Errorf("cases %d and %d: the same %s", i-1, i, name(tt.id))
			}
			sum += dice
		}
		if mean := sum / float64(len(all)-1); mean > tt.most {
			t.Errorf("two patients' %s have a Dice coefficient of %.2f", name(tt.id), mean)
		} else {
			t.Logf("%-24s %.2f", name(tt.id), mean)
		}
	}
}
