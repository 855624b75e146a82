package charts

import (
	"cmp"
	"slices"
	"strings"
)

// last returns the index of the last point that has a value, or -1.
func (c LineChart) last(s Curve) int {
	for i, v := range slices.Backward(s.Y) {
		if c.drawable(v) {
			return i
		}
	}
	return -1
}

// curve draws one path, and dots where the points are few or stand alone.
func (c LineChart) curve(d *document, s Curve, x, y axis, color string) {
	var path strings.Builder
	open := false
	for i, v := range s.Y {
		if !c.drawable(v) {
			open = false
			continue
		}
		step := "L"
		if !open {
			step = "M"
		}
		path.WriteString(step + num(x.at(s.X[i])) + " " + num(y.at(v)))
		open = true
	}
	if path.Len() == 0 {
		return
	}
	d.mark("path", s.Name, "class", "chart-line", "d", path.String(), "fill", "none", "stroke", color,
		"stroke-width", "2", "stroke-linejoin", "round", "stroke-linecap", "round", "stroke-dasharray", "none")
	for i, v := range s.Y {
		alone := (i == 0 || !c.drawable(s.Y[i-1])) && (i == len(s.Y)-1 || !c.drawable(s.Y[i+1]))
		if !c.drawable(v) || len(s.Y) > 30 && !alone {
			continue
		}
		title := strings.TrimPrefix(s.Name+": ", ": ") + short(s.X[i]) + ", " + c.number(v)
		d.mark("circle", title, "class", "chart-dot", "cx", num(x.at(s.X[i])), "cy", num(y.at(v)), "r", "3", "fill", color)
	}
}

// ends writes the last values beside the plot, moved apart where they are close.
func (c LineChart) ends(d *document, x, y axis) {
	const pitch = 13.0
	type end struct {
		curve int
		y     float64
	}
	var all []end
	for i, s := range c.Curves {
		if last := c.last(s); last >= 0 {
			all = append(all, end{i, y.at(s.Y[last])})
		}
	}
	slices.SortStableFunc(all, func(a, b end) int { return cmp.Compare(a.y, b.y) })
	for i := 1; i < len(all); i++ {
		all[i].y = max(all[i].y, all[i-1].y+pitch)
	}
	for i, limit := len(all)-1, y.from; i >= 0; i, limit = i-1, all[i].y-pitch {
		all[i].y = min(all[i].y, limit)
	}
	for _, e := range all {
		s := c.Curves[e.curve]
		d.rect(x.to+6, e.y-3.5, 7, 7, "", "rx", "1.5", "fill", palette[e.curve])
		d.text(x.to+17, e.y+3.7, smallSize, atStart, c.number(s.Y[c.last(s)]))
	}
}
