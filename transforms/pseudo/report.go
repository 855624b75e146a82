package pseudo

import (
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"
	"unicode/utf8"

	"semidavil"
)

// Report is what stats.json holds: the statistics of a set of pseudo-labels in
// plain numbers. All shares, confidences and thresholds are 0 to 1.
type Report struct {
	ClassSet string `json:"class_set"`
	// Volumes says that Images are volumes, and Pixels voxels.
	Volumes bool   `json:"volumes,omitempty"`
	Images  uint64 `json:"images"`
	// Pixels is the number of all pixels, Kept of those with a label, Ignored of
	// the others.
	Pixels  uint64 `json:"pixels"`
	Kept    uint64 `json:"kept_pixels"`
	Ignored uint64 `json:"ignored_pixels"`
	// IgnoredShare is Ignored / Pixels.
	IgnoredShare float64 `json:"ignored_share"`
	// FrequencyRatio is that of the most to the least frequent kept class, among
	// those that occur; 0 if nothing was kept.
	FrequencyRatio float64       `json:"max_min_frequency_ratio"`
	Classes        []ClassReport `json:"classes"`
}

// ClassReport is the part of one class. Shares and means of no pixels are 0.
type ClassReport struct {
	Name string `json:"name"`
	// Predicted is the number of pixels whose most probable class this is, Kept of
	// those whose final label it is.
	Predicted uint64 `json:"predicted_pixels"`
	Kept      uint64 `json:"kept_pixels"`
	// KeptShare is Kept / Predicted. Class-balanced rules also give a label to
	// pixels in which it is the second class, so it can be above 1.
	KeptShare float64 `json:"kept_share"`
	// Frequency is the share of this class of all kept pixels.
	Frequency float64 `json:"frequency"`
	// PredictedConfidence and KeptConfidence are means over these pixels.
	PredictedConfidence float64 `json:"mean_confidence"`
	KeptConfidence      float64 `json:"kept_mean_confidence"`
	Threshold           float64 `json:"threshold"`
}

// Report returns the statistics by the names of the set. It returns an error if
// that has another number of classes.
func (s Stats) Report(set semidavil.ClassSet) (Report, error) {
	if err := s.check(); err != nil {
		return Report{}, fmt.Errorf("pseudo: report statistics: %w", err)
	}
	if set.Len() != len(s.Thresholds) {
		return Report{}, fmt.Errorf("pseudo: report statistics: %d classes, but %s has %d", len(s.Thresholds), set.Name, set.Len())
	}
	r := Report{ClassSet: set.Name, Images: s.Images, Ignored: s.Ignored, Classes: make([]ClassReport, set.Len())}
	var most, least uint64
	for _, n := range s.Kept {
		r.Kept += n
		most = max(most, n)
		if n > 0 && (least == 0 || n < least) {
			least = n
		}
	}
	r.Pixels = r.Kept + r.Ignored
	r.IgnoredShare, r.FrequencyRatio = share(r.Ignored, r.Pixels), share(most, least)
	for c, class := range set.Classes {
		r.Classes[c] = ClassReport{
			Name: class.Name, Predicted: s.Predicted[c], Kept: s.Kept[c],
			KeptShare: share(s.Kept[c], s.Predicted[c]), Frequency: share(s.Kept[c], r.Kept),
			PredictedConfidence: mean(s.PredictedSum[c], s.Predicted[c]), KeptConfidence: mean(s.KeptSum[c], s.Kept[c]),
			Threshold: float64(s.Thresholds[c]) / One,
		}
	}
	return r, nil
}

// share returns a/b, 0 for b = 0.
func share(a, b uint64) float64 {
	if b == 0 {
		return 0
	}
	return float64(a) / float64(b)
}

// Encode writes the report as indented JSON, the same bytes for the same counts.
func (r Report) Encode() ([]byte, error) {
	data, err := json.MarshalIndent(r, "", " ")
	if err != nil {
		return nil, fmt.Errorf("pseudo: encode report: %w", err)
	}
	return append(data, '\n'), nil
}

// DecodeReport reads what Encode wrote.
func DecodeReport(data []byte) (r Report, err error) {
	if err := json.Unmarshal(data, &r); err != nil {
		return Report{}, fmt.Errorf("pseudo: decode report: %w", err)
	}
	return r, nil
}

// Units are the words for what was labelled: images and pixels, or volumes and voxels.
func (r Report) Units() (unit, elements string) {
	if r.Volumes {
		return "volumes", "voxels"
	}
	return "images", "pixels"
}

// Text returns the report for a terminal, at most 80 columns wide: for each class
// its share of the predicted pixels, the kept share of these, which is a factor such as "31x"
// where more are kept, its frequency among all kept pixels (all in percent), both mean confidences and the threshold.
func (r Report) Text() string {
	unit, elements := r.Units()
	const widest = 22 // of 80
	width := len("class")
	for _, c := range r.Classes {
		width = min(max(width, utf8.RuneCountInString(c.Name)), widest)
	}
	var b strings.Builder
	more := ""
	fmt.Fprintf(&b, "%-*s  predicted %%  kept %%  frequency %%   mean   kept  threshold\n", width, "class")
	for _, c := range r.Classes {
		name, kept := []rune(c.Name), percent(c.Kept, c.Predicted)
		if len(name) > width {
			name = append(name[:width-1], '…')
		}
		if c.Predicted > 0 && c.Kept > c.Predicted {
			kept = factor(c.Kept, c.Predicted)
			more = "kept 2x: twice as many " + elements + " as predicted, as second classes are kept too\n"
		}
		fmt.Fprintf(&b, "%-*s  %11s  %6s  %11s  %s  %s  %9.4f\n", width, string(name),
			percent(c.Predicted, r.Pixels), kept, percent(c.Kept, r.Kept),
			confidence(c.PredictedConfidence, c.Predicted), confidence(c.KeptConfidence, c.Kept), c.Threshold)
	}
	fmt.Fprintf(&b, "%s %d, %s %d\n", unit, r.Images, elements, r.Pixels)
	fmt.Fprintf(&b, "kept %s %%, ignored %s %%, most to least frequent class %.4g : 1\n",
		percent(r.Kept, r.Pixels), percent(r.Ignored, r.Pixels), r.FrequencyRatio)
	b.WriteString(more)
	return b.String()
}

// factor returns a/b in at most six columns, "1.5x".
func factor(a, b uint64) string {
	v := share(a, b)
	if v >= 9999.5 {
		return ">9999x"
	}
	return strconv.FormatFloat(v, 'f', max(0, 1-int(math.Log10(v))), 64) + "x"
}

// percent returns 100·a/b in at most six columns, "-" for b = 0.
func percent(a, b uint64) string {
	switch v := 100 * share(a, b); {
	case b == 0:
		return "-"
	case v >= 99999.5:
		return ">99999"
	case v >= 999.995:
		return fmt.Sprintf("%.0f", v)
	default:
		return fmt.Sprintf("%.2f", v)
	}
}

// confidence returns a mean in five columns, "-" for one of no pixels.
func confidence(mean float64, pixels uint64) string {
	if pixels == 0 {
		return "    -"
	}
	return fmt.Sprintf("%.3f", mean)
}
