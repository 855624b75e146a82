package metrics

import (
	"encoding/json"
	"fmt"
	"math"
	"strings"

	"semidavil"
)

// Bins is the number of confidence bins, the usual one of the literature.
const Bins = 15

// unit is the step in which confidences are summed: 2^-24, the spacing of
// float32 below 1. Sums of integers do not depend on the order of addition, and
// 2^40 pixels fit.
const unit = 1 << 24

// Calibration compares confidences with how often the prediction is right, in
// Bins bins of equal width: bin i holds the confidences above i/Bins up to and
// with (i+1)/Bins, bin 0 also 0 (Guo et al., On Calibration of Modern Neural
// Networks, 2017). The zero value is empty; Merge is associative and commutative.
type Calibration struct {
	// Pixels and Right count the pixels of each bin and those predicted right.
	// Both are nil or have Bins elements.
	Pixels []uint64 `json:"pixels"`
	Right  []uint64 `json:"right"`
	// Confidence sums the confidences of each bin, in units of 2^-24.
	Confidence []uint64 `json:"confidence_2_24"`
}

func (c *Calibration) check() error {
	if c.Pixels == nil && c.Right == nil && c.Confidence == nil {
		return nil
	}
	if len(c.Pixels) != Bins || len(c.Right) != Bins || len(c.Confidence) != Bins {
		return fmt.Errorf("%d, %d and %d bins, want %d", len(c.Pixels), len(c.Right), len(c.Confidence), Bins)
	}
	return nil
}

func (c *Calibration) fill() {
	if c.Pixels == nil {
		c.Pixels, c.Right, c.Confidence = make([]uint64, Bins), make([]uint64, Bins), make([]uint64, Bins)
	}
}

// Add counts the pixels of one image: true and predicted train ids and the
// confidence of the prediction, 0 to 1, all of equal length. Pixels whose label
// or prediction is semidavil.Ignore are left out. A confidence outside 0 to 1
// is an error that leaves the sums as they were; up to 1e-5 above 1, as the
// rounding of a softmax gives, counts as 1.
func (c *Calibration) Add(label, prediction []uint8, confidence []float32) error {
	if err := c.check(); err != nil {
		return fmt.Errorf("metrics: calibration: add: %w", err)
	}
	if len(label) != len(prediction) || len(label) != len(confidence) {
		return fmt.Errorf("metrics: calibration: add: %d labels, %d predictions, %d confidences", len(label), len(prediction), len(confidence))
	}
	var pixels, right, sum [Bins]uint64
	for i, g := range label {
		p := prediction[i]
		if g == semidavil.Ignore || p == semidavil.Ignore {
			continue
		}
		v := float64(confidence[i])
		if !(v >= 0 && v <= 1+1e-5) {
			return fmt.Errorf("metrics: calibration: add: confidence %v of pixel %d, want 0 to 1", v, i)
		}
		v = min(v, 1)
		bin := max(int(math.Ceil(v*Bins))-1, 0) // exact: a float32 times 15 fits a float64
		pixels[bin]++
		if g == p {
			right[bin]++
		}
		sum[bin] += uint64(v*unit + 0.5)
	}
	c.fill()
	for i := range Bins {
		c.Pixels[i] += pixels[i]
		c.Right[i] += right[i]
		c.Confidence[i] += sum[i]
	}
	return nil
}

// Merge adds the sums of another one.
func (c *Calibration) Merge(d Calibration) error {
	if err := c.check(); err != nil {
		return fmt.Errorf("metrics: calibration: merge into: %w", err)
	}
	if err := d.check(); err != nil {
		return fmt.Errorf("metrics: calibration: merge: %w", err)
	}
	if d.Pixels == nil {
		return nil
	}
	c.fill()
	for i := range Bins {
		c.Pixels[i] += d.Pixels[i]
		c.Right[i] += d.Right[i]
		c.Confidence[i] += d.Confidence[i]
	}
	return nil
}

// UnmarshalJSON reads the sums and refuses other numbers of bins.
func (c *Calibration) UnmarshalJSON(data []byte) error {
	type plain Calibration
	var p plain
	if err := json.Unmarshal(data, &p); err != nil {
		return fmt.Errorf("metrics: decode calibration: %w", err)
	}
	d := Calibration(p)
	if err := d.check(); err != nil {
		return fmt.Errorf("metrics: decode calibration: %w", err)
	}
	for i, n := range d.Pixels {
		if d.Right[i] > n {
			return fmt.Errorf("metrics: decode calibration: bin %d has %d pixels right of %d", i, d.Right[i], n)
		}
	}
	*c = d
	return nil
}

// Bin is one point of a reliability diagram.
type Bin struct {
	// Low and High bound the confidences of the bin.
	Low, High float64
	Pixels    uint64
	// Confidence is the mean confidence and Accuracy the share of right
	// predictions, 0 to 1; NaN in an empty bin.
	Confidence, Accuracy float64
}

// Reliability returns the Bins bins, by rising confidence.
func (c Calibration) Reliability() []Bin {
	c.fill()
	out := make([]Bin, Bins)
	for i := range out {
		out[i] = Bin{
			Low: float64(i) / Bins, High: float64(i+1) / Bins, Pixels: c.Pixels[i],
			Confidence: ratio(c.Confidence[i], c.Pixels[i]) / unit,
			Accuracy:   ratio(c.Right[i], c.Pixels[i]),
		}
	}
	return out
}

// ECE returns the expected calibration error, 0 to 1: the mean over the pixels
// of |accuracy - confidence| of their bin; NaN without pixels.
func (c Calibration) ECE() float64 {
	var sum float64
	var all uint64
	for _, b := range c.Reliability() {
		if b.Pixels > 0 {
			sum += float64(float64(b.Pixels) * math.Abs(b.Accuracy-b.Confidence)) // not fused: the same bits everywhere
			all += b.Pixels
		}
	}
	if all == 0 {
		return math.NaN()
	}
	return sum / float64(all)
}

// Text returns the bins as a table for a terminal, values in percent.
func (c Calibration) Text() string {
	var b strings.Builder
	b.WriteString("confidence, %      pixels   mean  right\n")
	for _, bin := range c.Reliability() {
		fmt.Fprintf(&b, "%5.1f to %5.1f  %10d  %5s  %5s\n", 100*bin.Low, 100*bin.High, bin.Pixels, Fraction(bin.Confidence), Fraction(bin.Accuracy))
	}
	fmt.Fprintf(&b, "expected calibration error: %s\n", Fraction(c.ECE()))
	return b.String()
}
