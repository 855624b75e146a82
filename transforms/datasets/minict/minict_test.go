package minict

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"math"
	"strings"
	"sync"
	"testing"

	"semidavil"
)

// cases are the first ones of a seed at the default grid.
var cases = sync.OnceValue(func() []Case {
	var out []Case
	for n := range 30 {
		c, err := Draw(1, n, DefaultGrid)
		if err != nil {
			panic(err)
		}
		out = append(out, c)
	}
	return out
})

func draw(t *testing.T, seed uint64, n int, g semidavil.Grid) Case {
	t.Helper()
	c, err := Draw(seed, n, g)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func counts(c Case) (k [classes]int) {
	for _, id := range c.Label.IDs {
		k[id]++
	}
	return k
}

func name(id uint8) string { return semidavil.Synapse14.Classes[id].Name }

func digest(c Case) string {
	h := sha256.New()
	binary.Write(h, binary.LittleEndian, c.Volume.Values)
	binary.Write(h, binary.LittleEndian, c.Volume.Spacing)
	h.Write(c.Label.IDs)
	return hex.EncodeToString(h.Sum(nil)[:8])
}

// TestDeterministic freezes the bits of some cases, on every processor. GOAMD64=v3
// builds with fused products, which must not change them. They change only with a
// deliberate change of the drawing: then raise Version and replace the digests.
func TestDeterministic(t *testing.T) {
	for _, tt := range []struct {
		seed   uint64
		n      int
		grid   semidavil.Grid
		frozen string
	}{
		{1, 0, DefaultGrid, "5891474a590e6925"},
		{3, 11, semidavil.Grid{D: 24, H: 48, W: 48}, "7d636de63a447b35"},
		{3, 12, semidavil.Grid{D: 31, H: 50, W: 67}, "628af529203b883b"},
	} {
		a, b := digest(draw(t, tt.seed, tt.n, tt.grid)), digest(draw(t, tt.seed, tt.n, tt.grid))
		if a != b {
			t.Errorf("seed %d, case %d: %s, then %s", tt.seed, tt.n, a, b)
		}
		if a != tt.frozen {
			t.Errorf("seed %d, case %d on %v: the drawing has changed: %s, frozen as %s", tt.seed, tt.n, tt.grid, a, tt.frozen)
		}
	}
}

func TestClasses(t *testing.T) {
	if n := semidavil.Synapse14.Len(); n != int(classes) {
		t.Fatalf("%d classes, the set has %d", classes, n)
	}
	for id, want := range map[uint8]string{background: "background", spleen: "spleen", rightKidney: "right kidney", oesophagus: "oesophagus",
		liver: "liver", cava: "inferior vena cava", portal: "portal and splenic vein", leftAdrenal: "left adrenal gland"} {
		if name(id) != want {
			t.Errorf("class %d is %q, want %q", id, name(id), want)
		}
	}
}

// TestLongTail checks the shares of the organs against those of real scans.
func TestLongTail(t *testing.T) {
	var total [classes]float64
	foreground := 0.0
	for n, c := range cases() {
		for id, k := range counts(c) {
			total[id] += float64(k)
			if id > 0 {
				foreground += float64(k)
			}
			if k < MinVoxels {
				t.Errorf("case %d: %s has %d voxels", n, name(uint8(id)), k)
			}
		}
	}
	if share := foreground / (foreground + total[background]); share < 0.035 || share > 0.055 {
		t.Errorf("%.2f %% of the voxels are foreground", 100*share)
	}
	share := func(id uint8) float64 { return total[id] / foreground }
	if s := share(rightAdrenal); s < 0.0010 || s > 0.0020 {
		t.Errorf("the right adrenal gland has %.3f %% of the foreground", 100*s)
	}
	if s := share(liver); s < 0.45 || s > 0.56 {
		t.Errorf("the liver has %.1f %% of the foreground", 100*s)
	}
	order := []uint8{liver, stomach, spleen, rightKidney, aorta, cava, portal, gallbladder, oesophagus, leftAdrenal, rightAdrenal}
	for i := 1; i < len(order); i++ {
		if a, b := order[i-1], order[i]; share(a) <= share(b) {
			t.Errorf("%s %.2f %%, %s %.2f %%", name(a), 100*share(a), name(b), 100*share(b))
		}
	}
	if p, v := share(pancreas), share(cava); p > share(aorta) || p < share(portal) || math.Abs(p-v) > 0.01 {
		t.Errorf("pancreas %.2f %%, vena cava %.2f %%", 100*p, 100*v)
	}
	for id := spleen; id < classes; id++ {
		t.Logf("%-24s %6.3f %%", name(id), 100*share(id))
	}
}

func TestGrids(t *testing.T) {
	for _, g := range []semidavil.Grid{{D: 1, H: 1, W: 1}, {D: 2, H: 3, W: 5}, {D: 1, H: 64, W: 64}, {D: 40, H: 1, W: 7}, {D: 31, H: 50, W: 67}} {
		c := draw(t, 2, 4, g)
		if c.Volume.Grid != g || c.Label.Grid != g || len(c.Volume.Values) != g.Voxels() || len(c.Label.IDs) != g.Voxels() || c.Volume.Spacing != c.Label.Spacing {
			t.Errorf("%v: %v, %v, %d values, %d ids", g, c.Volume.Grid, c.Label.Grid, len(c.Volume.Values), len(c.Label.IDs))
		}
		for i, side := range []int{g.D, g.H, g.W} {
			s := c.Volume.Spacing[i]
			if mm := s * float64(side); mm < 330 || mm > 405 || float64(float32(s)) != s {
				t.Errorf("%v: axis %d has %d voxels of %v mm", g, i, side, s)
			}
		}
	}
	for _, g := range []semidavil.Grid{{}, {D: 0, H: 9, W: 9}, {D: 9, H: -1, W: 9}, {D: 9, H: 9, W: MaxSide + 1}, {D: math.MinInt, H: math.MaxInt, W: 1}} {
		c, err := Draw(1, 1, g)
		if err == nil || !strings.HasPrefix(err.Error(), "minict: draw case: grid ") || c.Volume.Values != nil {
			t.Errorf("%v: %v", g, err)
		}
	}
}

// TestResolution: other grids show the same patient.
func TestResolution(t *testing.T) {
	coarse := semidavil.Grid{D: 24, H: 48, W: 48}
	for n := range 3 {
		few, many := counts(draw(t, 1, n, coarse)), counts(cases()[n])
		for _, id := range []uint8{liver, spleen, stomach, rightKidney, leftKidney, aorta} {
			a, b := float64(few[id])/float64(coarse.Voxels()), float64(many[id])/float64(DefaultGrid.Voxels())
			if math.Abs(a-b) > 0.15*b {
				t.Errorf("case %d: %s has %.3f %% of the voxels, in the finer grid %.3f %%", n, name(id), 100*a, 100*b)
			}
		}
	}
}

func BenchmarkDraw48x96x96(b *testing.B) {
	for i := range b.N {
		Draw(0, i, DefaultGrid)
	}
}

func BenchmarkDraw160x320x320(b *testing.B) {
	for i := range b.N {
		Draw(0, i, semidavil.Grid{D: 160, H: 320, W: 320})
	}
}
