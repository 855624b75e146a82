package charts

import (
	"math"
	"strconv"
	"strings"
)

// The fonts of the reader are unknown: widths are estimates on the wide side, in
// units of the font size.
func runeWidth(r rune) float64 {
	switch {
	case strings.ContainsRune("iljI|.,:;'!`", r):
		return 0.34
	case strings.ContainsRune("ftr()[]/\\- \"", r):
		return 0.43
	case strings.ContainsRune("mwMW@%", r):
		return 0.94
	case r >= 'A' && r <= 'Z':
		return 0.72
	case r >= 0x1100:
		return 1.05
	}
	return 0.62
}

func textWidth(s string, size float64) float64 {
	var w float64
	for _, r := range s {
		w += runeWidth(r)
	}
	return float64(w * size)
}

// fit shortens s with an ellipsis so that it is at most limit wide.
func fit(s string, size, limit float64) string {
	if textWidth(s, size) <= limit {
		return s
	}
	runes := []rune(s)
	for len(runes) > 1 && textWidth(string(runes)+"…", size) > limit {
		runes = runes[:len(runes)-1]
	}
	return strings.TrimRight(string(runes), " ") + "…"
}

// wrap breaks s into lines between words; a word that is too long for a line is
// shortened.
func wrap(s string, size, limit float64) []string {
	var lines []string
	line := ""
	for _, word := range strings.Fields(s) {
		if line != "" && textWidth(line+" "+word, size) <= limit {
			line += " " + word
			continue
		}
		if line != "" {
			lines = append(lines, line)
		}
		line = fit(word, size, limit)
	}
	if line != "" {
		lines = append(lines, line)
	}
	return lines
}

// widest returns the width of the widest of names.
func widest(names []string, size float64) float64 {
	var w float64
	for _, n := range names {
		w = max(w, textWidth(n, size))
	}
	return w
}

// dash stands for a value that there is none of.
const dash = "–"

// withUnit appends the unit: "62.1%", "4 ms".
func withUnit(s, unit string) string {
	switch {
	case unit == "" || s == dash:
		return s
	case unit == "%":
		return s + "%"
	}
	return s + " " + unit
}

// caption is the text at an axis.
func caption(axis, unit string, log bool) string {
	s := axis
	if unit != "" && !strings.Contains(axis, unit) {
		s = strings.TrimPrefix(s+", "+unit, ", ")
	}
	if log {
		s = strings.TrimSpace(s + " (logarithmic)")
	}
	return s
}

// fixed writes v with decimals digits behind the point.
func fixed(v float64, decimals int) string {
	if math.IsNaN(v) {
		return dash
	}
	if math.Abs(v) >= 1e7 {
		return scientific(v, 3)
	}
	s := strconv.FormatFloat(v, 'f', decimals, 64)
	if strings.Trim(s, "-0.") == "" {
		s = strings.TrimPrefix(s, "-")
	}
	return s
}

// significant writes v with that many significant digits, without an exponent
// where the number has a common size.
func significant(v float64, digits int) string {
	if math.IsNaN(v) {
		return dash
	}
	if v == 0 {
		return "0"
	}
	// Rounding first may carry into the next decade: 9.96 is "10", not "10.0".
	r, _ := strconv.ParseFloat(strconv.FormatFloat(v, 'e', digits-1, 64), 64)
	e := exponent(math.Abs(r))
	if e < -5 || e >= 7 {
		return scientific(v, digits)
	}
	return strconv.FormatFloat(r, 'f', max(digits-1-e, 0), 64)
}

// short writes v with up to six significant digits.
func short(v float64) string {
	s := significant(v, 6)
	if strings.Contains(s, ".") && !strings.Contains(s, "e") {
		s = strings.TrimRight(strings.TrimRight(s, "0"), ".")
	}
	return s
}

// scientific writes "2.5e7", without the padding of strconv.
func scientific(v float64, digits int) string {
	mantissa, power, _ := strings.Cut(strconv.FormatFloat(v, 'e', digits-1, 64), "e")
	if strings.Contains(mantissa, ".") {
		mantissa = strings.TrimRight(strings.TrimRight(mantissa, "0"), ".")
	}
	n, _ := strconv.Atoi(power)
	return mantissa + "e" + strconv.Itoa(n)
}

// exponent returns the power of ten of v > 0, exactly: math.Log10(1000) is below 3.
func exponent(v float64) int {
	_, power, _ := strings.Cut(strconv.FormatFloat(v, 'e', -1, 64), "e")
	n, _ := strconv.Atoi(power)
	return n
}

// power returns 10^e, correctly rounded.
func power(e int) float64 {
	v, _ := strconv.ParseFloat("1e"+strconv.Itoa(e), 64)
	return v
}
