package metrics

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"semidavil"
)

func sample(t *testing.T) (Confusion, *Calibration) {
	t.Helper()
	rng := rand.New(rand.NewPCG(7, 7))
	c, calibration := NewConfusion(19), new(Calibration)
	for range 3 {
		label := randomIDs(rng, 18, 5000, 40) // no bicycle
		prediction, confidence := make([]uint8, len(label)), make([]float32, len(label))
		for i := range label {
			prediction[i], confidence[i] = label[i], 0.9
			if rng.IntN(3) == 0 || label[i] == semidavil.Ignore {
				prediction[i] = uint8(rng.IntN(18))
			}
		}
		if err := c.Add(label, prediction); err != nil {
			t.Fatal(err)
		}
		if err := calibration.Add(label, prediction, confidence); err != nil {
			t.Fatal(err)
		}
	}
	return c, calibration
}

// decodeReport reads what Encode wrote.
func decodeReport(data []byte) (Report, error) {
	var r Report
	if err := json.Unmarshal(data, &r); err != nil {
		return Report{}, fmt.Errorf("metrics: decode report: %w", err)
	}
	for _, s := range r.Scores {
		if len(s.Classes) != r.Confusion.Classes {
			return Report{}, fmt.Errorf("metrics: decode report: rule %q has %d classes of %d", s.Rule, len(s.Classes), r.Confusion.Classes)
		}
	}
	return r, nil
}

func TestReport(t *testing.T) {
	c, calibration := sample(t)
	r, err := NewReport(semidavil.Cityscapes19, Tally{Confusion: c, Calibration: *calibration})
	if err != nil {
		t.Fatal(err)
	}
	data, err := r.Encode()
	if err != nil {
		t.Fatal(err)
	}
	got, err := decodeReport(data)
	if err != nil {
		t.Fatal(err)
	}
	again, err := got.Encode()
	if err != nil || !bytes.Equal(again, data) {
		t.Errorf("other bytes after reading: %v", err)
	}
	if m := float64(r.Main()); m != Mean(c.IoU(), Rules(semidavil.Cityscapes19)[0].Classes) || !math.IsNaN(float64(got.Scores[0].Classes[18].IoU)) {
		t.Errorf("mean %v", m)
	}
	share := 0.0
	for _, class := range got.Scores[0].Classes {
		share += float64(class.Share)
	}
	if math.Abs(share-1) > 1e-12 {
		t.Errorf("shares add up to %v", share)
	}
	if !bytes.Contains(data, []byte(`"expected_calibration_error": 0.`)) {
		t.Error("no calibration error")
	}
	plain, err := NewReport(semidavil.Cityscapes19, Tally{Confusion: c})
	if data, _ := plain.Encode(); err != nil || bytes.Contains(data, []byte("calibration")) {
		t.Error("a calibration of nothing")
	}
	if _, err := NewReport(semidavil.CamVid11, Tally{Confusion: c}); err == nil {
		t.Error("19 classes scored as 11")
	}
	for _, rule := range []Rule{{Classes: []int{19}}, {IgnoreTrue: []int{-1}}} {
		if _, err := c.Score(semidavil.Cityscapes19, rule); err == nil {
			t.Errorf("%v accepted", rule)
		}
	}
	for _, bad := range []string{"", `{"scores":[{"classes":[{}]}]}`, `{"confusion":{"classes":3}}`} {
		if _, err := decodeReport([]byte(bad)); err == nil {
			t.Errorf("%q accepted", bad)
		}
	}
}

func TestPoints(t *testing.T) {
	for want, v := range map[string]float64{"+2.3": 0.023, "-12.0": -0.12, "+0.0": -0.0004, "-0.1": -0.0006, "-": math.NaN()} {
		if got := Fraction(v).Points(); got != want {
			t.Errorf("%v: %s, want %s", v, got, want)
		}
	}
}

func TestTables(t *testing.T) {
	c, _ := sample(t)
	r, err := NewReport(semidavil.Cityscapes19, Tally{Confusion: c})
	if err != nil {
		t.Fatal(err)
	}
	text, err := Text(r.Columns())
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	for i, line := range lines {
		if i < 25 && len(line) != len(lines[0]) || len(line) > 80 {
			t.Errorf("line of %d columns: %s", len(line), line)
		}
	}
	if len(lines) != 31 {
		t.Fatalf("%d lines, want 25 of the table, an empty one and 5 of the legend", len(lines))
	}
	for i, rule := range Rules(semidavil.Cityscapes19) { // the legend explains all of them
		if line := lines[26+i]; !strings.HasPrefix(line, rule.Name+": mean over ") || strings.HasSuffix(line, " ") {
			t.Errorf("%q explains %s", line, rule.Name)
		}
	}
	if f := strings.Fields(lines[10]); f[0] != "terrain" || f[1] == "-" || f[2] != "-" || f[5] != "-" {
		t.Errorf("terrain is counted wrongly: %s", lines[10])
	}
	if f := strings.Fields(lines[19]); f[0] != "bicycle" || f[1] != "-" {
		t.Errorf("a class without pixels has a score: %s", lines[19])
	}
	mean := float64(r.Scores[1].MeanIoU)
	if f := strings.Fields(lines[20]); f[3] != Fraction(mean).String() {
		t.Errorf("mean %v in %s", mean, lines[20])
	}
	markdown, err := Markdown([]Column{{Title: "a|b", Scores: r.Scores[0]}})
	if err != nil || !strings.HasPrefix(markdown, "| IoU, % | a\\|b |\n|---|---:|\n| road | ") {
		t.Errorf("%v %s", err, markdown)
	}
	if all, err := Markdown(r.Columns()); err != nil || strings.Contains(markdown, "mean over") || !strings.Contains(all, "\n\n- 19: mean over all classes\n- 16: ") {
		t.Errorf("%v %s", err, all)
	}
	camvid, err := NewConfusion(11).Score(semidavil.CamVid11, Rules(semidavil.CamVid11)[0])
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Text([]Column{{Scores: r.Scores[0]}, {Scores: camvid}}); err == nil {
		t.Error("two class sets in one table")
	}
	if _, err := Markdown(nil); err == nil {
		t.Error("a table without columns")
	}
	t.Log("\n" + text)
}

// FuzzReport: whatever is read can be printed and written again.
func FuzzReport(f *testing.F) {
	f.Add([]byte(`{"class_set":"x","scores":[{"rule":"all","mean_iou":null,"classes":[{"class":"a","iou":0.5,"counted":true}]}],"confusion":{"classes":1,"matrix":[1],"missed":[0]}}`))
	f.Add([]byte(`{"scores":null,"calibration":{"pixels":null}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		r, err := decodeReport(data)
		if err != nil {
			return
		}
		r.Main()
		if _, err := Text(r.Columns()); err == nil {
			if _, err := Markdown(r.Columns()); err != nil {
				t.Fatal(err)
			}
		}
		if r.Calibration != nil {
			r.Calibration.Text()
		}
		if _, err := r.Encode(); err != nil {
			t.Fatal(err)
		}
	})
}
