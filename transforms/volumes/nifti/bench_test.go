package nifti

import (
	"math/rand/v2"
	"testing"

	"semidavil"
)

// scan is a volume like a CT scan: a noisy body in air, of which a third is noisy too.
func scan(g semidavil.Grid) semidavil.Volume {
	rng := rand.New(rand.NewPCG(1, 2))
	v := semidavil.Volume{Grid: g, Spacing: [3]float64{3, 0.75, 0.75}, Values: make([]float32, g.Voxels())}
	for i := range v.Values {
		x, y := float64(i%g.W)/float64(g.W)-0.5, float64(i/g.W%g.H)/float64(g.H)-0.5
		switch inside := x*x/0.16+y*y/0.09 < 1; {
		case inside:
			v.Values[i] = float32(40 + 12*rng.NormFloat64())
		case rng.Float32() < 0.7:
			v.Values[i] = -1000
		default:
			v.Values[i] = float32(-1000 + 12*rng.NormFloat64())
		}
	}
	return v
}

// turned gives a file of int16 an sform with the stored axes along other directions.
func turned(b *testing.B, data []byte, to [3]int, flip [3]bool) []byte {
	b.Helper()
	data = append([]byte(nil), data...)
	for axis := range 3 {
		for r := range 3 {
			v := 0.0
			if to[axis] == r {
				v = 1
				if flip[axis] {
					v = -1
				}
			}
			float(atSrow+16*r+4*axis, v)(data)
		}
	}
	return data
}

func BenchmarkDecode512x512x150Int16(b *testing.B) {
	g := semidavil.Grid{D: 150, H: 512, W: 512}
	v := scan(g)
	plain, err := Encode(v, false)
	if err != nil {
		b.Fatal(err)
	}
	packed, err := Encode(v, true)
	if err != nil {
		b.Fatal(err)
	}
	for _, c := range []struct {
		name string
		data []byte
	}{
		{"gz", packed}, {"plain", plain},
		{"plain, LPS", turned(b, plain, [3]int{0, 1, 2}, [3]bool{true, true, false})},
		{"plain, PIR", turned(b, plain, [3]int{1, 2, 0}, [3]bool{true, true, false})},
		{"plain, SAR", turned(b, plain, [3]int{2, 1, 0}, [3]bool{})},
	} {
		b.Run(c.name, func(b *testing.B) {
			b.SetBytes(int64(2 * g.Voxels()))
			for range b.N {
				f, err := Decode(c.data, Options{})
				if err != nil {
					b.Fatal(err)
				}
				if _, err := f.Volume(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkEncodeLabels512x512x150(b *testing.B) {
	g := semidavil.Grid{D: 150, H: 512, W: 512}
	l := semidavil.LabelVolume{Grid: g, Spacing: [3]float64{3, 0.75, 0.75}, IDs: make([]uint8, g.Voxels())}
	for i := range l.IDs {
		x, y := i%g.W-256, i/g.W%g.H-256
		l.IDs[i] = uint8((x*x + y*y) / 6000 % 14)
	}
	b.SetBytes(int64(g.Voxels()))
	for range b.N {
		if _, err := EncodeLabels(l, nil, true); err != nil {
			b.Fatal(err)
		}
	}
}
