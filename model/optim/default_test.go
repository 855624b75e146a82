package optim

// Default has the values of the authors' configuration.
func Default() Config {
	c := Constants()
	c.Kind, c.LR, c.Beta1, c.WeightDecay, c.Momentum = "adamw", 1e-4, 0.9, 2e-4, 0.9
	return c
}

// DefaultSchedule is the authors' schedule.
func DefaultSchedule() Schedule { return ScheduleOf("exp") }
