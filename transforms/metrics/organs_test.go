package metrics

import (
	"bytes"
	"compress/zlib"
	"encoding/json"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"strings"
	"testing"

	"semidavil"
)

// medpyCase is of tools/golden_organs.
type medpyCase struct {
	Name        string
	Shape       [3]int
	Spacing     [3]float64
	Classes     int
	Pred, Truth []byte
	Organs      []struct {
		Dice, Voxels, MM *float64
	}
}

func (c medpyCase) volume(t *testing.T, packed []byte) semidavil.LabelVolume {
	t.Helper()
	z, err := zlib.NewReader(bytes.NewReader(packed))
	if err != nil {
		t.Fatal(err)
	}
	ids, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	return semidavil.LabelVolume{Grid: semidavil.Grid{D: c.Shape[0], H: c.Shape[1], W: c.Shape[2]}, Spacing: c.Spacing, IDs: ids}
}

// near reports whether two numbers agree to 1e-9, or are both NaN.
func near(a, b float64) bool {
	return math.IsNaN(a) && math.IsNaN(b) || math.Abs(a-b) <= 1e-9*max(1, math.Abs(b))
}

// TestMedpy: Dice and average surface distance are those of medpy where it defines them.
func TestMedpy(t *testing.T) {
	data, err := os.ReadFile("testdata/medpy.json")
	var cases []medpyCase
	if err == nil {
		err = json.Unmarshal(data, &cases)
	}
	if err != nil || len(cases) < 50 {
		t.Fatalf("%d cases: %v", len(cases), err)
	}
	defined := 0
	for _, c := range cases {
		pred, truth := c.volume(t, c.Pred), c.volume(t, c.Truth)
		for _, rule := range OrganRules {
			scores, err := OrganScores(pred, truth, c.Classes, rule)
			if err != nil {
				t.Fatalf("%s: %v", c.Name, err)
			}
			for i, want := range c.Organs {
				dice, asd := 1.0, math.NaN() // both empty, strict
				if want.Dice != nil {
					dice = *want.Dice
				}
				switch {
				case want.MM != nil && rule == Strict:
					asd = *want.MM
					defined++
				case want.Voxels != nil && rule == Compat:
					asd = *want.Voxels
					defined++
				case rule == Compat && want.Dice == nil:
					dice, asd = 0.01, 0
				case rule == Compat:
					dice, asd = 0, 128
				}
				if !near(float64(scores[i].Dice), dice) || !near(float64(scores[i].ASD), asd) {
					t.Errorf("%s, %s, organ %d: Dice %v, ASD %v; want %v, %v", c.Name, rule, i+1, float64(scores[i].Dice), float64(scores[i].ASD), dice, asd)
				}
			}
		}
	}
	if defined < 120 {
		t.Errorf("%d distances are defined", defined)
	}
}

// slowScore is the definition: all pairs of border voxels.
func slowScore(pred, truth semidavil.LabelVolume, organ uint8, spacing [3]float64) (dice, asd float64) {
	g := truth.Grid
	in := func(v semidavil.LabelVolume, z, y, x int) bool {
		if z < 0 || z >= g.D || y < 0 || y >= g.H || x < 0 || x >= g.W {
			return false
		}
		i := (z*g.H+y)*g.W + x
		return v.IDs[i] == organ && truth.IDs[i] != semidavil.Ignore
	}
	var n [2]int
	both := 0
	var borders [2][][3]int
	for z := range g.D {
		for y := range g.H {
			for x := range g.W {
				for k, v := range []semidavil.LabelVolume{pred, truth} {
					if !in(v, z, y, x) {
						continue
					}
					n[k]++
					if k == 1 && in(pred, z, y, x) {
						both++
					}
					if !in(v, z-1, y, x) || !in(v, z+1, y, x) || !in(v, z, y-1, x) || !in(v, z, y+1, x) || !in(v, z, y, x-1) || !in(v, z, y, x+1) {
						borders[k] = append(borders[k], [3]int{z, y, x})
					}
				}
			}
		}
	}
	sum := 0.0
	for _, p := range borders[0] {
		best := math.Inf(1)
		for _, q := range borders[1] {
			d := 0.0
			for a := range 3 {
				s := float64(p[a]-q[a]) * spacing[a]
				d += s * s
			}
			best = min(best, d)
		}
		sum += math.Sqrt(best)
	}
	return 2 * float64(both) / float64(n[0]+n[1]), sum / float64(len(borders[0]))
}

// randomOrgans is a volume of noise, or of boxes, with few or many of each class.
func randomOrgans(rng *rand.Rand, g semidavil.Grid, spacing [3]float64, classes int) semidavil.LabelVolume {
	v := semidavil.LabelVolume{Grid: g, Spacing: spacing, IDs: make([]uint8, g.Voxels())}
	for range 1 + rng.IntN(6) {
		id := uint8(rng.IntN(classes))
		if rng.IntN(8) == 0 {
			id = semidavil.Ignore
		}
		z, y, x := rng.IntN(g.D), rng.IntN(g.H), rng.IntN(g.W)
		share := 1.0
		if rng.IntN(3) == 0 {
			share = rng.Float64()
		}
		for i := range v.IDs {
			if i/(g.H*g.W) >= z && i/g.W%g.H >= y && i%g.W >= x && rng.Float64() < share {
				v.IDs[i] = id
			}
		}
	}
	return v
}

