package metrics

import "math"

// Score is how well predictions agree with labels.
type Score struct {
	// MIoU is the mean intersection over union of the scored classes that occur.
	MIoU Fraction `json:"miou"`
	// IoU is that of each class, defined where it occurs in labels or predictions.
	IoU []Fraction `json:"iou"`
	// PixelAccuracy is the share of the pixels of the scored classes that are right.
	PixelAccuracy Fraction `json:"pixel_accuracy"`
	Images        int      `json:"images"`
}

// Over scores some of the classes.
func (c Confusion) Over(classes []int) Score {
	s := Score{Images: int(c.Images), PixelAccuracy: Fraction(c.PixelAccuracy(classes))}
	iou := c.IoU()
	s.MIoU = Fraction(Mean(iou, classes))
	for _, v := range iou {
		s.IoU = append(s.IoU, Fraction(v))
	}
	return s
}

// Pixels returns the number of pixels whose true class is g.
func (c Confusion) Pixels(g int) uint64 {
	n := c.Missed[g]
	for _, m := range c.Matrix[g*c.Classes : (g+1)*c.Classes] {
		n += m
	}
	return n
}

// predicted returns the number of not ignored pixels whose prediction is p.
func (c Confusion) predicted(p int) (n uint64) {
	for g := range c.Classes {
		n += c.Matrix[g*c.Classes+p]
	}
	return n
}

// IoU returns the intersection over union of each class, 0 to 1:
// TP / (TP + FP + FN), with false positives counted only on pixels that are not
// ignored. A class that neither occurs nor is predicted there has NaN.
func (c Confusion) IoU() []float64 {
	out := make([]float64, c.Classes)
	for k := range out {
		tp := c.Matrix[k*c.Classes+k]
		out[k] = ratio(tp, c.Pixels(k)+c.predicted(k)-tp)
	}
	return out
}

// Accuracy returns the share of each class's pixels that are predicted right
// (its recall), 0 to 1; NaN for a class that does not occur.
func (c Confusion) Accuracy() []float64 {
	out := make([]float64, c.Classes)
	for k := range out {
		out[k] = ratio(c.Matrix[k*c.Classes+k], c.Pixels(k))
	}
	return out
}

// PixelAccuracy returns the share of the pixels of the true classes of the list
// that are predicted right, 0 to 1; NaN without such pixels.
func (c Confusion) PixelAccuracy(classes []int) float64 {
	var right, all uint64
	for _, k := range classes {
		right += c.Matrix[k*c.Classes+k]
		all += c.Pixels(k)
	}
	return ratio(right, all)
}

// FrequencyWeightedIoU returns the mean of the classes' IoU weighted with their
// numbers of pixels, 0 to 1; NaN without pixels of these classes.
func (c Confusion) FrequencyWeightedIoU(classes []int) float64 {
	iou := c.IoU()
	var sum float64
	var all uint64
	for _, k := range classes {
		if n := c.Pixels(k); n > 0 { // an IoU of NaN has no pixels
			sum += float64(float64(n) * iou[k]) // the conversion keeps the product from being fused: the same bits everywhere
			all += n
		}
	}
	if all == 0 {
		return math.NaN()
	}
	return sum / float64(all)
}

// Mean returns the mean of the values of the classes, in the order of the list,
// leaving NaN values out; NaN if none is left. With IoU it is the mIoU.
func Mean(values []float64, classes []int) float64 {
	var sum, n float64
	for _, k := range classes {
		if !math.IsNaN(values[k]) {
			sum += values[k]
			n++
		}
	}
	if n == 0 {
		return math.NaN()
	}
	return sum / n
}

func ratio(a, b uint64) float64 {
	if b == 0 {
		return math.NaN()
	}
	return float64(a) / float64(b)
}
