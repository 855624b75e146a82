package pseudo

import (
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"

	"semidavil"
	"semidavil/internal/fixture"
)

// slowStats counts one class at a time.
func slowStats(tau []uint32, images []Prediction, labels []*semidavil.LabelMap) Stats {
	s := NewStats(tau)
	for n, p := range images {
		s.Images++
		for c := range tau {
			for i, l := range labels[n].Pix {
				if int(p.Label[i]) == c {
					s.Predicted[c]++
					s.PredictedSum[c] += uint64(p.Confidence[i])
				}
				if int(l) == c {
					s.Kept[c]++
					if l == p.Label[i] {
						s.KeptSum[c] += uint64(p.Confidence[i])
					} else {
						s.KeptSum[c] += uint64(p.SecondConfidence[i])
					}
				}
			}
		}
		for _, l := range labels[n].Pix {
			if l == 255 {
				s.Ignored++
			}
		}
	}
	return s
}

func TestStatsEqualSlowVersionInAnyOrder(t *testing.T) {
	rng := rand.New(rand.NewPCG(16, 16))
	tau := []uint32{60000, 30000, 64000, 0, 65535}
	var images []Prediction
	var labels []*semidavil.LabelMap
	parts := []Stats{NewStats(tau), NewStats(tau), NewStats(tau)}
	for range 20 {
		p := noise(rng, 1+rng.IntN(30), 1+rng.IntN(30), 5)
		label, err := Apply(p, tau)
		if err != nil {
			t.Fatal(err)
		}
		if err := parts[rng.IntN(3)].Add(p, label); err != nil {
			t.Fatal(err)
		}
		images, labels = append(images, p), append(labels, label)
	}
	want := slowStats(tau, images, labels)
	for _, order := range [][]int{{0, 1, 2}, {2, 1, 0}, {1, 2, 0}} {
		sum := NewStats(tau)
		for _, i := range order {
			if err := sum.Merge(parts[i]); err != nil {
				t.Fatal(err)
			}
		}
		if !reflect.DeepEqual(sum, want) {
			t.Errorf("order %v: %+v, want %+v", order, sum, want)
		}
	}
}

func TestStatsRefuseAndCountNothing(t *testing.T) {
	p := noise(rand.New(rand.NewPCG(17, 17)), 6, 5, 4)
	label, err := Apply(p, make([]uint32, 4))
	if err != nil {
		t.Fatal(err)
	}
	s := NewStats(make([]uint32, 4))
	foreign := semidavil.NewLabelMap(6, 5)
	copy(foreign.Pix, label.Pix)
	for foreign.Pix[29] == p.Label[29] || foreign.Pix[29] == p.Second[29] {
		foreign.Pix[29] = (foreign.Pix[29] + 1) % 4
	}
	few := NewStats(make([]uint32, 3))
	short := p
	short.Confidence = nil
	for name, err := range map[string]error{
		"size": s.Add(p, semidavil.NewLabelMap(5, 6)), "pixels": s.Add(p, &semidavil.LabelMap{W: 6, H: 5}), "label": s.Add(p, foreign),
		"classes": few.Add(p, label), "prediction": s.Add(short, label), "empty": (&Stats{Thresholds: make([]uint32, 4)}).Add(p, label),
		"merge": s.Merge(NewStats([]uint32{1, 0, 0, 0})), "merge classes": s.Merge(few), "merge empty": s.Merge(Stats{Thresholds: make([]uint32, 4)}),
	} {
		if err == nil {
			t.Errorf("%s accepted", name)
		}
	}
	if !reflect.DeepEqual(s, NewStats(make([]uint32, 4))) || !reflect.DeepEqual(few, NewStats(make([]uint32, 3))) {
		t.Error("counted in spite of the error")
	}
}