// TestOrganScores compares with the definition on random volumes.
func TestOrganScores(t *testing.T) {
	rng := rand.New(rand.NewPCG(8, 9))
	compared := 0
	for range 300 {
		g := semidavil.Grid{D: 1 + rng.IntN(9), H: 1 + rng.IntN(9), W: 1 + rng.IntN(12)}
		spacing := [3]float64{0.2 + 5*rng.Float64(), 0.2 + rng.Float64(), 0.2 + rng.Float64()}
		pred, truth := randomOrgans(rng, g, [3]float64{1, 1, 1}, 4), randomOrgans(rng, g, spacing, 4)
		for _, rule := range OrganRules {
			scores, err := OrganScores(pred, truth, 4, rule)
			if err != nil {
				t.Fatal(err)
			}
			unit := [3]float64{1, 1, 1}
			if rule == Strict {
				unit = spacing
			}
			for i, s := range scores {
				if s.Truth == 0 || s.Predicted == 0 {
					continue
				}
				compared++
				dice, asd := slowScore(pred, truth, uint8(i+1), unit)
				if !near(float64(s.Dice), dice) || !near(float64(s.ASD), asd) {
					t.Fatalf("%v, %s, organ %d: Dice %v, ASD %v; want %v, %v", g, rule, i+1, float64(s.Dice), float64(s.ASD), dice, asd)
				}
			}
		}
	}
	if compared < 300 {
		t.Errorf("%d scores compared", compared)
	}
}

// TestSquares compares the distance transform with the least distance to any voxel.
func TestSquares(t *testing.T) {
	rng := rand.New(rand.NewPCG(2, 1))
	var tr transform
	for range 200 {
		d, h, w := 1+rng.IntN(8), 1+rng.IntN(8), 1+rng.IntN(20)
		spacing := [3]float64{0.1 + 9*rng.Float64(), 0.1 + rng.Float64(), 0.1 + 3*rng.Float64()}
		set, share := make([]uint8, d*h*w), rng.Float64()*rng.Float64()*0.5
		for i := range set {
			if rng.Float64() < share {
				set[i] = 1
			}
		}
		for i, got := range tr.squares(set, d, h, w, spacing) {
			want := math.Inf(1)
			for j, s := range set {
				if s != 0 {
					z, y, x := float64(i/(h*w)-j/(h*w))*spacing[0], float64(i/w%h-j/w%h)*spacing[1], float64(i%w-j%w)*spacing[2]
					want = min(want, z*z+y*y+x*x)
				}
			}
			if got != want && !near(got, want) {
				t.Fatalf("%d x %d x %d, voxel %d: %v, want %v", d, h, w, i, got, want)
			}
		}
	}
}

// TestOrganScoresRefused: what cannot be scored is an error.
func TestOrganScoresRefused(t *testing.T) {
	g := semidavil.Grid{D: 2, H: 2, W: 3}
	volume := func(change func(v *semidavil.LabelVolume)) semidavil.LabelVolume {
		v := semidavil.LabelVolume{Grid: g, Spacing: [3]float64{1, 1, 1}, IDs: make([]uint8, 12)}
		if change != nil {
			change(&v)
		}
		return v
	}
	for name, c := range map[string]struct {
		pred, truth func(v *semidavil.LabelVolume)
		classes     int
		rule        OrganRule
		want        string
	}{
		"one class":   {nil, nil, 1, Compat, "1 classes"},
		"rule":        {nil, nil, 3, "best", "valid: compat, strict"},
		"shape":       {func(v *semidavil.LabelVolume) { v.Grid = semidavil.Grid{D: 3, H: 2, W: 2} }, nil, 3, Compat, "shape"},
		"few labels":  {nil, func(v *semidavil.LabelVolume) { v.IDs = v.IDs[1:] }, 3, Compat, "with 11"},
		"truth":       {nil, func(v *semidavil.LabelVolume) { v.IDs[11] = 3 }, 3, Compat, "train id 3 at slice 1, row 1, column 2"},
		"predicted":   {func(v *semidavil.LabelVolume) { v.IDs[4] = 9 }, nil, 3, Compat, "train id 9 at slice 0, row 1, column 1"},
		"no spacing":  {nil, func(v *semidavil.LabelVolume) { v.Spacing = [3]float64{} }, 3, Strict, "spacing"},
		"NaN spacing": {nil, func(v *semidavil.LabelVolume) { v.Spacing[1] = math.NaN() }, 3, Strict, "spacing"},
	} {
		want := c.want
		if want == "shape" {
			want = "prediction {3 2 2} with 12 labels"
		}
		_, err := OrganScores(volume(c.pred), volume(c.truth), c.classes, c.rule)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func BenchmarkOrganScores512x512x150Of13(b *testing.B) {
	g := semidavil.Grid{D: 150, H: 512, W: 512}
	volume := func(shift int) semidavil.LabelVolume {
		v := semidavil.LabelVolume{Grid: g, Spacing: [3]float64{3, 0.8, 0.8}, IDs: make([]uint8, g.Voxels())}
		for k := 1; k < 14; k++ {
			cz, cy, cx, r := 30+k*7, 120+(k*53)%270+shift, 100+(k*97)%300, 12+k*6
			for z := max(0, cz-r/3); z < min(g.D, cz+r/3); z++ {
				for y := max(0, cy-r); y < min(g.H, cy+r); y++ {
					for x := max(0, cx-r); x < min(g.W, cx+r); x++ {
						if 9*(z-cz)*(z-cz)+(y-cy)*(y-cy)+(x-cx)*(x-cx) < r*r {
							v.IDs[(z*g.H+y)*g.W+x] = uint8(k)
						}
					}
				}
			}
		}
		return v
	}
	pred, truth := volume(0), volume(5)
	for range b.N {
		if _, err := OrganScores(pred, truth, 14, Strict); err != nil {
			b.Fatal(err)
		}
	}
}
