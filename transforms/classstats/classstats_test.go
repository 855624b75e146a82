package classstats

import (
	"math"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"

	"semidavil"
)

func randomMap(rng *rand.Rand, k, n int) *semidavil.LabelMap {
	m := semidavil.NewLabelMap(n, 1)
	for i := range m.Pix {
		m.Pix[i] = uint8(rng.IntN(k + 1))
		if int(m.Pix[i]) == k {
			m.Pix[i] = semidavil.Ignore
		}
	}
	return m
}

func TestHistogramEqualsSlowVersion(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	for _, n := range []int{1, 2, 3, 4, 5, 1023} {
		m := randomMap(rng, 7, n)
		want, wantIgnored := make([]uint64, 7), uint64(0)
		for _, p := range m.Pix {
			if p == semidavil.Ignore {
				wantIgnored++
			} else {
				want[p]++
			}
		}
		got, ignored, err := Histogram(m, 7)
		if err != nil || !reflect.DeepEqual(got, want) || ignored != wantIgnored {
			t.Errorf("n=%d: %v %d %v, want %v %d", n, got, ignored, err, want, wantIgnored)
		}
	}
	if _, _, err := Histogram(&semidavil.LabelMap{W: 1, H: 1, Pix: []uint8{7}}, 7); err == nil {
		t.Error("train id 7 of 7 classes accepted")
	}
}

// TestMergeLaws: any split of the images, merged in any order, counts the same.
func TestMergeLaws(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	whole := NewCounts(5)
	parts := []Counts{NewCounts(5), NewCounts(5), NewCounts(5)}
	for range 40 {
		pixels, ignored, err := Histogram(randomMap(rng, 5, 1+rng.IntN(9)), 5)
		if err != nil {
			t.Fatal(err)
		}
		if err := whole.Add(pixels, ignored); err != nil {
			t.Fatal(err)
		}
		if err := parts[rng.IntN(3)].Add(pixels, ignored); err != nil {
			t.Fatal(err)
		}
	}
	for _, order := range [][]int{{0, 1, 2}, {2, 0, 1}, {1, 2, 0}} {
		sum := NewCounts(5)
		for _, i := range order {
			if err := sum.Merge(parts[i]); err != nil {
				t.Fatal(err)
			}
		}
		if !reflect.DeepEqual(sum, whole) {
			t.Errorf("order %v: %v, want %v", order, sum, whole)
		}
	}
	if err := whole.Merge(NewCounts(4)); err == nil {
		t.Error("other number of classes merged")
	}
}

func TestSharesOfNothingAndOfMuch(t *testing.T) {
	for _, f := range append(NewCounts(3).Shares(), NewCounts(3).Frequencies()...) {
		if f != 0 {
			t.Errorf("share %v of nothing", f)
		}
	}
	c := Counts{Pixels: []uint64{3e15, 1e15}, Ignored: 4e15}
	if s, f := c.Shares(), c.Frequencies(); s[0] != 0.375 || f[0] != 0.75 {
		t.Errorf("%v %v", s, f)
	}
}

func TestSamplingProbabilities(t *testing.T) {
	f := []float64{0.6, 0.3, 0.0999, 0.0001, 0}
	got := SamplingProbabilities(f, 0.1)
	var sum float64
	for _, v := range f[:4] {
		sum += math.Exp((1 - v) / 0.1)
	}
	for i, v := range f[:4] {
		if want := math.Exp((1-v)/0.1) / sum; math.Abs(got[i]-want) > 1e-12 {
			t.Errorf("class %d: %v, want %v", i, got[i], want)
		}
	}
	if got[4] != 0 {
		t.Errorf("an absent class is drawn: %v", got[4])
	}
	for _, v := range SamplingProbabilities([]float64{0.999, 0.001}, 1e-4) { // exp(9990) overflows if written plainly
		if math.IsNaN(v) {
			t.Error("NaN at low temperature")
		}
	}
}

func TestInverseFrequency(t *testing.T) {
	got := InverseFrequency([]float64{0.5, 0.25, 0, 0.25})
	want := []float64{0.6, 1.2, 0, 1.2} // 2, 4, 4 over their mean 10/3
	for i := range want {
		if math.Abs(got[i]-want[i]) > 1e-12 {
			t.Errorf("%v, want %v", got, want)
		}
	}
	if got := InverseFrequency([]float64{0, 0}); got[0] != 0 {
		t.Errorf("%v", got)
	}
}

// longTail is a table like that of a street-scene set.
func longTail(set semidavil.ClassSet) Table {
	t := NewTable(set)
	for g, s := range []semidavil.Subset{semidavil.SourceTrain, semidavil.Labelled, semidavil.Val} {
		for n := range 20 {
			pixels := make([]uint64, set.Len())
			for i := range pixels {
				if (n+i)%(1+i/3) == 0 {
					pixels[i] = uint64(1e6 * math.Exp(-0.4*float64(i+g)))
				}
			}
			if g == 1 {
				pixels[4] = 0
			}
			if err := t.Add(s, pixels, 5000); err != nil {
				panic(err)
			}
		}
	}
	return t
}

func TestTableRoundTripAndText(t *testing.T) {
	table := longTail(semidavil.CamVid11)
	data, err := table.Encode()
	if err != nil {
		t.Fatal(err)
	}
	got, err := Decode(data)
	if err != nil || !reflect.DeepEqual(got, table) {
		t.Errorf("%v: %v", err, got)
	}
	text := table.Text()
	for _, line := range strings.Split(text, "\n") {
		if len(line) > 100 {
			t.Errorf("line of %d columns: %s", len(line), line)
		}
	}
	if !strings.Contains(text, "pedestrian") || !strings.Contains(NewTable(semidavil.CamVid11).Text(), "no labelled") {
		t.Error(text)
	}
	for _, bad := range []string{"", "{", `{"classes":["a"],"subsets":{"val":{"pixels":[1,2],"images_with":[1]}}}`} {
		if _, err := Decode([]byte(bad)); err == nil {
			t.Errorf("%q accepted", bad)
		}
	}
}

// FuzzDecode: whatever is read can be shown, counted with and written again.
func FuzzDecode(f *testing.F) {
	data, err := longTail(semidavil.CamVid11).Encode()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(data)
	f.Add([]byte(`{"classes":["a"],"subsets":{"val":{"images":1099511627776,"pixels":[18446744073709551615],"ignored":1,"images_with":[0]}}}`))
	f.Add([]byte(`{"classes":null,"subsets":{"":{"pixels":[]}}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		table, err := Decode(data)
		if err != nil {
			return
		}
		table.Text()
		for subset, c := range table.Subsets {
			SamplingProbabilities(c.Frequencies(), 0.01)
			InverseFrequency(c.Frequencies())
			sum := NewCounts(len(table.Classes))
			if err := sum.Merge(c); err != nil || sum.Labelled() != c.Labelled() {
				t.Fatalf("%s: %v became %v, %v", subset, c, sum, err)
			}
		}
		again, err := table.Encode()
		if err != nil {
			t.Fatal(err)
		}
		if back, err := Decode(again); err != nil || !reflect.DeepEqual(back, table) {
			t.Fatalf("%+v reads back as %+v, %v", table, back, err)
		}
	})
}

func BenchmarkHistogram2048x1024(b *testing.B) {
	m := randomMap(rand.New(rand.NewPCG(1, 1)), 19, 2048*1024)
	for b.Loop() {
		if _, _, err := Histogram(m, 19); err != nil {
			b.Fatal(err)
		}
	}
}
