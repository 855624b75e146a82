package tensorboard

import "fmt"

// Kind is what a Value holds.
type Kind uint8

// The kinds of values. Other is what this package does not write: histograms
// and whatever else a file of another writer has.
const (
	Other Kind = iota
	ScalarKind
	ImageKind
	TextKind
)

// Value is one named thing to show at a step. Scalar, Image and Text make one.
type Value struct {
	// Tag names the series; '/' groups tags in the browser, "loss/source".
	Tag  string
	Kind Kind
	// Number is the value of a scalar. Event files hold float32.
	Number float32
	// PNG is an image file of Width x Height pixels.
	PNG           []byte
	Width, Height int
	// Text is Markdown.
	Text string
}

// Scalar returns a value to plot over the steps. NaN and infinities are allowed
// and are shown as such.
func Scalar(tag string, v float64) Value {
	return Value{Tag: tag, Kind: ScalarKind, Number: float32(v)}
}

// Image returns a picture from a PNG file of w x h pixels.
func Image(tag string, w, h int, png []byte) Value {
	return Value{Tag: tag, Kind: ImageKind, PNG: png, Width: w, Height: h}
}

// Text returns a text in Markdown.
func Text(tag, markdown string) Value { return Value{Tag: tag, Kind: TextKind, Text: markdown} }

// Event is one record of an event file.
type Event struct {
	// Seconds is the wall time, in seconds since 1970 in UTC.
	Seconds float64
	Step    int64
	// FileVersion is set in the first event of a file only, "brain.Event:2".
	FileVersion string
	// Restart says that the run began anew at Step: all events of that step and
	// later ones that stand before this one are out of date.
	Restart bool
	Values  []Value
}

// FileName returns the name of the event file of a process that starts at a
// Unix time, in seconds, on a host. A resumed run needs a later time than the
// run before, so that names sort by time. The suffix may be empty; it tells
// apart files of one second, such as ".val" for evaluation. Path separators of
// the host name are replaced.
func FileName(unix int64, host, suffix string) string {
	safe := []rune(host)
	for i, r := range safe {
		if r == '/' || r == '\\' || r < ' ' {
			safe[i] = '_'
		}
	}
	return fmt.Sprintf("events.out.tfevents.%010d.%s%s", unix, string(safe), suffix)
}
