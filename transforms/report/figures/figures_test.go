package figures

import (
	"encoding/xml"
	"errors"
	"io"
	"strings"
	"testing"

	"semidavil"
	"semidavil/transforms/classstats"
	"semidavil/transforms/metrics"
	"semidavil/transforms/pseudo"
)

// words are the texts of a plot.
func words(t *testing.T, name string, data []byte, err error) string {
	t.Helper()
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	var out []string
	d := xml.NewDecoder(strings.NewReader(string(data)))
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if text, ok := token.(xml.CharData); ok && strings.TrimSpace(string(text)) != "" {
			out = append(out, strings.TrimSpace(string(text)))
		}
	}
	if strings.Contains(string(data), "NaN") || strings.Contains(string(data), "Inf") {
		t.Errorf("%s draws no numbers", name)
	}
	return strings.Join(out, "\n")
}

// halves is a tally in which a class is half right, one is missed and others are absent.
func halves(t *testing.T, set semidavil.ClassSet) metrics.Tally {
	t.Helper()
	tally := metrics.Tally{Confusion: metrics.NewConfusion(set.Len())}
	if err := tally.Add([]uint8{0, 0, 1, 255}, []uint8{0, 1, 255, 0}, []float32{0.99, 0.4, 0.3, 1}); err != nil {
		t.Fatal(err)
	}
	return tally
}

func TestEvaluation(t *testing.T) {
	set := semidavil.Cityscapes19
	r, err := metrics.NewReport(set, halves(t, set))
	if err != nil {
		t.Fatal(err)
	}
	data, err := IoU(set, "IoU of <both>", []Named{{"student", r}, {"teacher", r}}, 0)
	text := words(t, "IoU", data, err)
	for _, want := range []string{"IoU of <both>", "student (mean 25.0)", "teacher (mean 25.0)", "road", "bicycle", "50.0"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in the bars: %s", want, text)
		}
	}
	data, err = Confusion(set, "Confusion", r.Confusion)
	if text := words(t, "confusion", data, err); !strings.Contains(text, "sidewalk") || !strings.Contains(text, "50") {
		t.Error(text)
	}
	data, err = Reliability("Reliability", *r.Calibration)
	if text := words(t, "reliability", data, err); !strings.Contains(text, "Reliability") {
		t.Error(text)
	}
	if _, err := IoU(set, "x", []Named{{Name: "nobody"}}, 0); err == nil || !strings.Contains(err.Error(), "nobody") {
		t.Error(err)
	}
}

func TestLabels(t *testing.T) {
	set := semidavil.Cityscapes19
	s := pseudo.NewStats(make([]uint32, set.Len()))
	s.Images, s.Ignored = 1, 30
	s.Predicted[0], s.Kept[0], s.PredictedSum[0], s.KeptSum[0] = 80, 60, 80*40000, 60*50000
	s.Predicted[5], s.Kept[5], s.PredictedSum[5], s.KeptSum[5] = 20, 10, 20*30000, 10*40000
	s.Thresholds[0], s.Thresholds[5] = 62260, 32768
	r, err := s.Report(set)
	if err != nil {
		t.Fatal(err)
	}
	data, err := LabelShares(set, r)
	if text := words(t, "shares", data, err); !strings.Contains(text, "road") || !strings.Contains(text, "pole") {
		t.Error(text)
	}
	data, err = LabelThresholds(set, r)
	if text := words(t, "thresholds", data, err); !strings.Contains(text, "road") {
		t.Error(text)
	}
}

// TestFrequencies draws sets of both sizes, and one without a label.
func TestFrequencies(t *testing.T) {
	for _, set := range []semidavil.ClassSet{semidavil.Cityscapes19, semidavil.CamVid11} {
		table := classstats.NewTable(set)
		pixels := make([]uint64, set.Len())
		pixels[0], pixels[1] = 700, 1
		if err := table.Add(semidavil.SourceTrain, pixels, 299); err != nil {
			t.Fatal(err)
		}
		if err := table.Add(semidavil.Val, pixels, 299); err != nil {
			t.Fatal(err)
		}
		data, err := Frequencies(set, table)
		text := words(t, set.Name, data, err)
		for _, want := range append(set.Names(), "source", "val", "70%", "0.10%", "share of all pixels, % (logarithmic)") {
			if !strings.Contains(text, want) {
				t.Errorf("%s: no %q in %s", set.Name, want, text)
			}
		}
		if again, _ := Frequencies(set, table); string(again) != string(data) {
			t.Errorf("%s: other bytes the second time", set.Name)
		}
		data, err = Frequencies(set, classstats.NewTable(set))
		if text := words(t, "empty", data, err); !strings.Contains(text, "no image has a label") {
			t.Error(text)
		}
	}
}
