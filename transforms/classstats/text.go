package classstats

import (
	"fmt"
	"strings"
)

// Text returns the table for a terminal, at most 100 columns wide: the share of
// all pixels in percent, and the images that hold the class.
func (t Table) Text() string {
	subsets := t.present()
	if len(subsets) == 0 {
		return "no labelled images\n"
	}
	width := len("ignored")
	for _, name := range t.Classes {
		width = max(width, len(name))
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%-*s", width, "class")
	for _, s := range subsets {
		fmt.Fprintf(&b, "  %10s %%  %7s", s, "images")
	}
	b.WriteByte('\n')
	shares := make([][]float64, len(subsets))
	for i, s := range subsets {
		shares[i] = t.Subsets[s].Shares()
	}
	for c, name := range t.Classes {
		fmt.Fprintf(&b, "%-*s", width, name)
		for i, s := range subsets {
			fmt.Fprintf(&b, "  %12.2f  %7d", 100*shares[i][c], t.Subsets[s].ImagesWith[c])
		}
		b.WriteByte('\n')
	}
	fmt.Fprintf(&b, "%-*s", width, "ignored")
	for _, s := range subsets {
		c := t.Subsets[s]
		fmt.Fprintf(&b, "  %12.2f  %7d", 100*float64(c.Ignored)/float64(max(1, c.Labelled()+c.Ignored)), c.Images)
	}
	b.WriteByte('\n')
	return b.String()
}
