package optim

import (
	"testing"

	"semidavil/model/params"
)

// TestResume trains 20 steps, and 10 and 10 with the values taken out and put into a
// new store between. All values are the same bit by bit.
func TestResume(t *testing.T) {
	for _, c := range trainings {
		backend := newBackend(t)
		whole := newTraining(t, backend, c, "all")
		for step := range 20 {
			whole.step(step, nil)
		}
		want := whole.values()
		part := newTraining(t, backend, c, "all")
		for step := range 10 {
			part.step(step, nil)
		}
		saved := part.values()
		resumed := newTraining(t, backend, c, "all")
		if err := params.LoadAll(resumed.store, saved); err != nil {
			t.Fatal(err)
		}
		for step := 10; step < 20; step++ {
			resumed.step(step, nil)
		}
		if names := changed(want, resumed.values()); names != nil {
			t.Errorf("%s: not as without the interruption: %v", c.Kind, names)
		}
		if names := changed(want, saved); len(names) != len(want) {
			t.Errorf("%s: only %v of %d values moved after step 10", c.Kind, names, len(want))
		}
	}
}
