package charts

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// maxClasses is the most rows that a confusion matrix can have: 34 are the label
// ids of Cityscapes.
const maxClasses = 34

// MatrixChart describes the heat map of a confusion matrix.
type MatrixChart struct {
	Title string
	// Names are the K classes, 1 to 34 of them.
	Names []string
	// Values is K rows of K shares, 0 to 1, each of its row. A row of NaN is a class
	// that does not occur.
	Values [][]float64
}

func (c MatrixChart) check() error {
	if err := checkTitle(c.Title); err != nil {
		return err
	}
	k := len(c.Names)
	if k == 0 || k > maxClasses {
		return fmt.Errorf("%d classes, want 1 to %d", k, maxClasses)
	}
	if len(c.Values) != k {
		return fmt.Errorf("%d rows of %d classes", len(c.Values), k)
	}
	values := 0
	for i, row := range c.Values {
		if len(row) != k {
			return fmt.Errorf("row %q: %d values of %d classes", c.Names[i], len(row), k)
		}
		for j, v := range row {
			if v < 0 || v > 1+1e-9 {
				return fmt.Errorf("row %q, column %q: share %v, want 0 to 1", c.Names[i], c.Names[j], v)
			}
			if !math.IsNaN(v) {
				values++
			}
		}
	}
	if values == 0 {
		return errors.New("no data: every share is NaN")
	}
	return nil
}

// Matrix draws one square cell a pair of classes, coloured by its share, and
// writes the share in percent into it where there are at most 20 classes; shares
// below 0.5% have no number.
func Matrix(c MatrixChart) ([]byte, error) {
	if err := c.check(); err != nil {
		return nil, fmt.Errorf("charts: draw matrix: %w", err)
	}
	k := len(c.Names)
	cell := math.Floor(min(max(600/float64(k), 17), 44))
	size := textSize
	if cell < 20 {
		size = smallSize
	}
	const most = 150.0
	name := min(widest(c.Names, size), most)
	// The names of the columns lean at 45 degrees: they need as much height as
	// width, the last one beyond the cells.
	lean := float64(name*0.7072) + 10
	left := margin + 20 + name + 8
	side := float64(cell * float64(k))
	w := max(left+side+max(lean-cell/2, 0)+margin, 420)

	d := &document{}
	y := d.header(c.Title, "", w)
	d.soft(left+side/2, y+12, textSize, atMiddle, "prediction")
	top := y + 20 + lean
	d.turned(top+side/2, "truth")
	for i, n := range c.Names {
		short := fit(n, size, most)
		middle := float64((float64(i) + 0.5) * cell)
		d.text(left-6, top+middle+4, size, atEnd, short)
		x := left + middle + 3
		d.text(x, top-6, size, atStart, short, "transform", "rotate(-45 "+num(x)+" "+num(top-6)+")")
	}
	for i, row := range c.Values {
		for j, v := range row {
			c.cell(d, left+float64(float64(j)*cell), top+float64(float64(i)*cell), cell, i, j, v)
		}
	}
	d.rect(left, top, side, side, "", "fill", "none", "class", "chart-axis", "stroke", "#6b7480")
	y = c.key(d, left, top+side+14, max(min(side, 420), 200))
	return d.finish(w, y+12, c.Title, c.describe()), nil
}

func (c MatrixChart) cell(d *document, x, y, cell float64, i, j int, v float64) {
	title := c.Names[i] + " → " + c.Names[j] + ": " + withUnit(fixed(v*100, 1), "%")
	if math.IsNaN(v) {
		d.rect(x, y, cell, cell, title, "class", "chart-none", "fill", "#e4e7eb")
		d.soft(x+cell/2, y+cell/2+3.5, smallSize, atMiddle, dash)
		return
	}
	fill, ink := heat(min(v, 1))
	d.rect(x, y, cell, cell, title, "class", "chart-cell", "fill", fill)
	if len(c.Names) <= 20 && v >= 0.005 {
		// No class: the colour of the cell is the same on light and dark pages.
		d.tag("text", []string{"x", num(x + cell/2), "y", num(y + cell/2 + 3.7), "font-size", num(smallSize), "text-anchor", atMiddle, "fill", ink}, ">")
		d.body.WriteString(fixed(v*100, 0) + "</text>\n")
	}
}

// key draws the colours from 0 to 100% and returns the y below it.
func (c MatrixChart) key(d *document, x, y, w float64) float64 {
	const steps = 50
	for i := range steps {
		fill, _ := heat((float64(i) + 0.5) / steps)
		// Half a unit of overlap hides the seams between neighbours.
		d.rect(x+float64(w*float64(i)/steps), y, w/steps+0.5, 10, "", "class", "chart-key", "fill", fill)
	}
	for _, percent := range []int{0, 25, 50, 75, 100} {
		at := x + float64(w*float64(percent)/100)
		d.axisLine(at, y+10, at, y+14)
		d.soft(at, y+26, smallSize, atMiddle, strconv.Itoa(percent)+"%")
	}
	note := "share of the row"
	if len(c.Names) <= 20 {
		note += "; numbers are percent, below 0.5% none"
	}
	d.soft(x, y+44, smallSize, atStart, note)
	return y + 46
}

// describe puts the diagonal and the largest confusion of each row into words.
func (c MatrixChart) describe() string {
	var b strings.Builder
	fmt.Fprintf(&b, "Confusion matrix of %d classes, truth by row, prediction by column.", len(c.Names))
	for i, row := range c.Values {
		if math.IsNaN(row[i]) {
			fmt.Fprintf(&b, " %s: no value.", c.Names[i])
			continue
		}
		fmt.Fprintf(&b, " %s: %s right", c.Names[i], withUnit(fixed(row[i]*100, 1), "%"))
		worst := -1
		for j, v := range row {
			if j != i && v >= 0.005 && (worst < 0 || v > row[worst]) {
				worst = j
			}
		}
		if worst >= 0 {
			fmt.Fprintf(&b, ", %s taken for %s", withUnit(fixed(row[worst]*100, 1), "%"), c.Names[worst])
		}
		b.WriteByte('.')
	}
	return b.String()
}
