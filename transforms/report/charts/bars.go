package charts

import (
	"errors"
	"fmt"
	"math"
	"strings"
)

// Series is one colour of a bar chart.
type Series struct {
	Name string
	// Values has one number a category; NaN where there is none.
	Values []float64
	// Low and High are the ends of a whisker at each bar, such as the least and the most of
	// the numbers whose mean the bar is; NaN where there is none. Both are empty, or neither.
	Low, High []float64
}

// BarChart describes grouped horizontal bars.
type BarChart struct {
	Title string
	// Note stands below the title, Axis at the axis; both may be empty.
	Note, Axis string
	// Unit follows the numbers, such as "%".
	Unit string
	// Categories name the groups, from top to bottom.
	Categories []string
	// Colors has one colour a category, drawn as a swatch beside its name, or none.
	Colors [][3]uint8
	// Series holds one bar a category each, at most seven of them.
	Series []Series
	// First is the index of the first series' colour, see Color: charts of other things on a page
	// that compares trainings leave those of the trainings out.
	First int
	// Decimals counts the digits behind the point of the numbers, 0 to 6. On a
	// logarithmic axis they have Decimals+1 significant digits, at least two.
	Decimals int
	// Log draws the logarithm. Bars then start at a power of ten below the least
	// value, 0 has a number but no bar, and a negative value is an error.
	Log bool
}

// whisker reports whether bar i has one.
func (s Series) whisker(i int) bool {
	return i < len(s.Low) && !math.IsNaN(s.Low[i]) && !math.IsNaN(s.High[i])
}

func (c BarChart) check() error {
	if err := checkTitle(c.Title); err != nil {
		return err
	}
	if len(c.Categories) == 0 || len(c.Series) == 0 {
		return fmt.Errorf("%d categories and %d series, want at least one of each", len(c.Categories), len(c.Series))
	}
	if len(c.Series) > len(palette) {
		return fmt.Errorf("%d series, want at most %d", len(c.Series), len(palette))
	}
	if len(c.Colors) != 0 && len(c.Colors) != len(c.Categories) {
		return fmt.Errorf("%d colours of %d categories", len(c.Colors), len(c.Categories))
	}
	if c.First < 0 || c.First >= len(palette) {
		return fmt.Errorf("first colour %d, want 0 to %d", c.First, len(palette)-1)
	}
	if c.Decimals < 0 || c.Decimals > 6 {
		return fmt.Errorf("%d decimals, want 0 to 6", c.Decimals)
	}
	values := 0
	for _, s := range c.Series {
		if len(s.Values) != len(c.Categories) {
			return fmt.Errorf("series %q: %d values of %d categories", s.Name, len(s.Values), len(c.Categories))
		}
		if len(s.Low) != len(s.High) || len(s.Low) > 0 && (len(s.Low) != len(c.Categories) || c.Log) {
			return fmt.Errorf("series %q: %d low and %d high ends of %d categories: want one each, on a linear axis", s.Name, len(s.Low), len(s.High), len(c.Categories))
		}
		for i := range s.Low {
			if s.whisker(i) && !(s.Low[i] <= s.Values[i] && s.Values[i] <= s.High[i]) {
				return fmt.Errorf("series %q: %q: %v is not within %v to %v", s.Name, c.Categories[i], s.Values[i], s.Low[i], s.High[i])
			}
			if err := errors.Join(checkNumber(s.Low[i]), checkNumber(s.High[i])); err != nil {
				return fmt.Errorf("series %q: ends of %q: %w", s.Name, c.Categories[i], err)
			}
		}
		if s.Name == "" && len(c.Series) > 1 {
			return errors.New("a series without a name among several")
		}
		for i, v := range s.Values {
			if err := checkNumber(v); err != nil {
				return fmt.Errorf("series %q: value of %q: %w", s.Name, c.Categories[i], err)
			}
			if c.Log && v < 0 {
				return fmt.Errorf("series %q: value of %q: %v on a logarithmic axis", s.Name, c.Categories[i], v)
			}
			if !math.IsNaN(v) {
				values++
			}
		}
	}
	if values == 0 {
		return errors.New("no data: every value is NaN")
	}
	return nil
}

// scale returns the axis of the values.
func (c BarChart) scale() axis {
	low, high := math.Inf(1), math.Inf(-1)
	for _, s := range c.Series {
		for i, v := range s.Values {
			if math.IsNaN(v) || c.Log && v < tiny {
				continue
			}
			low, high = min(low, v), max(high, v)
			if s.whisker(i) {
				low, high = min(low, s.Low[i]), max(high, s.High[i])
			}
		}
	}
	if c.Log {
		if low > high { // only zeros
			low, high = 1, 10
		}
		if low == power(exponent(low)) {
			low /= 2 // a bar that starts at its own value has no length
		}
		return logAxis(low, high)
	}
	low, high = min(low, 0), max(high, 0)
	if low == high {
		high = 1
	}
	return linearAxis(low, high, 6, false)
}

// color is that of a series.
func (c BarChart) color(i int) string { return palette[(c.First+i)%len(palette)] }

func (c BarChart) label(v float64) string {
	if c.Log && !math.IsNaN(v) {
		return withUnit(significant(v, max(c.Decimals+1, 2)), c.Unit)
	}
	return withUnit(fixed(v, c.Decimals), c.Unit)
}