func small() (Stats, semidavil.ClassSet) {
	set := semidavil.ClassSet{Name: "three", Classes: []semidavil.Class{{Name: "road"}, {Name: "übergroße Straßenschilder am Wegesrand"}, {Name: "train"}}}
	return Stats{Thresholds: []uint32{62260, 32768, One}, Images: 2, Ignored: 40, Predicted: []uint64{92, 8, 0}, Kept: []uint64{48, 12, 0},
		PredictedSum: []uint64{92 * 49152, 8 * 32768, 0}, KeptSum: []uint64{48 * 65535, 12 * 16384, 0}}, set
}

func TestReportByHand(t *testing.T) {
	s, set := small()
	r, err := s.Report(set)
	if err != nil {
		t.Fatal(err)
	}
	data, err := r.Encode()
	if err != nil {
		t.Fatal(err)
	}
	want := `{"class_set":"three","images":2,"pixels":100,"kept_pixels":60,"ignored_pixels":40,"ignored_share":0.4,"max_min_frequency_ratio":4,"classes":[` +
		`{"name":"road","predicted_pixels":92,"kept_pixels":48,"kept_share":0.5217391304347826,"frequency":0.8,"mean_confidence":0.75,"kept_mean_confidence":0.9999847412109375,"threshold":0.95001220703125},` +
		`{"name":"übergroße Straßenschilder am Wegesrand","predicted_pixels":8,"kept_pixels":12,"kept_share":1.5,"frequency":0.2,"mean_confidence":0.5,"kept_mean_confidence":0.25,"threshold":0.5},` +
		`{"name":"train","predicted_pixels":0,"kept_pixels":0,"kept_share":0,"frequency":0,"mean_confidence":0,"kept_mean_confidence":0,"threshold":1}]}`
	if got := compact(t, data); got != want {
		t.Errorf("%s\nwant\n%s", got, want)
	}
	text := `class                   predicted %  kept %  frequency %   mean   kept  threshold
road                          92.00   52.17        80.00  0.750  1.000     0.9500
übergroße Straßenschi…         8.00    1.5x        20.00  0.500  0.250     0.5000
train                          0.00       -         0.00      -      -     1.0000
images 2, pixels 100
kept 60.00 %, ignored 40.00 %, most to least frequent class 4 : 1
kept 2x: twice as many pixels as predicted, as second classes are kept too
`
	if got := r.Text(); got != text {
		t.Errorf("%s\nwant\n%s", got, text)
	}
	if _, err := s.Report(semidavil.Cityscapes19); err == nil {
		t.Error("19 names for 3 classes accepted")
	}
}

func TestReportOfNothingAndOfMuch(t *testing.T) {
	s := NewStats(make([]uint32, 19))
	for range 2 {
		r, err := s.Report(semidavil.Cityscapes19)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := r.Encode(); err != nil { // NaN would not encode
			t.Error(err)
		}
		for _, line := range strings.Split(r.Text(), "\n") {
			if len([]rune(line)) > 80 {
				t.Errorf("line of %d columns: %s", len(line), line)
			}
		}
		s.Images, s.Ignored = 1<<40, 1<<45
		for c := range s.Kept {
			s.Kept[c], s.Predicted[c] = 1<<40<<(c%3), uint64(c)
			s.KeptSum[c] = s.Kept[c] * 65535
		}
	}
}

// FuzzDecodeReport: any bytes are statistics that can be shown, and are read again when
// written, or an error.
func FuzzDecodeReport(f *testing.F) {
	s, set := small()
	report, err := s.Report(set)
	if err != nil {
		f.Fatal(err)
	}
	data, err := report.Encode()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(data)
	f.Add([]byte(`{"images":1099511627776,"pixels":18446744073709551615,"classes":[{"name":"\u0000","kept_share":1e308}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		fixture.Modest(t, 4<<20+200*len(data), func() {
			r, err := DecodeReport(data)
			if err != nil {
				return
			}
			r.Text()
			again, err := r.Encode()
			if err != nil {
				t.Fatal(err)
			}
			if back, err := DecodeReport(again); err != nil || !reflect.DeepEqual(back, r) {
				t.Fatalf("%+v reads back as %+v, %v", r, back, err)
			}
		})
	})
}
