package metrics

import (
	"encoding/json"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"

	"semidavil"
)

// randomIDs draws n train ids below k or Ignore, in runs of up to run pixels.
func randomIDs(rng *rand.Rand, k, n, run int) []uint8 {
	out := make([]uint8, n)
	for i := 0; i < n; {
		id := rng.IntN(k + 1)
		if id == k {
			id = semidavil.Ignore
		}
		for range 1 + rng.IntN(run) {
			if i < n {
				out[i] = uint8(id)
				i++
			}
		}
	}
	return out
}

// slowConfusion counts one pixel after the other from the definition.
func slowConfusion(k int, label, prediction []uint8) Confusion {
	c := NewConfusion(k)
	c.Images = 1
	for i, g := range label {
		switch p := prediction[i]; {
		case g == semidavil.Ignore:
			c.Ignored++
		case p == semidavil.Ignore:
			c.Missed[g]++
		default:
			c.Matrix[int(g)*k+int(p)]++
		}
	}
	return c
}

func TestAddEqualsSlowVersion(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for _, k := range []int{1, 2, 11, 19, 254, 255} { // growing and shrinking tables of the pool
		for _, n := range []int{0, 1, 3, 4, 5, 1023, 40_000} {
			label, prediction := randomIDs(rng, k, n, 30), randomIDs(rng, k, n, 9)
			got := NewConfusion(k)
			if err := got.Add(label, prediction); err != nil {
				t.Fatal(err)
			}
			if want := slowConfusion(k, label, prediction); !reflect.DeepEqual(got, want) {
				t.Errorf("k=%d n=%d: not the counts of the slow version", k, n)
			}
		}
	}
}

func TestAddErrorsLeaveTheMatrix(t *testing.T) {
	c := NewConfusion(3)
	if err := c.Add([]uint8{0, 1, 2, 255}, []uint8{0, 1, 1, 2}); err != nil {
		t.Fatal(err)
	}
	before := c.Clone()
	for name, m := range map[string]struct {
		label, prediction []uint8
		want              string
	}{
		"lengths":             {[]uint8{0}, []uint8{0, 1}, "label of 1 pixels, prediction of 2"},
		"label":               {[]uint8{0, 0, 0, 0, 0, 3}, make([]uint8, 6), "label of pixel 5 has train id 3 of 3"},
		"prediction":          {make([]uint8, 4), []uint8{0, 254, 0, 0}, "prediction of pixel 1 has train id 254"},
		"prediction, ignored": {[]uint8{255}, []uint8{7}, "prediction of pixel 0 has train id 7"},
		"label, missed":       {[]uint8{9}, []uint8{255}, "label of pixel 0 has train id 9"},
	} {
		if err := c.Add(m.label, m.prediction); err == nil || !strings.Contains(err.Error(), m.want) {
			t.Errorf("%s: error %v, want %q", name, err, m.want)
		}
		if !reflect.DeepEqual(c, before) {
			t.Errorf("%s: the matrix changed", name)
		}
	}
	if err := new(Confusion).Add(nil, nil); err == nil {
		t.Error("a matrix without classes accepts pixels")
	}
}

