package pseudo

import "fmt"

// One is the probability 1 in the units of confidences and thresholds.
const One = 1 << 16

// MaxPixels bounds the size of a Prediction, so that a damaged file cannot ask
// for more memory than an image of this size needs.
const MaxPixels = 100_000_000

// MaxClasses is the greatest number of classes: train ids are 0 to 254, since 255
// marks ignored pixels.
const MaxClasses = 255

// Prediction holds the two most probable classes of each pixel, row-major.
type Prediction struct {
	W, H int
	// Tag says what made the prediction (network, size, image), at most MaxTag
	// bytes. Files with another tag than expected are out of date.
	Tag string
	// Label u8[H,W] is the most probable train id, Second u8[H,W] the next one.
	Label, Second []uint8
	// Confidence u16[H,W] is the probability of Label, SecondConfidence u16[H,W]
	// that of Second, in units of 1/One; see Quantise.
	Confidence, SecondConfidence []uint16
}

// Quantise returns q = min(floor(p·65536), 65535) of each probability. Hence
// p >= k/65536 exactly where q >= k for all k up to 65535; only p = 1 is not distinguished
// from 65535/65536. It returns an error for NaN and for values outside 0 to
// 1 + 1e-5, which is more than a softmax in float32 can round to.
func Quantise(p []float32) ([]uint16, error) {
	q := make([]uint16, len(p))
	for i, v := range p {
		if !(v >= 0 && v <= 1+1e-5) {
			return nil, fmt.Errorf("pseudo: quantise: probability %v at index %d: want 0 to 1", v, i)
		}
		q[i] = uint16(min(uint32(v*One), One-1)) // a power of two: the product is exact
	}
	return q, nil
}

// NewPrediction quantises the probabilities of the two most probable classes of
// each pixel, row-major. The label slices are kept, not copied. It returns the
// errors of Quantise and Check.
func NewPrediction(w, h int, label, second []uint8, confidence, secondConfidence []float32) (Prediction, error) {
	p := Prediction{W: w, H: h, Label: label, Second: second}
	var err error
	if p.Confidence, err = Quantise(confidence); err != nil {
		return Prediction{}, err
	}
	if p.SecondConfidence, err = Quantise(secondConfidence); err != nil {
		return Prediction{}, err
	}
	if err := p.Check(); err != nil {
		return Prediction{}, fmt.Errorf("pseudo: make prediction: %w", err)
	}
	return p, nil
}

// Check returns an error if the sizes do not fit each other or are out of range,
// or if a pixel has the same class twice, an ignored one, or a second class that
// is more probable than the first.
func (p Prediction) Check() error {
	if err := p.checkSize(); err != nil {
		return err
	}
	n := p.W * p.H
	label, second, q1, q2 := p.Label[:n], p.Second[:n], p.Confidence[:n], p.SecondConfidence[:n]
	for i, l := range label {
		if s := second[i]; l == s || max(l, s) >= MaxClasses || q2[i] > q1[i] {
			return fmt.Errorf("pixel %d: class %d at %d/65536, then class %d at %d/65536", i, l, q1[i], s, q2[i])
		}
	}
	return nil
}

func (p Prediction) checkSize() error {
	if err := checkSides(p.W, p.H); err != nil {
		return err
	}
	n := p.W * p.H
	if len(p.Label) != n || len(p.Second) != n || len(p.Confidence) != n || len(p.SecondConfidence) != n {
		return fmt.Errorf("prediction of %dx%d: %d labels, %d seconds, %d and %d confidences",
			p.W, p.H, len(p.Label), len(p.Second), len(p.Confidence), len(p.SecondConfidence))
	}
	return nil
}

func checkSides(w, h int) error {
	if w < 1 || h < 1 || w > MaxPixels || h > MaxPixels/w {
		return fmt.Errorf("prediction of %dx%d: want 1 to %d pixels", w, h, MaxPixels)
	}
	return nil
}
