package minict

import (
	"math"
	"testing"
)

// histogram counts the voxels of each class by their HU, from lowest in steps of 5.
const (
	lowest = -1024
	step   = 5
	bins   = 4096/step + 1
)

func histogram(all []Case) *[classes][bins]float64 {
	var h [classes][bins]float64
	for _, c := range all {
		for i, v := range c.Volume.Values {
			h[c.Label.IDs[i]][(int(v)-lowest)/step]++
		}
	}
	return &h
}

func TestHounsfield(t *testing.T) {
	for n, c := range cases() {
		var sum, k [classes]float64
		outside, hard := 0, 0
		for i, v := range c.Volume.Values {
			if v != float32(math.Trunc(float64(v))) || v < -1024 || v > 3071 {
				t.Fatalf("case %d: %v HU", n, v)
			}
			if v < -900 {
				outside++
			}
			if v > 300 && c.Label.IDs[i] == background {
				hard++
			}
			id := c.Label.IDs[i]
			sum[id] += float64(v)
			k[id]++
		}
		mean := func(id uint8) float64 { return sum[id] / k[id] }
		for id, want := range map[uint8][2]float64{liver: {35, 140}, spleen: {80, 160}, rightKidney: {80, 220}, leftKidney: {80, 220}, gallbladder: {-10, 60},
			aorta: {90, 350}, cava: {40, 170}, portal: {60, 200}, pancreas: {20, 130}, oesophagus: {-160, 110}, rightAdrenal: {-50, 110}, leftAdrenal: {-50, 110}} {
			if m := mean(id); m < want[0] || m > want[1] {
				t.Errorf("case %d: %s has %.0f HU, want %v", n, name(id), m, want)
			}
		}
		if v := float64(len(c.Volume.Values)); float64(outside) < 0.3*v || float64(hard) < 0.005*v {
			t.Errorf("case %d: %d voxels of air, %d of bone, of %.0f", n, outside, hard, v)
		}
		// The corner is air: what varies there is the noise.
		var square, first float64
		for _, v := range c.Volume.Values[:5] {
			first += float64(v) / 5
		}
		for w := range 10 {
			for h := range 10 {
				square += sq(float64(c.Volume.Values[h*c.Volume.W+w]) + 1000)
			}
		}
		if sd := math.Sqrt(square / 100); sd < 4 || sd > 32 || first > -900 {
			t.Errorf("case %d: the corner has %.0f HU and noise of %.1f", n, first, sd)
		}
	}
}

// TestThresholds: no band of attenuations finds a small organ, neither over all cases
// nor within one.
func TestThresholds(t *testing.T) {
	for id, most := range map[uint8]float64{liver: 0.75, spleen: 0.35, pancreas: 0.2, cava: 0.2, portal: 0.2, gallbladder: 0.2, oesophagus: 0.1, rightAdrenal: 0.02, leftAdrenal: 0.02} {
		for _, all := range [][]Case{cases(), cases()[:1], cases()[1:2], cases()[2:3]} {
			h := histogram(all)
			if dice := bestBand(h, id); dice > most {
				t.Errorf("%d cases: a band finds %s with a Dice coefficient of %.3f", len(all), name(id), dice)
			} else if len(all) > 1 {
				t.Logf("%-24s %.3f", name(id), dice)
			}
		}
	}
}

// bestBand is the best Dice coefficient of the voxels between two attenuations.
func bestBand(h *[classes][bins]float64, id uint8) (best float64) {
	organ := 0.0
	for _, k := range h[id] {
		organ += k
	}
	for low := (-200 - lowest) / step; low < (500-lowest)/step; low++ {
		hit, found := 0.0, 0.0
		for high := low; high < (500-lowest)/step; high++ {
			for class := range h {
				found += h[class][high]
			}
			hit += h[id][high]
			best = max(best, 2*hit/(found+organ))
		}
	}
	return best
}

// TestNeighboursOverlap: organs that touch share attenuations.
func TestNeighboursOverlap(t *testing.T) {
	h := histogram(cases())
	for _, pair := range [][2]uint8{{liver, spleen}, {spleen, leftKidney}, {liver, rightKidney}, {pancreas, portal}, {stomach, pancreas}, {cava, portal},
		{cava, liver}, {rightAdrenal, liver}, {oesophagus, stomach}, {gallbladder, stomach}} {
		var a, b, shared float64
		for i := range bins {
			a, b = a+h[pair[0]][i], b+h[pair[1]][i]
		}
		for i := range bins {
			shared += min(h[pair[0]][i]/a, h[pair[1]][i]/b)
		}
		if shared < 0.08 {
			t.Errorf("%s and %s share %.2f", name(pair[0]), name(pair[1]), shared)
		}
		t.Logf("%s and %s share %.2f", name(pair[0]), name(pair[1]), shared)
	}
}

// TestPhase: the contrast agent moves the tissues together, and differs by case.
func TestPhase(t *testing.T) {
	var lowArtery, highArtery = math.Inf(1), math.Inf(-1)
	var x, y []float64
	for n := range 200 {
		tissue := newPatient(1, n).tissue
		lowArtery, highArtery = min(lowArtery, tissue.artery), max(highArtery, tissue.artery)
		x, y = append(x, tissue.artery-tissue.cavaLow), append(y, tissue.medulla)
		if tissue.artery < tissue.cavaLow {
			t.Errorf("case %d: artery %.0f HU, vena cava %.0f", n, tissue.artery, tissue.cavaLow)
		}
	}
	if highArtery-lowArtery < 100 {
		t.Errorf("arteries have %.0f to %.0f HU", lowArtery, highArtery)
	}
	if r := correlation(x, y); r > -0.6 { // late: the medulla is bright, the arteries are not
		t.Errorf("the phase of medulla and vessels: correlation %.2f", r)
	}
}

func correlation(x, y []float64) float64 {
	n := float64(len(x))
	var sx, sy, xx, yy, xy float64
	for i := range x {
		sx, sy, xx, yy, xy = sx+x[i], sy+y[i], xx+x[i]*x[i], yy+y[i]*y[i], xy+x[i]*y[i]
	}
	return (n*xy - sx*sy) / math.Sqrt((n*xx-sx*sx)*(n*yy-sy*sy))
}
