package resample

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"math"
	"math/rand/v2"
	"os"
	"testing"

	"semidavil"
)

type golden struct {
	From, To                        [3]int
	Values, Trilinear, IDs, Nearest []byte
}

func grid(n [3]int) semidavil.Grid { return semidavil.Grid{D: n[0], H: n[1], W: n[2]} }

func floats(b []byte) []float32 {
	out := make([]float32, len(b)/4)
	for i := range out {
		out[i] = math.Float32frombits(binary.LittleEndian.Uint32(b[4*i:]))
	}
	return out
}

// TestTorch: both ways of resizing are those of torch.
func TestTorch(t *testing.T) {
	data, err := os.ReadFile("testdata/torch.json")
	var cases []golden
	if err == nil {
		err = json.Unmarshal(data, &cases)
	}
	if err != nil || len(cases) < 10 {
		t.Fatalf("%d cases: %v", len(cases), err)
	}
	var dst semidavil.Volume // whose memory is used again
	var ids semidavil.LabelVolume
	worst := 0.0
	for _, c := range cases {
		spacing := [3]float64{3, 0.75, 0.5}
		dst.Grid, ids.Grid = grid(c.To), grid(c.To)
		if err := Trilinear(&dst, semidavil.Volume{Grid: grid(c.From), Spacing: spacing, Values: floats(c.Values)}); err != nil {
			t.Fatal(err)
		}
		if err := Nearest(&ids, semidavil.LabelVolume{Grid: grid(c.From), Spacing: spacing, IDs: c.IDs}); err != nil {
			t.Fatal(err)
		}
		want := floats(c.Trilinear)
		if len(dst.Values) != len(want) {
			t.Fatalf("%v to %v: %d values", c.From, c.To, len(dst.Values))
		}
		for i, got := range dst.Values {
			// Relative, of sums whose terms are of about 300.
			diff := math.Abs(float64(got)-float64(want[i])) / max(300, math.Abs(float64(want[i])))
			if worst = max(worst, diff); diff > 1e-6 {
				t.Errorf("%v to %v: value %d is %g, want %g", c.From, c.To, i, got, want[i])
				break
			}
		}
		if !bytes.Equal(ids.IDs, c.Nearest) {
			t.Errorf("%v to %v: labels %v, want %v", c.From, c.To, ids.IDs, c.Nearest)
		}
		for i, s := range spacing {
			want := s * float64(c.From[i]) / float64(c.To[i])
			if dst.Spacing[i] != want || ids.Spacing[i] != want {
				t.Errorf("%v to %v: spacing %v, %v", c.From, c.To, dst.Spacing, ids.Spacing)
			}
		}
	}
	t.Logf("greatest relative difference to torch: %.2g", worst)
}

// TestTrilinear compares with the sum over the eight neighbours, in float64.
func TestTrilinear(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for range 50 {
		src := semidavil.Volume{Grid: semidavil.Grid{D: 1 + rng.IntN(9), H: 1 + rng.IntN(9), W: 1 + rng.IntN(9)}}
		dst := semidavil.Volume{Grid: semidavil.Grid{D: 1 + rng.IntN(20), H: 1 + rng.IntN(20), W: 1 + rng.IntN(20)}}
		src.Values = make([]float32, src.Voxels())
		for i := range src.Values {
			src.Values[i] = rng.Float32()
		}
		if err := Trilinear(&dst, src); err != nil {
			t.Fatal(err)
		}
		neighbours := func(x, in, out int) (at [2]int, weight [2]float64) {
			p := max(0, (float64(x)+0.5)*float64(in)/float64(out)-0.5)
			low := int(p)
			return [2]int{min(low, in-1), min(low+1, in-1)}, [2]float64{1 - (p - float64(low)), p - float64(low)}
		}
		for i, got := range dst.Values {
			zs, wz := neighbours(i/(dst.H*dst.W), src.D, dst.D)
			ys, wy := neighbours(i/dst.W%dst.H, src.H, dst.H)
			xs, wx := neighbours(i%dst.W, src.W, dst.W)
			want := 0.0
			for k := range 8 {
				a, b, c := k>>2, k>>1&1, k&1
				want += wz[a] * wy[b] * wx[c] * float64(src.Values[(zs[a]*src.H+ys[b])*src.W+xs[c]])
			}
			if math.Abs(float64(got)-want) > 2e-6 {
				t.Fatalf("%v to %v: value %d is %g, want %g", src.Grid, dst.Grid, i, got, want)
			}
		}
	}
}

// TestRefused: shapes without voxels, or with others than there are, are errors.
func TestRefused(t *testing.T) {
	full := semidavil.Grid{D: 2, H: 2, W: 2}
	for _, c := range []struct {
		dst, src semidavil.Grid
		n        int
	}{{semidavil.Grid{D: 0, H: 1, W: 1}, full, 8}, {full, semidavil.Grid{D: 1, H: 0, W: 2}, 0}, {full, full, 7}, {full, semidavil.Grid{D: -2, H: -2, W: 2}, 8}} {
		if err := Trilinear(&semidavil.Volume{Grid: c.dst}, semidavil.Volume{Grid: c.src, Values: make([]float32, c.n)}); err == nil {
			t.Errorf("%v to %v: resized", c.src, c.dst)
		}
		if err := Nearest(&semidavil.LabelVolume{Grid: c.dst}, semidavil.LabelVolume{Grid: c.src, IDs: make([]uint8, c.n)}); err == nil {
			t.Errorf("%v to %v: resized", c.src, c.dst)
		}
	}
}

func TestNormalise(t *testing.T) {
	values := []float32{-1024, -75, -74.5, 100, 274, 275, 3000}
	if err := Abdomen.Normalise(values); err != nil {
		t.Fatal(err)
	}
	for i, want := range []float32{0, 0, 0.5 / 350, 0.5, 349. / 350, 1, 1} {
		if values[i] != want {
			t.Errorf("value %d is %g, want %g", i, values[i], want)
		}
	}
	nan := float32(math.NaN())
	for _, w := range []Window{{1, 1}, {2, 1}, {nan, 1}, {0, nan}, {0, float32(math.Inf(1))}} {
		if w.Normalise(values) == nil {
			t.Errorf("%v: normalised", w)
		}
	}
}

func BenchmarkTrilinear512x512x150To160x160x80(b *testing.B) {
	src := semidavil.Volume{Grid: semidavil.Grid{D: 150, H: 512, W: 512}}
	src.Values = make([]float32, src.Voxels())
	dst := semidavil.Volume{Grid: semidavil.Grid{D: 80, H: 160, W: 160}}
	for range b.N {
		if err := Trilinear(&dst, src); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkTrilinear160x160x80To512x512x150(b *testing.B) {
	src := semidavil.Volume{Grid: semidavil.Grid{D: 80, H: 160, W: 160}}
	src.Values = make([]float32, src.Voxels())
	dst := semidavil.Volume{Grid: semidavil.Grid{D: 150, H: 512, W: 512}}
	for range b.N {
		if err := Trilinear(&dst, src); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkNormalise512x512x150(b *testing.B) {
	values := make([]float32, 512*512*150)
	for range b.N {
		if err := Abdomen.Normalise(values); err != nil {
			b.Fatal(err)
		}
	}
}
