package runners

import (
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/schollz/progressbar/v3"
)

// Bar shows how far one phase of a command is: a progress bar on a terminal,
// otherwise a line at the start where the total is known, one every ten seconds
// and one at the end. It is safe for concurrent use. A phase ends with Finish or Abort.
type Bar struct {
	display *Display
	label   string
	unit    string
	live    bool // false: only the end is shown

	before, done, total int64 // before: what was done when the phase began
	notes               []string
	start               time.Time
	drawn               time.Time
	history             []point
	ended               bool

	bar     *progressbar.ProgressBar // nil without a terminal
	counted bool                     // whether bar was made for a known total
}

// point is an observation of progress, kept to compute the present rate.
type point struct {
	at   time.Time
	done int64
}

const (
	// redraw is the shortest time between two drawings on a terminal.
	redraw = 100 * time.Millisecond
	// rateWindow is the time over which the rate is measured.
	rateWindow = 15 * time.Second
	// barScale is the length of the bar in the library's counts: progress is
	// given as a share of it, so that a total may still change.
	barScale = 1000
)

// NewBar starts a phase. The label names it ("download"), unit is what is
// counted ("files"), and total is how many there are, 0 where that is not known
// yet: then only the count is shown, beside a spinner. Done is how many of them
// were done before, by an interrupted run or before a pause: no part of the rate.
func NewBar(d *Display, label, unit string, done, total int64) *Bar {
	return newBar(d, label, unit, done, total, true)
}

