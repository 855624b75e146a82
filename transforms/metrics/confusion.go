package metrics

import (
	"encoding/json"
	"fmt"
	"sync"

	"semidavil"
)

// MaxClasses is the largest number of classes of a Confusion: train ids are
// bytes, and 255 means no class.
const MaxClasses = semidavil.Ignore

// Confusion counts pixels by true and predicted class. The zero value has no
// classes; NewConfusion makes an empty matrix. Copies share their slices, see
// Clone. Merge is associative and commutative, so that a Confusion serves as the
// accumulator of a distributed sum; all its fields are exported for that.
type Confusion struct {
	// Classes is K, the number of classes.
	Classes int `json:"classes"`
	// Images is the number of pairs of label maps added.
	Images uint64 `json:"images"`
	// Ignored counts the pixels whose true class is semidavil.Ignore. They count
	// in no score, whatever was predicted there.
	Ignored uint64 `json:"ignored"`
	// Matrix counts the other pixels that have a prediction, [K][K] row-major:
	// the count of true class g and predicted class p is Matrix[g*K+p].
	Matrix []uint64 `json:"matrix"`
	// Missed counts, by true class, the pixels whose prediction is
	// semidavil.Ignore: a class is there and none was predicted. They are false
	// negatives of the true class and false positives of none, as a prediction of
	// an ignored label is in the Cityscapes scripts.
	Missed []uint64 `json:"missed"`
}

// NewConfusion returns the empty matrix of k classes, 1 to MaxClasses. It panics
// for another k, which is a fault of the program.
func NewConfusion(k int) Confusion {
	if k < 1 || k > MaxClasses {
		panic(fmt.Sprintf("metrics: confusion of %d classes, want 1 to %d", k, MaxClasses))
	}
	return Confusion{Classes: k, Matrix: make([]uint64, k*k), Missed: make([]uint64, k)}
}

func (c Confusion) check() error {
	if c.Classes < 1 || c.Classes > MaxClasses {
		return fmt.Errorf("%d classes, want 1 to %d", c.Classes, MaxClasses)
	}
	if len(c.Matrix) != c.Classes*c.Classes || len(c.Missed) != c.Classes {
		return fmt.Errorf("matrix of %d and missed of %d counts for %d classes", len(c.Matrix), len(c.Missed), c.Classes)
	}
	return nil
}

// lanes is the number of tables that neighbouring pixels are counted in: runs of
// one pair in one table would wait for each other's store.
const lanes = 4

// tables holds the lanes of one call; side is K+2: the classes, ignored, invalid.
type tables struct {
	row, column [256]uint32
	counts      []uint32
}

var tablePool = sync.Pool{New: func() any { return new(tables) }}

func (t *tables) reset(k int) {
	side := uint32(k + 2)
	for id := range t.row {
		class := uint32(k + 1)
		switch {
		case id < k:
			class = uint32(id)
		case id == semidavil.Ignore:
			class = uint32(k)
		}
		t.row[id], t.column[id] = class*side, class
	}
	if n := lanes * int(side*side); cap(t.counts) < n {
		t.counts = make([]uint32, n)
	} else {
		t.counts = t.counts[:n]
		clear(t.counts)
	}
}

// Add counts one pair of label maps of equal length, train ids below K or
// semidavil.Ignore. An error (other lengths, another train id in either map, an
// ignored pixel included) leaves the matrix as it was.
func (c *Confusion) Add(label, prediction []uint8) error {
	if err := c.check(); err != nil {
		return fmt.Errorf("metrics: add: %w", err)
	}
	if len(label) != len(prediction) {
		return fmt.Errorf("metrics: add: label of %d pixels, prediction of %d", len(label), len(prediction))
	}
	if uint64(len(label)) > 1<<32-1 {
		return fmt.Errorf("metrics: add: %d pixels at once, at most 2^32-1", len(label))
	}
	t := tablePool.Get().(*tables)
	defer tablePool.Put(t)
	t.reset(c.Classes)
	t.count(label, prediction)

	k, side := c.Classes, c.Classes+2
	sum := t.counts[:side*side]
	for lane := 1; lane < lanes; lane++ {
		for i, n := range t.counts[lane*side*side:][:side*side] {
			sum[i] += n
		}
	}
	for i := range side { // the last row and column must be empty
		if sum[i*side+k+1] > 0 || sum[(k+1)*side+i] > 0 {
			return invalid(label, prediction, k)
		}
	}
	c.Images++
	for g := range k {
		for p := range k {
			c.Matrix[g*k+p] += uint64(sum[g*side+p])
		}
		c.Missed[g] += uint64(sum[g*side+k])
	}
	for p := range k + 1 {
		c.Ignored += uint64(sum[k*side+p])
	}
	return nil
}

