// Package tensorboardtest reads event files, for the tests of what writes them.
package tensorboardtest

import (
	"errors"
	"fmt"
	"io"
	"slices"

	"semidavil/transforms/report/tensorboard"
)

// Reader reads one event file.
type Reader struct {
	r     io.Reader
	began bool
}

// NewReader returns a reader of an event file. The source is read in small
// pieces, so a file wants a buffer around it.
func NewReader(r io.Reader) *Reader { return &Reader{r: r} }

// Next returns the next event. After the last one the error is io.EOF itself. A
// record that is cut off gives an error that wraps io.ErrUnexpectedEOF: the
// writer crashed, or is still at it. A file whose first event has another version
// than tensorboard.FileVersion is an error.
func (r *Reader) Next() (tensorboard.Event, error) {
	data, err := ReadRecord(r.r)
	if err != nil {
		return tensorboard.Event{}, err
	}
	e, err := Decode(data)
	if err != nil {
		return tensorboard.Event{}, err
	}
	if !r.began && e.FileVersion != tensorboard.FileVersion {
		return tensorboard.Event{}, fmt.Errorf("tensorboard: read file: version %q, want %q", e.FileVersion, tensorboard.FileVersion)
	}
	r.began = true
	return e, nil
}

// Point is a scalar at a step.
type Point struct {
	Step    int64
	Seconds float64
	Value   float32
}

// Scalars returns the scalars of a run by tag, in the order of writing, from its
// files in the order of their names. As in TensorBoard, a restart drops the
// earlier points of its step and of later ones, and a file whose last record is
// cut off counts up to there. Other damage is an error.
func Scalars(files ...io.Reader) (map[string][]Point, error) {
	out := map[string][]Point{}
	for i, f := range files {
		r := NewReader(f)
		for {
			e, err := r.Next()
			if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
				break
			} else if err != nil {
				return nil, fmt.Errorf("tensorboard: scalars: file %d: %w", i, err)
			}
			if e.Restart {
				for tag, points := range out {
					out[tag] = slices.DeleteFunc(points, func(p Point) bool { return p.Step >= e.Step })
				}
			}
			for _, v := range e.Values {
				if v.Kind == tensorboard.ScalarKind {
					out[v.Tag] = append(out[v.Tag], Point{Step: e.Step, Seconds: e.Seconds, Value: v.Number})
				}
			}
		}
	}
	return out, nil
}
