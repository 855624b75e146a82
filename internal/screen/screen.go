// Package screen shows a training to a person: a bar for each phase with the losses,
// and a line for every evaluation.
package screen

import (
	"fmt"
	"sync"

	"semidavil/model/train"
	"semidavil/runners"
	"semidavil/transforms/metrics"
)

// Screen is the display of one training. A phase is shown by one bar at a time.
type Screen struct {
	session *runners.Session
	notes   func(train.Progress) []string

	mu    sync.Mutex
	phase string
	bar   *runners.Bar
	score string
}

// New makes a screen; notes are shown behind the bar of the steps.
func New(s *runners.Session, notes func(train.Progress) []string) *Screen {
	return &Screen{session: s, notes: notes}
}

// Watcher shows the progress of a training.
func (s *Screen) Watcher() train.Watcher {
	return train.Watcher{
		Begin: func(string) { // the score is that of another training
			s.mu.Lock()
			s.score = ""
			s.mu.Unlock()
		},
		Phase: func(name string, done, total int) { s.show(name, "done", 0, done, total) },
		Step: func(p train.Progress) {
			notes := s.notes(p)
			if score := s.lastScore(); score != "" {
				notes = append(notes, score)
			}
			s.show("", "steps", p.Step-1, p.Step, p.Steps, notes...) // the command says what they are
		},
		Evaluated: func(step int, student, teacher metrics.Score) {
			line := fmt.Sprintf("step %d: student mIoU %v %%", step, student.MIoU)
			if teacher.Images > 0 {
				line += fmt.Sprintf(", teacher %v %%", teacher.MIoU)
			}
			s.session.Display.Message("%s", line)
			s.mu.Lock()
			s.score = fmt.Sprintf("mIoU %v %%", student.MIoU)
			s.mu.Unlock()
		},
		Note: func(line string) { s.session.Display.Message("%s", line) },
	}
}

func (s *Screen) lastScore() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.score
}

// show moves the bar of a phase; a new phase ends the bar of the one before.
// Before is what was done when it began.
func (s *Screen) show(phase, unit string, before, done, total int, notes ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.bar == nil || s.phase != phase {
		s.end(false)
		s.phase, s.bar = phase, s.session.Bar(phase, unit, int64(before), int64(total))
	}
	s.bar.Set(int64(done), int64(total), notes...)
}

// Close ends the last bar; finished shows it as complete.
func (s *Screen) Close(finished bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.end(finished)
}

func (s *Screen) end(finished bool) {
	if s.bar == nil {
		return
	}
	if finished {
		s.bar.Finish()
	} else {
		s.bar.Abort()
	}
	s.bar = nil
}
