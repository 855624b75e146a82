package optim

import (
	"encoding/json"
	"testing"
)

// Default has the values of the authors' configuration.
func Default() Config {
	c := Constants()
	c.Kind, c.LR, c.Beta1, c.WeightDecay, c.Momentum = "adamw", 1e-4, 0.9, 2e-4, 0.9
	return c
}

// DefaultSchedule is the authors' schedule.
func DefaultSchedule() Schedule { return ScheduleOf("exp") }

// TestConfigAsBefore: what is written of a configuration without Nesterov decides
// fingerprints of trainings, and does not speak of it.
func TestConfigAsBefore(t *testing.T) {
	data, err := json.Marshal(Default())
	if err != nil {
		t.Fatal(err)
	}
	const want = `{"Kind":"adamw","LR":0.0001,"Beta1":0.9,"Beta2":0.999,"Epsilon":1e-8,"WeightDecay":0.0002,"Momentum":0.9,"ClipNorm":0}`
	if string(data) != want {
		t.Errorf("have %s, want %s", data, want)
	}
}
