package runners

import (
	"bytes"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf8"

	"golang.org/x/sys/unix"
)

// openTerminal returns both ends of a pseudo-terminal of a number of columns.
func openTerminal(t *testing.T, columns uint16) (master, terminal *os.File) {
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil {
		t.Skipf("no pseudo-terminal: %v", err)
	}
	t.Cleanup(func() { master.Close() })
	if err := unix.IoctlSetPointerInt(int(master.Fd()), unix.TIOCSPTLCK, 0); err != nil {
		t.Skipf("no pseudo-terminal: %v", err)
	}
	number, err := unix.IoctlGetInt(int(master.Fd()), unix.TIOCGPTN)
	if err != nil {
		t.Skipf("no pseudo-terminal: %v", err)
	}
	terminal, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Skipf("no pseudo-terminal: %v", err)
	}
	if err := unix.IoctlSetWinsize(int(terminal.Fd()), unix.TIOCSWINSZ, &unix.Winsize{Row: 24, Col: columns}); err != nil {
		t.Skipf("no pseudo-terminal: %v", err)
	}
	return master, terminal
}

var escapes = regexp.MustCompile("\x1b\\[[0-9]*K")

// TestBarOnTerminal draws a bar with changing totals and a log line in between:
// no drawing is wider than the terminal, and whole lines stay whole. The clock is
// synctest's, by which every second update is drawn.
func TestBarOnTerminal(t *testing.T) {
	t.Setenv("TERM", "xterm")
	for _, columns := range []uint16{40, 80, 120} {
		master, terminal := openTerminal(t, columns)
		synctest.Test(t, func(t *testing.T) {
			d := NewDisplay(terminal, "work", false)
			if d.terminal == nil {
				t.Fatal("the terminal was not recognised")
			}
			bar := NewBar(d, "generate", "scenes", 0, 0)
			for i := range int64(12) {
				time.Sleep(redraw / 2)
				total := int64(0)
				if i >= 4 {
					total = i // all that is planned so far is done
				}
				if i >= 8 {
					total = 10 + i
				}
				bar.Set(i, total, "2 rejects", "1 of something with a long name")
				if i == 6 {
					d.Message("a log line")
				}
			}
			bar.Finish()
		})
		terminal.Close()
		var out bytes.Buffer
		_, _ = out.ReadFrom(master) // ends with an error once the terminal is closed
		var whole []string
		for _, line := range strings.Split(out.String(), "\n") {
			drawings := strings.Split(strings.TrimSuffix(line, "\r"), "\r")
			for i, drawing := range drawings {
				drawing = strings.TrimRight(escapes.ReplaceAllString(drawing, ""), " ")
				last := i == len(drawings)-1
				if n := utf8.RuneCountInString(drawing); n > int(columns) && !last {
					t.Errorf("%d columns: drawing of %d: %q", columns, n, drawing)
				}
				if last && drawing != "" {
					whole = append(whole, drawing)
				}
			}
		}
		if len(whole) != 2 || whole[0] != "work: a log line" || !strings.HasPrefix(whole[1], "work: generate: 11/21 scenes (52%) in ") {
			t.Errorf("%d columns: lines %q", columns, whole)
		}
		if columns == 120 && !strings.Contains(out.String(), "[=") {
			t.Errorf("no bar in %q", out.String())
		}
		// Before and after the total grew, and what came too soon after a drawing.
		for text, drawn := range map[string]bool{" 7/7 scenes": true, " 8/18 scenes": false, " 9/19 scenes": true} {
			if strings.Contains(out.String(), text) != drawn {
				t.Errorf("%d columns: %q is drawn: %v, want %v, in %q", columns, text, !drawn, drawn, out.String())
			}
		}
	}
}
