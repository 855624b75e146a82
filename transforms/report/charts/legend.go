package charts

// entry is one name of a legend.
type entry struct {
	name, color string
	// line draws a stroke with these dashes ("none" for a solid one) instead of a
	// square.
	line string
}

// legend writes entries from left to right, in as many rows as they need, and
// returns the y below them.
func (d *document) legend(entries []entry, y, w float64) float64 {
	const mark, gap = 22.0, 18.0
	x := margin
	for _, e := range entries {
		name := fit(e.name, textSize, w-2*margin-mark)
		need := mark + textWidth(name, textSize)
		if x > margin && x+need > w-margin {
			x = margin
			y += 18
		}
		if e.line != "" {
			d.line(x, y+8, x+16, y+8, "stroke", e.color, "stroke-width", "2.5", "stroke-dasharray", e.line)
		} else {
			d.rect(x+2, y+2, 12, 12, "", "rx", "2", "fill", e.color)
		}
		d.text(x+mark, y+12, textSize, atStart, name)
		x += need + gap
	}
	return y + 24
}
