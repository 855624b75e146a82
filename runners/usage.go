package runners

import (
	"flag"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// usage writes the help of a command: the synopsis, each group of flags in two
// columns, and the examples. Lines are 80 to 100 columns wide, after the
// terminal behind w. A name that is not in fs is left out.
func usage(w io.Writer, fs *flag.FlagSet, command, synopsis string, groups []Group, examples []Example) {
	width := max(80, min(columns(w), 100))
	for _, line := range wrap(synopsis, width) {
		fmt.Fprintln(w, line)
	}
	fmt.Fprintf(w, "\nUsage: %s [flags]\n", command)
	for _, group := range groups {
		fmt.Fprintf(w, "\n%s:\n", group.Title)
		for _, name := range group.Names {
			if f := fs.Lookup(name); f != nil {
				writeFlag(w, f, width)
			}
		}
	}
	if len(examples) > 0 {
		fmt.Fprint(w, "\nExamples:\n")
	}
	for _, example := range examples {
		for _, line := range wrap(example.Text, width-2) {
			fmt.Fprintf(w, "  %s\n", line)
		}
		fmt.Fprintf(w, "    %s\n", strings.ReplaceAll(example.Command, "\n", "\n    "))
	}
}

// textColumn is where the second column, the text, begins.
const textColumn = 28

// writeFlag writes one flag: name and kind of value on the left, text and
// default on the right.
func writeFlag(w io.Writer, f *flag.Flag, width int) {
	kind, text := flag.UnquoteUsage(f)
	left := "  " + dashed(f.Name)
	if f.Name == "q" {
		left = "  -q, --quiet"
	}
	if kind != "" {
		left += " " + strings.ToUpper(kind)
	}
	text = strings.TrimSpace(text)
	if def := shownDefault(f); def != "" {
		text += " (default " + def + ")"
	}
	lines := wrap(text, width-textColumn)
	if utf8.RuneCountInString(left) > textColumn-2 {
		fmt.Fprintln(w, left)
		left = ""
	}
	for _, line := range lines {
		fmt.Fprintf(w, "%-*s%s\n", textColumn, left, line)
		left = ""
	}
	if len(lines) == 0 && left != "" {
		fmt.Fprintln(w, left)
	}
}

// shownDefault returns the default to show: none for zero values, and none
// where Beam uses -1 for "not set".
func shownDefault(f *flag.Flag) string {
	switch f.DefValue {
	case "", "false", "0", "0s", "[]", "-1", "-1ns":
		return ""
	}
	return f.DefValue
}

// wrap splits text into lines of at most width columns at spaces. Line breaks
// in the text stay. A word longer than the width keeps a line of its own.
func wrap(text string, width int) []string {
	var lines []string
	if text == "" {
		return nil
	}
	for _, paragraph := range strings.Split(text, "\n") {
		line := ""
		for _, word := range strings.Fields(paragraph) {
			switch {
			case line == "":
				line = word
			case utf8.RuneCountInString(line)+1+utf8.RuneCountInString(word) <= width:
				line += " " + word
			default:
				lines = append(lines, line)
				line = word
			}
		}
		lines = append(lines, line)
	}
	return lines
}
