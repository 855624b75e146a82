package loss

// Default is DyCE with the values of the authors' code.
func Default() Config {
	c := Constants()
	c.Kind, c.Omega, c.Hard, c.HardFraction = "dyce", 0.5, "top", 0.2
	return c
}

// DefaultConsistency has the threshold of the authors' code.
func DefaultConsistency() ConsistencyConfig {
	return ConsistencyConfig{Threshold: 0.95, Norm: "valid", Target: "hard"}
}
