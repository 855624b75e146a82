package charts

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
)

// Curve is one line: points in the order in which they are joined.
type Curve struct {
	Name string
	// X and Y are of equal length. A NaN in Y, or a 0 on a logarithmic axis,
	// interrupts the line; X has none.
	X, Y []float64
}

// LineChart describes curves over a common axis. All points are drawn: thin out
// curves of many thousands of them first.
type LineChart struct {
	Title string
	// XAxis and YAxis stand at the axes and may be empty.
	XAxis, YAxis string
	// Unit follows YAxis and the last value of each curve, such as "%".
	Unit string
	// Curves holds 1 to 7 lines. One without values keeps its colour from the others, so that
	// charts of the same curves agree, and is not in the legend.
	Curves []Curve
	// Log draws the logarithm of Y. A negative value is then an error.
	Log bool
}

// drawable says whether y has a place on the axis.
func (c LineChart) drawable(y float64) bool { return !math.IsNaN(y) && !(c.Log && y < tiny) }

func (c LineChart) check() error {
	if err := checkTitle(c.Title); err != nil {
		return err
	}
	if len(c.Curves) == 0 || len(c.Curves) > len(palette) {
		return fmt.Errorf("%d curves, want 1 to %d", len(c.Curves), len(palette))
	}
	points := 0
	for _, s := range c.Curves {
		if s.Name == "" && len(c.Curves) > 1 {
			return errors.New("a curve without a name among several")
		}
		if len(s.X) != len(s.Y) {
			return fmt.Errorf("curve %q: %d x and %d y", s.Name, len(s.X), len(s.Y))
		}
		for i := range s.X {
			if math.IsNaN(s.X[i]) {
				return fmt.Errorf("curve %q: x of point %d: NaN", s.Name, i)
			}
			if err := errors.Join(checkNumber(s.X[i]), checkNumber(s.Y[i])); err != nil {
				return fmt.Errorf("curve %q: point %d: %w", s.Name, i, err)
			}
			if c.Log && s.Y[i] < 0 {
				return fmt.Errorf("curve %q: point %d: %v on a logarithmic axis", s.Name, i, s.Y[i])
			}
			if c.drawable(s.Y[i]) {
				points++
			}
		}
	}
	if points == 0 {
		return errors.New("no data: no point has a value")
	}
	return nil
}

// scales returns the axes of the points that have a value.
func (c LineChart) scales() (x, y axis) {
	left, right := math.Inf(1), math.Inf(-1)
	low, high := left, right
	for _, s := range c.Curves {
		for i, v := range s.Y {
			if c.drawable(v) {
				left, right = min(left, s.X[i]), max(right, s.X[i])
				low, high = min(low, v), max(high, v)
			}
		}
	}
	x = linearAxis(left, right, 7, true)
	if c.Log {
		return x, logAxis(low, high)
	}
	if low > 0 && low <= high/2 {
		low = 0 // an axis that begins just above 0 misleads
	}
	return x, linearAxis(low, high, 8, false)
}

// number is a value with three significant digits.
func (c LineChart) number(v float64) string { return withUnit(significant(v, 3), c.Unit) }

// Lines draws curves, with the last value of each at its right end. An axis of Y
// that begins at a small value is widened to 0.
func Lines(c LineChart) ([]byte, error) {
	if err := c.check(); err != nil {
		return nil, fmt.Errorf("charts: draw lines: %w", err)
	}
	d := &document{}
	top := d.header(c.Title, "", width)
	var entries []entry
	for i, s := range c.Curves {
		if s.Name != "" && c.last(s) >= 0 {
			entries = append(entries, entry{s.Name, palette[i], "none"})
		}
	}
	if len(entries) > 0 {
		top = d.legend(entries, top, width)
	}
	top += 8
	bottom := top + 280

	x, y := c.scales()
	var ticks, ends []string
	for _, t := range y.ticks {
		ticks = append(ticks, t.label)
	}
	for _, s := range c.Curves {
		if i := c.last(s); i >= 0 {
			ends = append(ends, c.number(s.Y[i]))
		}
	}
	x.from = margin + widest(ticks, smallSize) + 10
	if c.YAxis != "" {
		x.from += 20
	}
	x.to = width - margin - widest(ends, smallSize) - 18
	y.from, y.to = bottom, top

	for _, t := range y.ticks {
		d.grid(x.from, y.at(t.value), x.to, y.at(t.value))
		d.soft(x.from-6, y.at(t.value)+3.7, smallSize, atEnd, t.label)
	}
	for _, t := range x.ticks {
		d.axisLine(x.at(t.value), bottom, x.at(t.value), bottom+4)
		d.soft(x.at(t.value), bottom+16, smallSize, atMiddle, t.label)
	}
	d.axisLine(x.from, bottom, x.to, bottom)
	for i, s := range c.Curves {
		c.curve(d, s, x, y, palette[i])
	}
	c.ends(d, x, y)

	h := bottom + 24
	if c.XAxis != "" {
		d.soft((x.from+x.to)/2, h+12, textSize, atMiddle, fit(c.XAxis, textSize, x.to-x.from))
		h += 18
	}
	if c.YAxis != "" {
		d.turned((top+bottom)/2, fit(caption(c.YAxis, c.Unit, c.Log), textSize, bottom-top+20))
	}
	return d.finish(width, h+8, c.Title, c.describe()), nil
}

// describe puts the ends of the curves into words.
func (c LineChart) describe() string {
	var b strings.Builder
	fmt.Fprintf(&b, "Curves of %s over %s.", cmp.Or(c.YAxis, "y"), cmp.Or(c.XAxis, "x"))
	for _, s := range c.Curves {
		last := c.last(s)
		if last < 0 {
			fmt.Fprintf(&b, " %s: no value.", s.Name)
			continue
		}
		first := slices.IndexFunc(s.Y, c.drawable)
		fmt.Fprintf(&b, " %s: from %s at %s to %s at %s.", cmp.Or(s.Name, "curve"),
			c.number(s.Y[first]), short(s.X[first]), c.number(s.Y[last]), short(s.X[last]))
	}
	return b.String()
}
