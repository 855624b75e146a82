package metrics

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// Column is one result in a table: a rule, or a model in a comparison.
type Column struct {
	Title  string
	Scores Scores
}

// Columns returns the scores of a report, a column a rule.
func (r Report) Columns() []Column {
	var out []Column
	for _, s := range r.Scores {
		out = append(out, Column{Title: s.Rule, Scores: s})
	}
	return out
}

// Text returns a table for a terminal: one row per class with its IoU in percent,
// "-" where the class is not counted or has no value, then the means, then what the rules are
// where there are several.
func Text(columns []Column) (string, error) {
	cells, err := grid(columns)
	if err != nil {
		return "", err
	}
	widths := make([]int, len(columns)+1)
	for _, row := range cells {
		for i, s := range row {
			widths[i] = max(widths[i], utf8.RuneCountInString(s))
		}
	}
	var b strings.Builder
	for _, row := range cells {
		fmt.Fprintf(&b, "%-*s", widths[0], row[0])
		for i, s := range row[1:] {
			fmt.Fprintf(&b, "  %*s", widths[i+1], s)
		}
		b.WriteByte('\n')
	}
	return b.String() + legend(columns, ""), nil
}

// Markdown returns the table of Text in Markdown.
func Markdown(columns []Column) (string, error) {
	cells, err := grid(columns)
	if err != nil {
		return "", err
	}
	var b strings.Builder
	for n, row := range cells {
		for _, s := range row {
			b.WriteString("| " + strings.ReplaceAll(s, "|", `\|`) + " ")
		}
		b.WriteString("|\n")
		if n == 0 {
			b.WriteString("|---|" + strings.Repeat("---:|", len(columns)) + "\n")
		}
	}
	return b.String() + legend(columns, "- "), nil
}

// grid returns the cells of a table, the titles first.
func grid(columns []Column) ([][]string, error) {
	if len(columns) == 0 {
		return nil, fmt.Errorf("metrics: table: no columns")
	}
	first := columns[0].Scores.Classes
	cells := [][]string{{"IoU, %"}}
	for i, class := range first {
		row := []string{class.Class}
		for _, c := range columns {
			if len(c.Scores.Classes) != len(first) || c.Scores.Classes[i].Class != class.Class {
				return nil, fmt.Errorf("metrics: table: column %q has other classes than %q", c.Title, columns[0].Title)
			}
			if s := c.Scores.Classes[i]; s.Counted {
				row = append(row, s.IoU.String())
			} else {
				row = append(row, "-")
			}
		}
		cells = append(cells, row)
	}
	for _, c := range columns {
		cells[0] = append(cells[0], c.Title)
	}
	for _, line := range []struct {
		name  string
		value func(Scores) string
	}{
		{"mean IoU", func(s Scores) string { return s.MeanIoU.String() }},
		{"mean accuracy", func(s Scores) string { return s.MeanAccuracy.String() }},
		{"pixel accuracy", func(s Scores) string { return s.PixelAccuracy.String() }},
		{"freq. weighted IoU", func(s Scores) string { return s.FrequencyWeightedIoU.String() }},
		{"images", func(s Scores) string { return fmt.Sprint(s.Images) }},
	} {
		row := []string{line.name}
		for _, c := range columns {
			row = append(row, line.value(c.Scores))
		}
		cells = append(cells, row)
	}
	return cells, nil
}
