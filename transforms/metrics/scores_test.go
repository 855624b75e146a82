package metrics

import (
	"encoding/base64"
	"encoding/json"
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"testing"

	"semidavil"
)

// TestCityscapesScripts compares with the scores of cityscapesScripts, to the
// last bit; see tools/golden_metrics.
func TestCityscapesScripts(t *testing.T) {
	data, err := os.ReadFile("testdata/cityscapes.json")
	if err != nil {
		t.Fatal(err)
	}
	var cases []struct {
		Name       string
		Truth      []string
		Prediction []string
		IoU        []Fraction
		IoUIgnored []Fraction `json:"iou_ignored"`
		Means      map[string]Fraction
	}
	if err := json.Unmarshal(data, &cases); err != nil {
		t.Fatal(err)
	}
	set := semidavil.Cityscapes19
	undefined, scores := 0, 0
	for _, c := range cases {
		m := NewConfusion(set.Len())
		for i := range c.Truth {
			truth, err1 := base64.StdEncoding.DecodeString(c.Truth[i])
			prediction, err2 := base64.StdEncoding.DecodeString(c.Prediction[i])
			if err1 != nil || err2 != nil {
				t.Fatal(err1, err2)
			}
			if err := m.Add(truth, prediction); err != nil {
				t.Fatal(err)
			}
		}
		compare := func(what string, got, want float64) {
			t.Helper()
			scores++
			if math.IsNaN(want) {
				undefined++
			}
			if got != want && !(math.IsNaN(got) && math.IsNaN(want)) {
				t.Errorf("%s: %s: %v, want %v", c.Name, what, got, want)
			}
		}
		iou, ignored := m.IoU(), m.IgnoreTrue(9, 14, 16).IoU()
		for k, class := range set.Names() {
			compare(class, iou[k], float64(c.IoU[k]))
			compare(class+", ignored", ignored[k], float64(c.IoUIgnored[k]))
		}
		for _, rule := range Rules(set) {
			s, err := m.Score(set, rule)
			if err != nil {
				t.Fatal(err)
			}
			want, ok := c.Means[rule.Name]
			if !ok {
				t.Errorf("%s: no mean of rule %s", c.Name, rule.Name)
			}
			compare("mean of "+rule.Name, float64(s.MeanIoU), float64(want))
		}
	}
	if len(cases) < 6 || undefined == 0 {
		t.Errorf("%d cases, %d of %d scores undefined: the file is not the one meant", len(cases), undefined, scores)
	}
}

// TestScoresFromSets computes all figures from sets of pixels, as the definitions
// have them.
func TestScoresFromSets(t *testing.T) {
	rng := rand.New(rand.NewPCG(8, 9))
	const k, n = 6, 3000
	label, prediction := randomIDs(rng, k-1, n, 5), randomIDs(rng, k, n, 5) // class 5 never occurs
	c := NewConfusion(k)
	if err := c.Add(label, prediction); err != nil {
		t.Fatal(err)
	}
	classes := []int{0, 2, 3, 5}
	var right, all, weighted float64
	iou, accuracy := make([]float64, k), make([]float64, k)
	for class := range uint8(k) {
		var both, either, occurs float64
		for i := range label {
			if label[i] == semidavil.Ignore {
				continue
			}
			g, p := label[i] == class, prediction[i] == class
			if g && p {
				both++
			}
			if g || p {
				either++
			}
			if g {
				occurs++
			}
		}
		iou[class], accuracy[class] = both/either, both/occurs
		if slices.Contains(classes, int(class)) {
			right, all = right+both, all+occurs
			weighted += occurs * both / either
		}
	}
	for what, v := range map[string][2]float64{
		"pixel accuracy":     {c.PixelAccuracy(classes), right / all},
		"frequency weighted": {c.FrequencyWeightedIoU(classes), weighted / all},
		"mean accuracy":      {Mean(c.Accuracy(), classes), (accuracy[0] + accuracy[2] + accuracy[3]) / 3},
		"mean IoU":           {Mean(c.IoU(), classes), (iou[0] + iou[2] + iou[3] + iou[5]) / 4},
		"IoU":                {c.IoU()[2], iou[2]},
	} {
		if math.Abs(v[0]-v[1]) > 1e-12 {
			t.Errorf("%s: %v, want %v", what, v[0], v[1])
		}
	}
	if !math.IsNaN(c.Accuracy()[5]) || c.IoU()[5] != 0 {
		t.Errorf("absent but predicted: accuracy %v, IoU %v", c.Accuracy()[5], c.IoU()[5])
	}
	empty := NewConfusion(2)
	for i, v := range []float64{empty.IoU()[0], Mean(empty.IoU(), []int{0, 1}), empty.PixelAccuracy([]int{0}), empty.FrequencyWeightedIoU([]int{1}), Mean(nil, nil)} {
		if !math.IsNaN(v) {
			t.Errorf("score %d of nothing: %v", i, v)
		}
	}
}

func TestRules(t *testing.T) {
	set := semidavil.Cityscapes19
	names := func(name string) (out []string) {
		for _, r := range Rules(set) {
			for _, k := range r.Classes {
				if r.Name == name {
					out = append(out, set.Classes[k].Name)
				}
			}
		}
		return out
	}
	// The 13 classes as the papers on SYNTHIA print them.
	if got := names("13"); !slices.Equal(got, []string{"road", "sidewalk", "building", "traffic light", "traffic sign", "vegetation", "sky", "person", "rider", "car", "bus", "motorcycle", "bicycle"}) {
		t.Errorf("13: %v", got)
	}
	if len(names("16")) != 16 || len(names("19")) != 19 {
		t.Error("16 or 19 has another number of classes")
	}
	if r := Rules(semidavil.CamVid11); len(r) != 1 || len(r[0].Classes) != 11 {
		t.Errorf("%v", r)
	}
}
