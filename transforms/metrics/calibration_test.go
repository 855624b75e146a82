package metrics

import (
	"encoding/json"
	"math"
	"math/rand/v2"
	"reflect"
	"testing"

	"semidavil"
)

func randomConfidences(rng *rand.Rand, n int) (label, prediction []uint8, confidence []float32) {
	label, prediction, confidence = randomIDs(rng, 4, n, 3), randomIDs(rng, 4, n, 3), make([]float32, n)
	for i := range confidence {
		confidence[i] = float32(math.Sqrt(rng.Float64()))
		switch rng.IntN(20) {
		case 0:
			confidence[i] = float32(rng.IntN(16)) / 15 // the edges of the bins
		case 1:
			confidence[i] = 1
		}
	}
	return label, prediction, confidence
}

// TestCalibrationEqualsSlowVersion searches the bin of each pixel and sums in
// float64.
func TestCalibrationEqualsSlowVersion(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 3))
	label, prediction, confidence := randomConfidences(rng, 20_000)
	var c Calibration
	if err := c.Add(label, prediction, confidence); err != nil {
		t.Fatal(err)
	}
	var n, right, sum [15]float64
	total := 0.0
	for i := range label {
		if label[i] == semidavil.Ignore || prediction[i] == semidavil.Ignore {
			continue
		}
		for b := range 15 {
			low, high := float64(b)/15, float64(b+1)/15
			if v := float64(confidence[i]); v > low && v <= high || b == 0 && v == 0 {
				n[b]++
				sum[b] += v
				total++
				if label[i] == prediction[i] {
					right[b]++
				}
			}
		}
	}
	want := 0.0
	for b, got := range c.Reliability() {
		if float64(got.Pixels) != n[b] || math.Abs(got.Accuracy-right[b]/n[b]) > 1e-12 || math.Abs(got.Confidence-sum[b]/n[b]) > 1e-7 {
			t.Errorf("bin %d: %+v, want %v pixels, %v right, confidence %v", b, got, n[b], right[b]/n[b], sum[b]/n[b])
		}
		want += n[b] / total * math.Abs(right[b]/n[b]-sum[b]/n[b])
	}
	if got := c.ECE(); math.Abs(got-want) > 1e-7 || want < 0.1 {
		t.Errorf("ECE %v, want %v", got, want)
	}
}

// TestCalibrationKnown has figures that can be done in the head: 10 pixels of
// confidence 0.9, 6 right, and 10 of 0.3, 3 right.
func TestCalibrationKnown(t *testing.T) {
	var c Calibration
	for i := range 10 {
		wrong := [2]uint8{1, 1}
		if i < 6 {
			wrong[0] = 0
		}
		if i < 3 {
			wrong[1] = 0
		}
		if err := c.Add([]uint8{0, 0}, wrong[:], []float32{0.9, 0.3}); err != nil {
			t.Fatal(err)
		}
	}
	if got := c.ECE(); math.Abs(got-0.15) > 1e-6 {
		t.Errorf("ECE %v, want 0.15", got)
	}
	if !math.IsNaN(Calibration{}.ECE()) {
		t.Error("the ECE of nothing is a number")
	}
}

func TestCalibrationMerge(t *testing.T) {
	rng := rand.New(rand.NewPCG(4, 4))
	var whole Calibration
	parts := make([]Calibration, 3)
	for range 30 {
		label, prediction, confidence := randomConfidences(rng, rng.IntN(99))
		for _, c := range []*Calibration{&whole, &parts[rng.IntN(3)]} {
			if err := c.Add(label, prediction, confidence); err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, order := range [][]int{{0, 1, 2}, {2, 1, 0}} {
		var sum Calibration
		for _, i := range order {
			data, err := json.Marshal(parts[i])
			if err != nil {
				t.Fatal(err)
			}
			var part Calibration
			if err := json.Unmarshal(data, &part); err != nil {
				t.Fatal(err)
			}
			if err := sum.Merge(part); err != nil {
				t.Fatal(err)
			}
		}
		if err := sum.Merge(Calibration{}); err != nil || !reflect.DeepEqual(sum, whole) || sum.ECE() != whole.ECE() {
			t.Errorf("order %v: %v, want %v", order, sum, whole)
		}
	}
}

func TestCalibrationErrors(t *testing.T) {
	var c Calibration
	for _, v := range []float32{-0.1, 1.001, float32(math.NaN()), float32(math.Inf(1))} {
		if err := c.Add([]uint8{0, 0}, []uint8{0, 0}, []float32{0.5, v}); err == nil {
			t.Errorf("confidence %v accepted", v)
		}
	}
	if err := c.Add([]uint8{0}, []uint8{0}, nil); err == nil {
		t.Error("missing confidences accepted")
	}
	if !reflect.DeepEqual(c, Calibration{}) {
		t.Errorf("errors left %v", c)
	}
	if err := c.Add([]uint8{0}, []uint8{0}, []float32{1.000001}); err != nil {
		t.Error(err)
	}
	short := Calibration{Pixels: []uint64{1}}
	if short.Add(nil, nil, nil) == nil || short.Merge(c) == nil || c.Merge(short) == nil {
		t.Error("one bin accepted")
	}
	for _, bad := range []string{`{`, `{"pixels":[1],"right":[1],"confidence_2_24":[1]}`, `{"pixels":[1,0,0,0,0,0,0,0,0,0,0,0,0,0,0],"right":[2,0,0,0,0,0,0,0,0,0,0,0,0,0,0],"confidence_2_24":[0,0,0,0,0,0,0,0,0,0,0,0,0,0,0]}`} {
		if err := json.Unmarshal([]byte(bad), &c); err == nil {
			t.Errorf("%s accepted", bad)
		}
	}
}

// FuzzCalibrationJSON: whatever is read can be shown, merged and written again.
func FuzzCalibrationJSON(f *testing.F) {
	var c Calibration
	if err := c.Add([]uint8{0, 1, 2}, []uint8{0, 1, 1}, []float32{0.25, 1, 0.5}); err != nil {
		f.Fatal(err)
	}
	data, err := json.Marshal(c)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(data)
	f.Add([]byte(`{"pixels":[1099511627776],"right":[],"confidence_2_24":null}`))
	f.Add([]byte(`null`))
	f.Fuzz(func(t *testing.T, data []byte) {
		var c Calibration
		if json.Unmarshal(data, &c) != nil {
			return
		}
		_, _ = c.Text(), c.ECE()
		var sum Calibration
		if err := sum.Merge(c); err != nil || !reflect.DeepEqual(sum, c) {
			t.Fatalf("%v became %v, %v", c, sum, err)
		}
		again, err := json.Marshal(c)
		if err != nil {
			t.Fatal(err)
		}
		var d Calibration
		if err := json.Unmarshal(again, &d); err != nil || !reflect.DeepEqual(c, d) {
			t.Fatalf("%s reads back as %v, %v", again, d, err)
		}
	})
}

func BenchmarkCalibration512x1024(b *testing.B) {
	label, prediction, confidence := randomConfidences(rand.New(rand.NewPCG(1, 1)), 512*1024)
	var c Calibration
	b.SetBytes(int64(len(label)))
	for b.Loop() {
		if err := c.Add(label, prediction, confidence); err != nil {
			b.Fatal(err)
		}
	}
}
