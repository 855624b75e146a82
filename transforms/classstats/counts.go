// Package classstats counts how often each class occurs: in pixels and in
// images, for every subset. Rare classes are what semi-supervised adaptation
// loses first, so the counts steer sampling and loss weights and are shown to
// people.
package classstats

import (
	"encoding/json"
	"fmt"
	"math"

	"semidavil"
)

// Counts are the class frequencies of a set of label maps. The zero value with
// K slices is the empty set; Merge is associative and commutative.
type Counts struct {
	// Images is the number of label maps.
	Images uint64 `json:"images"`
	// Pixels counts pixels by train id, Ignored those without a class.
	Pixels  []uint64 `json:"pixels"`
	Ignored uint64   `json:"ignored"`
	// ImagesWith counts the label maps that hold a class at all.
	ImagesWith []uint64 `json:"images_with"`
}

// NewCounts returns the counts of no image for k classes.
func NewCounts(k int) Counts {
	return Counts{Pixels: make([]uint64, k), ImagesWith: make([]uint64, k)}
}

// Histogram counts the train ids of one label map. It returns an error for a
// train id that is neither below k nor Ignore.
func Histogram(m *semidavil.LabelMap, k int) (pixels []uint64, ignored uint64, err error) {
	var lanes [4][256]uint32 // several tables, since runs of one id would wait for each other
	pix := m.Pix
	for len(pix) >= 4 {
		lanes[0][pix[0]]++
		lanes[1][pix[1]]++
		lanes[2][pix[2]]++
		lanes[3][pix[3]]++
		pix = pix[4:]
	}
	for _, p := range pix {
		lanes[0][p]++
	}
	pixels = make([]uint64, k)
	for id := range 256 {
		n := uint64(lanes[0][id]) + uint64(lanes[1][id]) + uint64(lanes[2][id]) + uint64(lanes[3][id])
		switch {
		case id < k:
			pixels[id] = n
		case id == semidavil.Ignore:
			ignored = n
		case n > 0:
			return nil, 0, fmt.Errorf("classstats: count pixels: train id %d of %d classes", id, k)
		}
	}
	return pixels, ignored, nil
}

// Add counts one label map by its histogram.
func (c *Counts) Add(pixels []uint64, ignored uint64) error {
	if len(pixels) != len(c.Pixels) {
		return fmt.Errorf("classstats: add: %d classes to %d", len(pixels), len(c.Pixels))
	}
	c.Images++
	c.Ignored += ignored
	for i, n := range pixels {
		c.Pixels[i] += n
		if n > 0 {
			c.ImagesWith[i]++
		}
	}
	return nil
}

// Merge adds the counts of another set.
func (c *Counts) Merge(d Counts) error {
	if len(d.Pixels) != len(c.Pixels) || len(d.ImagesWith) != len(c.ImagesWith) {
		return fmt.Errorf("classstats: merge: %d classes with %d", len(d.Pixels), len(c.Pixels))
	}
	c.Images += d.Images
	c.Ignored += d.Ignored
	for i := range c.Pixels {
		c.Pixels[i] += d.Pixels[i]
		c.ImagesWith[i] += d.ImagesWith[i]
	}
	return nil
}

// Labelled returns the number of pixels that have a class.
func (c Counts) Labelled() (n uint64) {
	for _, p := range c.Pixels {
		n += p
	}
	return n
}

// Shares returns each class's share of all pixels, ignored ones among them, 0 to
// 1; zeros for no pixels.
func (c Counts) Shares() []float64 { return c.shares(c.Labelled() + c.Ignored) }

// Frequencies returns each class's share of the pixels that have a class, 0 to
// 1; zeros for no pixels.
func (c Counts) Frequencies() []float64 { return c.shares(c.Labelled()) }

func (c Counts) shares(total uint64) []float64 {
	out := make([]float64, len(c.Pixels))
	for i, n := range c.Pixels {
		if total > 0 {
			out[i] = float64(n) / float64(total)
		}
	}
	return out
}

// SamplingProbabilities returns the rare-class sampling of DAFormer: class c is
// drawn with P(c) = exp((1-f_c)/T) / Σ exp((1-f)/T). T > 0; 0.01 is its usual
// value. Classes of frequency 0 cannot be drawn and get 0.
func SamplingProbabilities(frequencies []float64, temperature float64) []float64 {
	out := make([]float64, len(frequencies))
	least := math.Inf(1) // the largest exponent belongs to the least frequency
	for _, f := range frequencies {
		if f > 0 {
			least = min(least, f)
		}
	}
	var sum float64
	for i, f := range frequencies {
		if f > 0 {
			out[i] = math.Exp((least - f) / temperature)
			sum += out[i]
		}
	}
	for i := range out {
		if sum > 0 {
			out[i] /= sum
		}
	}
	return out
}

// InverseFrequency returns the class weights of the weighted cross-entropy:
// w_c = 1/π_c, scaled to mean 1 over the classes that occur; absent classes,
// which no pixel can ask for, get 0.
func InverseFrequency(frequencies []float64) []float64 {
	out := make([]float64, len(frequencies))
	var sum, n float64
	for i, f := range frequencies {
		if f > 0 {
			out[i] = 1 / f
			sum += out[i]
			n++
		}
	}
	for i := range out {
		if n > 0 {
			out[i] *= n / sum
		}
	}
	return out
}

// Table holds the counts of the subsets of one output; it is class_stats.json.
type Table struct {
	ClassSet string                      `json:"class_set"`
	Classes  []string                    `json:"classes"`
	Subsets  map[semidavil.Subset]Counts `json:"subsets"`
}

// NewTable returns a table without counts.
func NewTable(set semidavil.ClassSet) Table {
	return Table{ClassSet: set.Name, Classes: set.Names(), Subsets: map[semidavil.Subset]Counts{}}
}

// Add counts one label map of a subset by its histogram.
func (t Table) Add(subset semidavil.Subset, pixels []uint64, ignored uint64) error {
	c, ok := t.Subsets[subset]
	if !ok {
		c = NewCounts(len(t.Classes))
	}
	if err := c.Add(pixels, ignored); err != nil {
		return err
	}
	t.Subsets[subset] = c
	return nil
}

// Encode writes the table as JSON, the same bytes for the same counts.
func (t Table) Encode() ([]byte, error) {
	data, err := json.MarshalIndent(t, "", " ")
	if err != nil {
		return nil, fmt.Errorf("classstats: encode: %w", err)
	}
	return append(data, '\n'), nil
}

// Decode reads a table.
func Decode(data []byte) (Table, error) {
	var t Table
	if err := json.Unmarshal(data, &t); err != nil {
		return Table{}, fmt.Errorf("classstats: decode: %w", err)
	}
	for subset, c := range t.Subsets {
		if len(c.Pixels) != len(t.Classes) || len(c.ImagesWith) != len(t.Classes) {
			return Table{}, fmt.Errorf("classstats: decode: subset %s: %d classes of %d", subset, len(c.Pixels), len(t.Classes))
		}
	}
	return t, nil
}

// present returns the subsets that have labels, in the order of reports.
func (t Table) present() []semidavil.Subset {
	var out []semidavil.Subset
	for _, s := range semidavil.Subsets {
		if t.Subsets[s].Images > 0 {
			out = append(out, s)
		}
	}
	return out
}
