package runners

import (
	"bytes"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

func TestBarWithoutTerminal(t *testing.T) { synctest.Test(t, testBarWithoutTerminal) }

func testBarWithoutTerminal(t *testing.T) {
	var out bytes.Buffer
	d := NewDisplay(&out, "work", false)
	bar := NewBar(d, "download", "files", 0, 40)
	var group sync.WaitGroup
	for range 4 {
		group.Go(func() {
			for range 10 {
				bar.Add(1)
			}
		})
	}
	group.Wait()
	time.Sleep(time.Second)
	bar.Finish()
	bar.Finish()
	bar.Add(1)
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	if len(lines) != 2 || lines[0] != "work: download: 0/40 files (0%)" || lines[1] != "work: download: 40/40 files (100%) in 1.0s, 40/s" {
		t.Errorf("lines %q", lines)
	}
}

func TestBarRateAndTimeLeft(t *testing.T) { synctest.Test(t, testBarRateAndTimeLeft) }

func testBarRateAndTimeLeft(t *testing.T) {
	now := time.Now()
	b := &Bar{display: NewDisplay(&bytes.Buffer{}, "", false), unit: "files", live: true, start: now.Add(-60 * time.Second), total: 98}
	// 10 files in fifty seconds, then 4 a second within the window.
	b.done = 50
	b.history = []point{{now.Add(-10 * time.Second), 10}, {now, 50}}
	if got := b.text(false); got != "50/98 files, 4.0/s, 12s left" {
		t.Errorf("%q", got)
	}
	b.update(50, 0, []string{"3 rejects"})
	if got := b.text(true); !strings.HasPrefix(got, "50 files, 4.0/s, 3 rejects") {
		t.Errorf("without total: %q", got)
	}
}

// TestBarGoesOn: what was done before the phase is no part of its rate.
func TestBarGoesOn(t *testing.T) { synctest.Test(t, testBarGoesOn) }

func testBarGoesOn(t *testing.T) {
	var out bytes.Buffer
	bar := NewBar(NewDisplay(&out, "work", false), "train", "steps", 3000, 6000)
	time.Sleep(11 * time.Second)
	bar.Set(3022, 6000)
	bar.Finish()
	want := "work: train: 3000/6000 steps (50%)\nwork: train: 3022/6000 steps (50%), 2.0/s, 24m49s left\nwork: train: 3022/6000 steps (50%) in 11s, 2.0/s\n"
	if out.String() != want {
		t.Errorf("lines\n%swant\n%s", &out, want)
	}
}

func TestBarForgetsOldRates(t *testing.T) {
	b := NewBar(NewDisplay(&bytes.Buffer{}, "", false), "", "files", 0, 0)
	old := time.Now().Add(-time.Hour)
	b.history = []point{{old, 0}, {old.Add(time.Minute), 1}, {time.Now().Add(-10 * time.Second), 2}}
	b.Set(22, 0)
	if got := b.rate(); got < 0.001 || len(b.history) > 3 {
		t.Errorf("rate %v of %v", got, b.history)
	}
}

func TestQuietBar(t *testing.T) {
	var out bytes.Buffer
	d := NewDisplay(&out, "work", true)
	bar := NewBar(d, "", "files", 0, 3)
	bar.Add(3)
	bar.Finish()
	d.Stage("nothing")
	if out.Len() > 0 {
		t.Errorf("output %q", &out)
	}
	d.Message("two\nlines")
	if out.String() != "work: two\n  lines\n" {
		t.Errorf("message %q", &out)
	}
}
