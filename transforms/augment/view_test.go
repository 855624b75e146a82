package augment

import (
	"math/rand/v2"
	"testing"

	"semidavil"
)

// TestViewEqualsSlowVersion compares pixel by pixel with the definition, also for
// views beyond every edge.
func TestViewEqualsSlowVersion(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for range 400 {
		src := scene(1+rng.IntN(9), 1+rng.IntN(9))
		label := semidavil.NewLabelMap(src.W, src.H)
		for i := range label.Pix {
			label.Pix[i] = uint8(i)
		}
		dst, out := scene(1+rng.IntN(12), 1+rng.IntN(12)), (*semidavil.LabelMap)(nil)
		out = semidavil.NewLabelMap(dst.W, dst.H)
		valid := make([]uint8, dst.W*dst.H)
		v := View{X: rng.IntN(21) - 10, Y: rng.IntN(21) - 10, Flip: rng.IntN(2) == 0}
		v.Image(dst, src)
		v.Label(out, label)
		v.Valid(valid, dst.W, dst.H, src.W, src.H)
		var counts, want [256]int
		v.Count(&counts, label, dst.W, dst.H)
		for y := range dst.H {
			for x := range dst.W {
				sx, sy := v.X+x, v.Y+y
				if v.Flip {
					sx = v.X + dst.W - 1 - x
				}
				colour, id, inside := Mean, uint8(semidavil.Ignore), uint8(0)
				if sx >= 0 && sy >= 0 && sx < src.W && sy < src.H {
					at := src.W*sy + sx
					colour, id, inside = [3]uint8(src.Pix[3*at:]), label.Pix[at], 1
					want[id]++
				}
				at := dst.W*y + x
				if [3]uint8(dst.Pix[3*at:]) != colour || out.Pix[at] != id || valid[at] != inside {
					t.Fatalf("%+v of %dx%d to %dx%d: wrong at %d,%d", v, src.W, src.H, dst.W, dst.H, x, y)
				}
			}
		}
		if counts != want {
			t.Fatalf("%+v: wrong counts", v)
		}
	}
}

// TestDrawView: every position and both directions come about equally often.
func TestDrawView(t *testing.T) {
	seen := map[View]int{}
	const n = 24000
	for i := range n {
		seen[DrawView(Rand(7, "a", "view", uint64(i)), 10, 4, 8, 6, true)]++
	}
	if len(seen) != 3*2 {
		t.Errorf("%d different views, want 6: %v", len(seen), seen)
	}
	for v, k := range seen {
		if v.Y != 0 || k < n/6-350 || k > n/6+350 { // six standard deviations
			t.Errorf("%+v: %d times of %d", v, k, n)
		}
	}
}

// TestMean ties the padding to CLIP's constants.
func TestMean(t *testing.T) {
	for i, m := range []float64{0.48145466, 0.4578275, 0.40821073} {
		if Mean[i] != uint8(255*m+0.5) {
			t.Errorf("channel %d: %d", i, Mean[i])
		}
	}
}
