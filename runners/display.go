package runners

import (
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"

	"golang.org/x/term"
)

// Display writes what a command shows its user while it runs: stage lines,
// progress and log lines, which take turns with the bar on a terminal. It is
// safe for concurrent use.
type Display struct {
	mu       sync.Mutex
	w        io.Writer
	terminal *os.File // nil where w is not a terminal
	name     string
	quiet    bool
	interval time.Duration   // between plain progress lines
	current  *Bar            // the bar on the last line of the terminal
	over     <-chan struct{} // closed when the command is interrupted; nil where it cannot be
}

// plainInterval is the time between two progress lines where there is no
// terminal to draw a bar on.
const plainInterval = 10 * time.Second

// NewDisplay returns a display on w, usually os.Stderr, for the named command.
// A quiet display writes neither stage lines nor progress.
func NewDisplay(w io.Writer, name string, quiet bool) *Display {
	d := &Display{w: w, name: name, quiet: quiet, interval: plainInterval}
	if f, ok := w.(*os.File); ok && term.IsTerminal(int(f.Fd())) && os.Getenv("TERM") != "dumb" {
		d.terminal = f
	}
	return d
}

// Stage writes one line about what happens now, after the name of the command;
// nothing on a quiet display.
func (d *Display) Stage(format string, args ...any) {
	if !d.quiet {
		d.Message(format, args...)
	}
}

// Message writes one line after the name of the command, on a quiet display
// too. Further lines of the text are indented.
func (d *Display) Message(format string, args ...any) {
	text := strings.ReplaceAll(strings.TrimRight(fmt.Sprintf(format, args...), "\n"), "\n", "\n  ")
	fmt.Fprintf(d, "%s: %s\n", d.name, text)
}

// Write writes whole lines, moving the bar out of the way. It makes a Display
// the target of a log handler.
func (d *Display) Write(p []byte) (int, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.current != nil {
		d.current.clear()
		defer d.current.render()
	}
	return d.w.Write(p)
}

// width returns the columns of the terminal, 80 where there is none.
func (d *Display) width() int { return columns(d.w) }

// columns returns the columns of the terminal behind w, 80 where there is none.
func columns(w io.Writer) int {
	if f, ok := w.(*os.File); ok {
		if width, _, err := term.GetSize(int(f.Fd())); err == nil && width > 0 {
			return width
		}
	}
	return 80
}
