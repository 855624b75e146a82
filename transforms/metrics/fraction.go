package metrics

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
)

// Fraction is a score from 0 to 1, or NaN where it is not defined, which JSON
// has no number for: it is written as null.
type Fraction float64

// MarshalJSON writes the shortest number that reads back as the same score.
func (f Fraction) MarshalJSON() ([]byte, error) {
	if math.IsNaN(float64(f)) {
		return []byte("null"), nil
	}
	return json.Marshal(float64(f))
}

// UnmarshalJSON reads a number or null.
func (f *Fraction) UnmarshalJSON(data []byte) error {
	if bytes.Equal(data, []byte("null")) {
		*f = Fraction(math.NaN())
		return nil
	}
	return json.Unmarshal(data, (*float64)(f))
}

// String returns the score in percent with one decimal, "-" for NaN.
func (f Fraction) String() string {
	if math.IsNaN(float64(f)) {
		return "-"
	}
	return fmt.Sprintf("%.1f", 100*float64(f))
}

// Points returns a difference of scores in points of percent with sign and one decimal, "-"
// for NaN.
func (f Fraction) Points() string {
	if math.IsNaN(float64(f)) {
		return "-"
	}
	s := fmt.Sprintf("%+.1f", 100*float64(f))
	if s == "-0.0" {
		return "+0.0"
	}
	return s
}