// Bars draws grouped horizontal bars, each with its number. The bar of a value v
// runs from 0 (the axis' low end where it is logarithmic) to v.
func Bars(c BarChart) ([]byte, error) {
	if err := c.check(); err != nil {
		return nil, fmt.Errorf("charts: draw bars: %w", err)
	}
	thick, gap := 11.0, 9.0
	if len(c.Series) == 1 {
		thick, gap = 14, 6
	}
	group := float64(float64(len(c.Series))*thick) + gap

	d := &document{}
	y := d.header(c.Title, c.Note, width)
	if len(c.Series) > 1 {
		var entries []entry
		for i, s := range c.Series {
			entries = append(entries, entry{name: s.Name, color: c.color(i)})
		}
		y = d.legend(entries, y, width)
	}

	a := c.scale()
	swatch := 0.0
	if len(c.Colors) > 0 {
		swatch = 20
	}
	names := min(widest(c.Categories, textSize), width*0.36)
	var numbers float64
	for _, s := range c.Series {
		for _, v := range s.Values {
			numbers = max(numbers, textWidth(c.label(v), smallSize))
		}
	}
	a.from, a.to = margin+names+swatch+10, width-margin-numbers-6
	if a.low < 0 {
		a.from += numbers + 6
	}
	zero := a.from
	if !c.Log {
		zero = a.at(0)
	}

	top := y
	bottom := top + float64(float64(len(c.Categories))*group)
	for _, t := range a.ticks {
		d.grid(a.at(t.value), top, a.at(t.value), bottom)
		d.soft(a.at(t.value), bottom+14, smallSize, atMiddle, t.label)
	}
	for i, name := range c.Categories {
		start := top + float64(float64(i)*group) + gap/2
		middle := start + (group-gap)/2
		if swatch > 0 {
			d.rect(a.from0(numbers)-swatch, middle-6, 12, 12, "", "rx", "2", "fill", hex(c.Colors[i]), "class", "chart-axis", "stroke", "#6b7480", "stroke-width", "0.75")
		}
		d.text(a.from0(numbers)-swatch-8, middle+4, textSize, atEnd, fit(name, textSize, names))
		for k := range c.Series {
			c.bar(d, a, zero, start+float64(float64(k)*thick), thick-1, name, k, i)
		}
	}
	d.axisLine(zero, top, zero, bottom)
	y = bottom + 20
	if caption := caption(c.Axis, c.Unit, c.Log); caption != "" {
		d.soft((a.from+a.to)/2, y+12, textSize, atMiddle, fit(caption, textSize, width-2*margin))
		y += 18
	}
	return d.finish(width, y+8, c.Title, c.describe()), nil
}

// from0 is the right end of the names: left of the numbers of negative bars.
func (a axis) from0(numbers float64) float64 {
	if a.low < 0 {
		return a.from - numbers - 6
	}
	return a.from
}

func (c BarChart) bar(d *document, a axis, zero, y, h float64, category string, k, i int) {
	s, v := c.Series[k], c.Series[k].Values[i]
	number := c.label(v)
	end := zero
	if !math.IsNaN(v) && !(c.Log && v < tiny) {
		end = a.at(v)
		title := category + ": " + number
		if s.Name != "" {
			title = category + ", " + s.Name + ": " + number
		}
		d.rect(min(zero, end), y, math.Abs(end-zero), h, title+c.ends(s, i), "class", "chart-bar", "fill", c.color(k))
	}
	if s.whisker(i) {
		low, high, middle := a.at(s.Low[i]), a.at(s.High[i]), y+h/2
		d.line(low, middle, high, middle, "class", "chart-axis", "stroke", "#1d2228", "stroke-width", "1.5")
		for _, x := range []float64{low, high} {
			d.line(x, middle-3, x, middle+3, "class", "chart-axis", "stroke", "#1d2228", "stroke-width", "1.5")
		}
		if end = max(end, high); v < 0 {
			end = low
		}
	}
	if v < 0 {
		d.text(end-4, y+h/2+3.7, smallSize, atEnd, number)
		return
	}
	d.text(end+4, y+h/2+3.7, smallSize, atStart, number)
}

// ends puts a whisker into words, empty where there is none.
func (c BarChart) ends(s Series, i int) string {
	if !s.whisker(i) {
		return ""
	}
	return fmt.Sprintf(" (%s to %s)", fixed(s.Low[i], c.Decimals), fixed(s.High[i], c.Decimals))
}

// describe puts the numbers into words.
func (c BarChart) describe() string {
	var b strings.Builder
	fmt.Fprintf(&b, "Horizontal bars of %d categories.", len(c.Categories))
	for i, name := range c.Categories {
		fmt.Fprintf(&b, " %s:", name)
		for k, s := range c.Series {
			if k > 0 {
				b.WriteByte(',')
			}
			if s.Name != "" {
				b.WriteString(" " + s.Name)
			}
			b.WriteString(" " + c.label(s.Values[i]) + c.ends(s, i))
		}
		b.WriteByte(';')
	}
	return strings.TrimSuffix(b.String(), ";") + "."
}