// TestMergeLaws: any split of the images, merged in any order, counts the same,
// also by way of JSON and from the zero value.
func TestMergeLaws(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	whole := NewConfusion(5)
	parts := []Confusion{NewConfusion(5), NewConfusion(5), NewConfusion(5)}
	for range 40 {
		n := rng.IntN(50)
		label, prediction := randomIDs(rng, 5, n, 3), randomIDs(rng, 5, n, 3)
		for _, c := range []*Confusion{&whole, &parts[rng.IntN(3)]} {
			if err := c.Add(label, prediction); err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, order := range [][]int{{0, 1, 2}, {2, 0, 1}, {1, 2, 0}} {
		var sum Confusion
		for _, i := range order {
			data, err := json.Marshal(parts[i])
			if err != nil {
				t.Fatal(err)
			}
			var part Confusion
			if err := json.Unmarshal(data, &part); err != nil {
				t.Fatal(err)
			}
			if err := sum.Merge(part); err != nil {
				t.Fatal(err)
			}
		}
		if err := sum.Merge(Confusion{}); err != nil || !reflect.DeepEqual(sum, whole) {
			t.Errorf("order %v: %v %v, want %v", order, err, sum, whole)
		}
	}
	var sum Confusion
	if err := sum.Merge(whole); err != nil {
		t.Fatal(err)
	}
	sum.Matrix[0]++
	if sum.Matrix[0] == whole.Matrix[0] {
		t.Error("the sum shares the matrix of its part")
	}
	for _, bad := range []Confusion{NewConfusion(4), {Classes: 5}, {Classes: -1, Matrix: []uint64{1}}} {
		if err := whole.Merge(bad); err == nil {
			t.Errorf("%d classes merged with 5", bad.Classes)
		}
	}
	if err := (&Confusion{Classes: 5}).Merge(whole); err == nil {
		t.Error("merged into a matrix without counts")
	}
}

func TestConfusionJSON(t *testing.T) {
	c := NewConfusion(2)
	if err := c.Add([]uint8{0, 0, 1, 255, 1}, []uint8{0, 1, 1, 1, 255}); err != nil {
		t.Fatal(err)
	}
	c.Matrix[0] = 1<<63 + 1 // more than a float64 holds exactly
	data, err := json.Marshal(c)
	if want := `{"classes":2,"images":1,"ignored":1,"matrix":[9223372036854775809,1,0,1],"missed":[0,1]}`; err != nil || string(data) != want {
		t.Errorf("%s %v, want %s", data, err, want)
	}
	var zero Confusion
	if data, err := json.Marshal(zero); err != nil || json.Unmarshal(data, &zero) != nil || !reflect.DeepEqual(zero, Confusion{}) {
		t.Errorf("the zero value does not read back: %s %v", data, err)
	}
	for _, bad := range []string{`{`, `{"images":3}`, `{"classes":256}`, `{"classes":-1}`, `{"classes":2,"matrix":[1],"missed":[1,2]}`, `{"classes":1,"matrix":[-1],"missed":[0]}`} {
		if err := json.Unmarshal([]byte(bad), new(Confusion)); err == nil {
			t.Errorf("%s accepted", bad)
		}
	}
}

// FuzzConfusionJSON: whatever is read can be scored, merged and written again.
func FuzzConfusionJSON(f *testing.F) {
	f.Add([]byte(`{"classes":2,"images":1,"ignored":1,"matrix":[3,1,0,1],"missed":[0,1]}`))
	f.Add([]byte(`{"classes":0,"images":0,"ignored":0,"matrix":null,"missed":null}`))
	f.Add([]byte(`{"classes":1,"matrix":[18446744073709551615],"missed":[1]}`))
	f.Add([]byte(`null`))
	f.Fuzz(func(t *testing.T, data []byte) {
		var c Confusion
		if json.Unmarshal(data, &c) != nil {
			return
		}
		c.IoU()
		c.Accuracy()
		sum := c.Clone()
		if err := sum.Merge(c); err != nil {
			t.Fatal(err)
		}
		again, err := json.Marshal(c)
		if err != nil {
			t.Fatal(err)
		}
		var d Confusion
		if err := json.Unmarshal(again, &d); err != nil || c.Classes > 0 && !reflect.DeepEqual(c, d) {
			t.Fatalf("%s reads back as %v, %v", again, d, err)
		}
	})
}

// benchmarkAdd measures pairs of 2048x1024 pixels; MB/s reads as Mpixel/s.
func benchmarkAdd(b *testing.B, run int) {
	rng := rand.New(rand.NewPCG(1, 1))
	label := randomIDs(rng, 19, 2048*1024, run)
	prediction := make([]uint8, len(label))
	for i := range prediction { // 80 % right
		if prediction[i] = label[i]; label[i] == semidavil.Ignore || rng.IntN(5) == 0 {
			prediction[i] = uint8(rng.IntN(19))
		}
	}
	c := NewConfusion(19)
	b.SetBytes(int64(len(label)))
	for b.Loop() {
		if err := c.Add(label, prediction); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkAdd2048x1024Areas(b *testing.B) { benchmarkAdd(b, 400) }
func BenchmarkAdd2048x1024Noise(b *testing.B) { benchmarkAdd(b, 1) }
func BenchmarkAdd2048x1024OneClass(b *testing.B) {
	c := NewConfusion(19)
	label := make([]uint8, 2048*1024)
	b.SetBytes(int64(len(label)))
	for b.Loop() {
		if err := c.Add(label, label); err != nil {
			b.Fatal(err)
		}
	}
}
func BenchmarkAdd256x128(b *testing.B) {
	rng := rand.New(rand.NewPCG(1, 1))
	c := NewConfusion(19)
	label, prediction := randomIDs(rng, 19, 256*128, 40), randomIDs(rng, 19, 256*128, 40)
	b.SetBytes(int64(len(label)))
	for b.Loop() {
		if err := c.Add(label, prediction); err != nil {
			b.Fatal(err)
		}
	}
}
