package charts

import (
	"fmt"
	"math"
	"strings"
)

// Bin is one bin of a reliability diagram.
type Bin struct {
	// Confidence is the mean confidence and Accuracy the share of right predictions
	// of the bin, 0 to 1; both may be NaN where Share is 0.
	Confidence, Accuracy float64
	// Share is the part of all pixels in the bin, 0 to 1.
	Share float64
}

// ReliabilityChart describes a reliability diagram.
type ReliabilityChart struct {
	Title string
	// Bins have equal width: bin i of n holds the confidences from i/n to (i+1)/n.
	// There are 1 to 50 of them, and their shares add up to 1.
	Bins []Bin
}

func (c ReliabilityChart) check() error {
	if err := checkTitle(c.Title); err != nil {
		return err
	}
	n := len(c.Bins)
	if n == 0 || n > 50 {
		return fmt.Errorf("%d bins, want 1 to 50", n)
	}
	var sum float64
	for i, b := range c.Bins {
		if !(b.Share >= 0 && b.Share <= 1+1e-9) {
			return fmt.Errorf("bin %d: share %v, want 0 to 1", i, b.Share)
		}
		sum += b.Share
		if b.Share == 0 {
			continue
		}
		if !(b.Accuracy >= 0 && b.Accuracy <= 1) {
			return fmt.Errorf("bin %d: accuracy %v, want 0 to 1", i, b.Accuracy)
		}
		low, high := float64(i)/float64(n), float64(i+1)/float64(n)
		if !(b.Confidence >= low-1e-5 && b.Confidence <= high+1e-5) {
			return fmt.Errorf("bin %d: mean confidence %v, want %.4g to %.4g", i, b.Confidence, low, high)
		}
	}
	if !(math.Abs(sum-1) <= 1e-3) {
		return fmt.Errorf("shares add up to %v, want 1", sum)
	}
	return nil
}

// ECE returns the expected calibration error of the bins, 0 to 1: the mean of
// |accuracy - confidence|, weighted by share (Guo et al., 2017). NaN without
// pixels.
func ECE(bins []Bin) float64 {
	var sum, all float64
	for _, b := range bins {
		if b.Share > 0 {
			sum += float64(b.Share * math.Abs(b.Accuracy-b.Confidence))
			all += b.Share
		}
	}
	return sum / all
}

func percent(v float64) string { return withUnit(fixed(v*100, 1), "%") }

// Reliability draws the accuracy of each bin as a bar, the gap to its mean
// confidence, the diagonal of perfect calibration, and below it the share of the
// pixels of each bin. The expected calibration error follows the title.
func Reliability(c ReliabilityChart) ([]byte, error) {
	if err := c.check(); err != nil {
		return nil, fmt.Errorf("charts: draw reliability: %w", err)
	}
	const w, side, below = 560.0, 440.0, 90.0
	title := c.Title + " – expected calibration error " + percent(ECE(c.Bins))
	d := &document{}
	top := d.header(title, "", w)
	top = d.legend([]entry{
		{name: "accuracy", color: palette[4]},
		{name: "gap to the mean confidence", color: palette[3]},
		{name: "perfect calibration", color: "#808893", line: "5 4"},
	}, top, w) + 6
	left := margin + 64.0
	x := axis{low: 0, high: 1, from: left, to: left + side}
	y := axis{low: 0, high: 1, from: top + side, to: top}
	for i := 0; i <= 5; i++ {
		v := float64(i) / 5
		d.grid(left, y.at(v), x.to, y.at(v))
		d.soft(left-6, y.at(v)+3.7, smallSize, atEnd, fmt.Sprintf("%d%%", 20*i))
	}
	n := float64(len(c.Bins))
	for i, b := range c.Bins {
		if b.Share == 0 {
			continue
		}
		from, to := x.at(float64(i)/n), x.at(float64(i+1)/n)
		at, sure := y.at(b.Accuracy), y.at(b.Confidence)
		text := fmt.Sprintf("confidence %s: accuracy %s, %s of the pixels", percent(b.Confidence), percent(b.Accuracy), percent(b.Share))
		d.rect(from+0.5, at, to-from-1, y.from-at, text, "class", "chart-bar", "fill", palette[4])
		// Narrower, so that the end of the bar behind a gap below it is seen.
		d.rect(from+float64(0.3*(to-from)), min(at, sure), 0.4*(to-from), math.Abs(at-sure), text, "class", "chart-gap", "fill", palette[3])
	}
	d.line(x.from, y.from, x.to, y.to, "class", "chart-axis chart-diagonal", "stroke", "#6b7480", "stroke-width", "1.5", "stroke-dasharray", "5 4")
	d.axisLine(left, y.from, x.to, y.from)
	d.axisLine(left, y.from, left, y.to)
	d.turned(top+side/2, "accuracy")

	base := y.from + 14 + below
	c.shares(d, x, base, below-16)
	d.turned(base-(below-16)/2, "pixels")
	for i := 0; i <= 5; i++ {
		at := x.at(float64(i) / 5)
		d.axisLine(at, base, at, base+4)
		d.soft(at, base+16, smallSize, atMiddle, fmt.Sprintf("%d%%", 20*i))
	}
	d.soft((x.from+x.to)/2, base+34, textSize, atMiddle, "confidence")
	return d.finish(w, base+46, title, c.describe()), nil
}

// shares draws the share of each bin, scaled to the largest, above base.
func (c ReliabilityChart) shares(d *document, x axis, base, height float64) {
	most := 0.0
	for _, b := range c.Bins {
		most = max(most, b.Share)
	}
	n := float64(len(c.Bins))
	for i, b := range c.Bins {
		from, to := x.at(float64(i)/n), x.at(float64(i+1)/n)
		h := float64(b.Share / most * height)
		d.rect(from+0.5, base-h, to-from-1, h, fmt.Sprintf("%s of the pixels", percent(b.Share)), "class", "chart-share", "fill", "#808893")
		label := fixed(b.Share*100, 0)
		if b.Share > 0 && b.Share < 0.005 {
			label = "<1"
		}
		if len(c.Bins) <= 20 {
			d.text((from+to)/2, base-h-4, smallSize, atMiddle, label)
		}
	}
	d.axisLine(x.from, base, x.to, base)
	d.soft(x.from-6, base-height+3.7, smallSize, atEnd, percent(most))
	d.soft(x.from-6, base+3.7, smallSize, atEnd, "0%")
}

// describe puts the bins into words.
func (c ReliabilityChart) describe() string {
	var b strings.Builder
	fmt.Fprintf(&b, "Reliability diagram of %d bins of confidence; expected calibration error %s.", len(c.Bins), percent(ECE(c.Bins)))
	for _, bin := range c.Bins {
		if bin.Share > 0 {
			fmt.Fprintf(&b, " Confidence %s: accuracy %s, %s of the pixels.", percent(bin.Confidence), percent(bin.Accuracy), percent(bin.Share))
		}
	}
	return b.String()
}
