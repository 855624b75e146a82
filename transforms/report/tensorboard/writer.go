package tensorboard

import (
	"fmt"
	"io"
	"time"
)

// FileVersion is the version of the format, which the first event states.
const FileVersion = "brain.Event:2"

// Writer writes one event file. Each event reaches the underlying writer in one
// call to Write, so a crash damages at most the last record. A Writer must not be
// used by two goroutines at the same time.
type Writer struct {
	w   io.Writer
	now func() time.Time
	buf []byte
}

// NewWriter begins an event file with its version event. The wall times of the
// events are those that now returns, time.Now in a program.
func NewWriter(w io.Writer, now func() time.Time) (*Writer, error) {
	e := &Writer{w: w, now: now}
	if err := e.write(Event{FileVersion: FileVersion}); err != nil {
		return nil, err
	}
	return e, nil
}

// Add writes the values of a step as one event; without values it writes
// nothing. An error in a value leaves the file as it was.
func (w *Writer) Add(step int64, values ...Value) error {
	if len(values) == 0 {
		return nil
	}
	return w.write(Event{Step: step, Values: values})
}

// Restart says that the run resumes from a checkpoint and that step is the first
// one that follows: events of that and later steps in older files of the run are
// out of date. A resumed run writes it before its first value.
func (w *Writer) Restart(step int64) error { return w.write(Event{Step: step, Restart: true}) }

func (w *Writer) write(e Event) error {
	e.Seconds = float64(w.now().UnixMicro()) / 1e6
	message, err := e.Encode()
	if err != nil {
		return err
	}
	w.buf = AppendRecord(w.buf[:0], message)
	if _, err := w.w.Write(w.buf); err != nil {
		return fmt.Errorf("tensorboard: write event of step %d: %w", e.Step, err)
	}
	return nil
}