// newBar is NewBar; a bar that is not live shows its end only.
func newBar(d *Display, label, unit string, done, total int64, live bool) *Bar {
	b := &Bar{display: d, label: label, unit: unit, live: live, before: done, done: done, total: total, start: time.Now()}
	b.drawn = b.start
	if d.quiet || !live {
		return b
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	b.history = []point{{b.start, done}}
	if d.terminal != nil {
		if d.current != nil {
			d.current.clear()
		}
		d.current = b
		b.render()
	} else if total > 0 {
		b.printLine()
	}
	return b
}

// Add counts n more units.
func (b *Bar) Add(n int64) {
	b.display.mu.Lock()
	defer b.display.mu.Unlock()
	b.update(b.done+n, b.total, b.notes)
}

// Set replaces the counts. Notes, such as "3 rejects", are shown after them.
func (b *Bar) Set(done, total int64, notes ...string) {
	b.display.mu.Lock()
	defer b.display.mu.Unlock()
	b.update(done, total, notes)
}

func (b *Bar) update(done, total int64, notes []string) {
	b.done, b.total, b.notes = done, total, notes
	if b.ended || b.display.quiet || !b.live {
		return
	}
	now := time.Now()
	b.history = append(b.history, point{now, done})
	for len(b.history) > 2 && now.Sub(b.history[1].at) > rateWindow {
		b.history = b.history[1:]
	}
	if b.display.terminal != nil {
		if now.Sub(b.drawn) >= redraw {
			b.drawn = now
			b.render()
		}
	} else if now.Sub(b.drawn) >= b.display.interval {
		b.drawn = now
		b.printLine()
	}
}

// Finish ends the phase and leaves a last line with its counts, time and mean
// rate.
func (b *Bar) Finish() { b.end(true) }

// Abort ends the phase after a failure: the bar disappears.
func (b *Bar) Abort() { b.end(false) }

func (b *Bar) end(finished bool) {
	d := b.display
	d.mu.Lock()
	defer d.mu.Unlock()
	if b.ended {
		return
	}
	b.ended = true
	if d.current == b {
		b.clear()
		d.current = nil
	}
	if finished && !d.quiet {
		b.printLine()
	}
}

// printLine writes the state as a plain line.
func (b *Bar) printLine() {
	fmt.Fprintf(b.display.w, "%s: %s\n", b.display.name, b.text(true))
}

// render draws the bar; the caller holds the lock of the display.
func (b *Bar) render() {
	counted := b.total > 0
	if b.bar == nil || counted != b.counted {
		if b.bar != nil {
			b.clear()
		}
		b.bar, b.counted = b.newBar(counted), counted
	}
	text := b.text(false)
	if limit := b.display.width() - 18; utf8.RuneCountInString(text) > limit && limit > 0 {
		text = string([]rune(text)[:limit])
	}
	if counted {
		// A full bar would end the drawing, and more may be planned yet.
		_ = b.bar.Set64(min(b.done*barScale/b.total, barScale-1))
	}
	b.bar.Describe(text)
}

// clear removes the bar from the terminal; the caller holds the lock.
func (b *Bar) clear() {
	if b.bar != nil {
		_ = b.bar.Clear()
	}
}

func (b *Bar) newBar(counted bool) *progressbar.ProgressBar {
	limit := int64(-1)
	if counted {
		limit = barScale
	}
	return progressbar.NewOptions64(limit,
		progressbar.OptionSetWriter(b.display.terminal),
		progressbar.OptionSetTheme(progressbar.ThemeASCII),
		progressbar.OptionShowDescriptionAtLineEnd(),
		progressbar.OptionUseANSICodes(true),
		progressbar.OptionSpinnerType(9),
		progressbar.OptionSetSpinnerChangeInterval(0),
		progressbar.OptionSetElapsedTime(false),
		progressbar.OptionSetPredictTime(false),
		progressbar.OptionFullWidth(),
	)
}

// text describes the state: label, counts, rate, time left and notes. The bar
// of a terminal shows the percentage already.
func (b *Bar) text(plain bool) string {
	var s strings.Builder
	if b.label != "" {
		s.WriteString(b.label + ": ")
	}
	fmt.Fprintf(&s, "%d", b.done)
	if b.total > 0 {
		fmt.Fprintf(&s, "/%d", b.total)
	}
	s.WriteString(" " + b.unit)
	if plain && b.total > 0 {
		fmt.Fprintf(&s, " (%d%%)", b.done*100/b.total)
	}
	elapsed := time.Since(b.start)
	if b.ended {
		fmt.Fprintf(&s, " in %s", shortDuration(elapsed))
		if rate := float64(b.done-b.before) / elapsed.Seconds(); rate > 0 {
			fmt.Fprintf(&s, ", %s", shortRate(rate))
		}
	} else if rate := b.rate(); rate > 0 {
		fmt.Fprintf(&s, ", %s", shortRate(rate))
		if left := b.total - b.done; left > 0 {
			fmt.Fprintf(&s, ", %s left", shortDuration(time.Duration(float64(left)/rate*float64(time.Second))))
		}
	}
	for _, note := range b.notes {
		s.WriteString(", " + note)
	}
	return s.String()
}

// rate returns the units a second over the rate window, 0 where nothing has
// been measured yet.
func (b *Bar) rate() float64 {
	if len(b.history) < 2 {
		return 0
	}
	first, last := b.history[0], b.history[len(b.history)-1]
	seconds := last.at.Sub(first.at).Seconds()
	if seconds <= 0 || last.done <= first.done {
		return 0
	}
	return float64(last.done-first.done) / seconds
}

// shortRate writes a rate with two or three digits, a minute where it is below
// one a second.
func shortRate(perSecond float64) string {
	switch {
	case perSecond >= 9.95:
		return fmt.Sprintf("%.0f/s", perSecond)
	case perSecond >= 1:
		return fmt.Sprintf("%.1f/s", perSecond)
	}
	return fmt.Sprintf("%.2g/min", perSecond*60)
}

// shortDuration writes a duration to the second, below ten seconds to a tenth.
func shortDuration(d time.Duration) string {
	switch {
	case d < 9950*time.Millisecond:
		return fmt.Sprintf("%.1fs", d.Seconds())
	case d < time.Hour:
		return d.Round(time.Second).String()
	}
	return fmt.Sprintf("%dh%02dm", int(d.Hours()), int(d.Minutes())%60)
}
