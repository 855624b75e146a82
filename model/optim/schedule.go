package optim

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
)

// Schedules are the kinds of schedules.
var Schedules = []string{"exp", "poly", "constant"}

// Schedule is how the learning rate changes during a training of T steps, as a factor
// of the step t alone.
type Schedule struct {
	// Kind is one of [Schedules]:
	//
	//	exp       Factor^⌊Periods·t/T⌋
	//	poly      (1 - t/T)^Power
	//	constant  1
	Kind string
	// Factor is that of exp, 0.9 in the authors' configuration, whose period is not
	// published.
	Factor float64
	// Periods is the number of equal periods of exp.
	Periods int
	// Power is that of poly.
	Power float64
	// Warmup is the number of steps in which the rate rises to its value: step t of
	// them has (t+1)/Warmup of what it would have without.
	Warmup int
}

// ScheduleOf is the schedule of a kind with the constants that no setting changes: exp is
// lr·0.9^⌊40t/T⌋.
func ScheduleOf(kind string) Schedule {
	return Schedule{Kind: kind, Factor: 0.9, Periods: 40, Power: 0.9}
}

// Check reports everything that is invalid in s.
func (s Schedule) Check() error {
	var faults []error
	if !slices.Contains(Schedules, s.Kind) {
		faults = append(faults, fmt.Errorf("optim: check schedule: kind %q is unknown; valid: %s", s.Kind, strings.Join(Schedules, ", ")))
	}
	if s.Kind == "exp" && (!(s.Factor > 0 && s.Factor <= 1) || s.Periods < 1) {
		faults = append(faults, fmt.Errorf("optim: check schedule: exp wants a factor in (0,1] and a period or more, has %v and %d", s.Factor, s.Periods))
	}
	if s.Kind == "poly" && (!(s.Power >= 0) || math.IsInf(s.Power, 1)) {
		faults = append(faults, fmt.Errorf("optim: check schedule: poly wants a power of 0 or more, has %v", s.Power))
	}
	if s.Warmup < 0 {
		faults = append(faults, fmt.Errorf("optim: check schedule: warm-up of %d steps is less than 0", s.Warmup))
	}
	return errors.Join(faults...)
}

// At is the factor of the learning rate for a step, counted from 0, of total. Steps
// after the last have the factor of the end. It panics where s.Check has a fault.
func (s Schedule) At(step, total int) float64 {
	if err := s.Check(); err != nil {
		panic(err)
	}
	total = max(total, 1)
	t := min(max(step, 0), total)
	factor := 1.0
	switch s.Kind {
	case "exp":
		factor = math.Pow(s.Factor, float64(s.Periods*t/total))
	case "poly":
		factor = math.Pow(float64(total-t)/float64(total), s.Power)
	}
	if step < s.Warmup {
		factor *= float64(max(step, 0)+1) / float64(s.Warmup)
	}
	return factor
}