func (t *tables) count(label, prediction []uint8) {
	n := len(t.counts) / lanes
	a, b, c, d := t.counts[:n:n], t.counts[n:2*n:2*n], t.counts[2*n:3*n:3*n], t.counts[3*n:4*n:4*n]
	for len(label) >= 4 && len(prediction) >= 4 {
		a[t.row[label[0]]+t.column[prediction[0]]]++
		b[t.row[label[1]]+t.column[prediction[1]]]++
		c[t.row[label[2]]+t.column[prediction[2]]]++
		d[t.row[label[3]]+t.column[prediction[3]]]++
		label, prediction = label[4:], prediction[4:]
	}
	for i, g := range label {
		a[t.row[g]+t.column[prediction[i]]]++
	}
}

// invalid names the first train id out of range.
func invalid(label, prediction []uint8, k int) error {
	for i := range label {
		for m, id := range [2]uint8{label[i], prediction[i]} {
			if int(id) >= k && id != semidavil.Ignore {
				return fmt.Errorf("metrics: add: %s of pixel %d has train id %d of %d classes", [2]string{"label", "prediction"}[m], i, id, k)
			}
		}
	}
	return fmt.Errorf("metrics: add: the label maps changed while they were counted")
}

// Merge adds the counts of another matrix of as many classes. A zero Confusion
// takes over the classes of d, so that it can start a sum whose classes are not
// known yet.
func (c *Confusion) Merge(d Confusion) error {
	if d.Classes == 0 && d.Matrix == nil && d.Missed == nil {
		return nil
	}
	if err := d.check(); err != nil {
		return fmt.Errorf("metrics: merge: %w", err)
	}
	if c.Classes == 0 && c.Matrix == nil && c.Missed == nil {
		*c = d.Clone()
		return nil
	}
	if err := c.check(); err != nil {
		return fmt.Errorf("metrics: merge into: %w", err)
	}
	if c.Classes != d.Classes {
		return fmt.Errorf("metrics: merge: %d classes with %d", d.Classes, c.Classes)
	}
	c.Images += d.Images
	c.Ignored += d.Ignored
	for i, n := range d.Matrix {
		c.Matrix[i] += n
	}
	for i, n := range d.Missed {
		c.Missed[i] += n
	}
	return nil
}

// Clone returns a copy that shares nothing.
func (c Confusion) Clone() Confusion {
	c.Matrix = append([]uint64(nil), c.Matrix...)
	c.Missed = append([]uint64(nil), c.Missed...)
	return c
}

// IgnoreTrue returns a copy in which the pixels of the given true classes are
// ignored: they leave the matrix, and with them the false positives that other
// classes had there. Classes out of range panic.
func (c Confusion) IgnoreTrue(classes ...int) Confusion {
	c = c.Clone()
	for _, g := range classes {
		c.Ignored += c.Pixels(g)
		clear(c.Matrix[g*c.Classes : (g+1)*c.Classes])
		c.Missed[g] = 0
	}
	return c
}

// UnmarshalJSON reads a matrix and refuses one whose lengths do not fit.
func (c *Confusion) UnmarshalJSON(data []byte) error {
	type plain Confusion
	var p plain
	if err := json.Unmarshal(data, &p); err != nil {
		return fmt.Errorf("metrics: decode confusion: %w", err)
	}
	// Only the value that the zero Confusion is written as may have no classes.
	if empty := p.Classes == 0 && len(p.Matrix) == 0 && len(p.Missed) == 0 && p.Images == 0 && p.Ignored == 0; empty {
		*c = Confusion{}
		return nil
	}
	if err := Confusion(p).check(); err != nil {
		return fmt.Errorf("metrics: decode confusion: %w", err)
	}
	*c = Confusion(p)
	return nil
}
