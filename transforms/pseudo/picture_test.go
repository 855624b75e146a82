package pseudo

import (
	"bytes"
	"encoding/json"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"semidavil"
	"semidavil/transforms/labels"
)

func compact(t *testing.T, data []byte) string {
	var b bytes.Buffer
	if err := json.Compact(&b, data); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func randomLabels(k int) *semidavil.LabelMap {
	rng := rand.New(rand.NewPCG(18, 18))
	m := semidavil.NewLabelMap(37, 23)
	for i := range m.Pix {
		if m.Pix[i] = uint8(rng.IntN(k + 1)); int(m.Pix[i]) == k {
			m.Pix[i] = semidavil.Ignore
		}
	}
	return m
}

func TestColour(t *testing.T) {
	for _, set := range []semidavil.ClassSet{semidavil.Cityscapes19, semidavil.CamVid11} {
		m := randomLabels(set.Len())
		m.Pix[0] = uint8(set.Len()) // a train id that the set does not have
		got := Colour(m, set)
		if got.W != m.W || got.H != m.H || len(got.Pix) != 3*len(m.Pix) {
			t.Fatalf("%dx%d, %d bytes", got.W, got.H, len(got.Pix))
		}
		for i, c := range m.Pix {
			var want [3]uint8
			if int(c) < set.Len() {
				want = set.Classes[c].Color
			}
			if [3]uint8(got.Pix[3*i:]) != want {
				t.Fatalf("pixel %d of class %d: %v", i, c, got.Pix[3*i:3*i+3])
			}
		}
	}
}

// TestIDsReadBack: the table that reads the label files of Cityscapes gives the
// train ids back.
func TestIDsReadBack(t *testing.T) {
	m := randomLabels(19)
	ids, err := IDs(m, semidavil.Cityscapes19)
	if err != nil {
		t.Fatal(err)
	}
	table := labels.CityscapesIDs()
	for i, id := range ids {
		train, ok := table.TrainID(int(id))
		if !ok || train != m.Pix[i] || (train == semidavil.Ignore) != (id == 0) {
			t.Fatalf("train id %d became id %d, which reads as %d", m.Pix[i], id, train)
		}
	}
	m = randomLabels(11)
	if ids, err := IDs(m, semidavil.CamVid11); err != nil || !slices.Equal(ids, m.Pix) {
		t.Errorf("train ids of a set without other ids changed: %v", err)
	}
	if a, b := IgnoredID(semidavil.Cityscapes19), IgnoredID(semidavil.CamVid11); a != 0 || b != 255 {
		t.Errorf("ignored ids %d, %d", a, b)
	}
}

func TestIDsRefuse(t *testing.T) {
	m := semidavil.NewLabelMap(2, 1)
	m.Pix[0] = 2
	class := func(ids ...int) (set semidavil.ClassSet) {
		for _, id := range ids {
			set.Classes = append(set.Classes, semidavil.Class{Name: "c", ID: id})
		}
		return set
	}
	for name, set := range map[string]semidavil.ClassSet{"foreign": class(1, 2), "twice": class(1, 2, 2), "large": class(1, 2, 256),
		"negative": class(1, 2, -1), "ignored": class(0, 1, 255), "many": class(make([]int, 256)...)} {
		if _, err := IDs(m, set); err == nil {
			t.Errorf("%s accepted", name)
		}
	}
	if ids, err := IDs(m, class(255, 9, 3)); err != nil || !slices.Equal(ids, []uint8{3, 255}) {
		t.Errorf("%v %v", ids, err)
	}
}

func TestConfidence8(t *testing.T) {
	var p Prediction
	for q := range One {
		p.Confidence = append(p.Confidence, uint16(q))
	}
	for q, v := range Confidence8(p) {
		if want := math.Round(255 * float64(q) / One); float64(v) != want { // exact in float64
			t.Fatalf("confidence %d: %d, want %v", q, v, want)
		}
	}
}

func BenchmarkColour2048x1024(b *testing.B) {
	p := full()
	label := &semidavil.LabelMap{W: p.W, H: p.H, Pix: p.Label}
	for b.Loop() {
		Colour(label, semidavil.Cityscapes19)
	}
	perPixel(b, p)
}

func BenchmarkIDs2048x1024(b *testing.B) {
	p := full()
	label := &semidavil.LabelMap{W: p.W, H: p.H, Pix: p.Label}
	for b.Loop() {
		if _, err := IDs(label, semidavil.Cityscapes19); err != nil {
			b.Fatal(err)
		}
	}
	perPixel(b, p)
}

func BenchmarkConfidence8x2048x1024(b *testing.B) {
	p := full()
	for b.Loop() {
		Confidence8(p)
	}
	perPixel(b, p)
}

func BenchmarkStatsAdd2048x1024(b *testing.B) {
	p := full()
	tau := slices.Repeat([]uint32{62260}, 19)
	label, err := Apply(p, tau)
	if err != nil {
		b.Fatal(err)
	}
	s := NewStats(tau)
	for b.Loop() {
		if err := s.Add(p, label); err != nil {
			b.Fatal(err)
		}
	}
	perPixel(b, p)
}
