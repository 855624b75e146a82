package configs

// Export configures pipelines/export.
type Export struct {
	TrainedNetwork   `group:"Network"`
	OneNetwork       `group:"Network"`
	TrainedTokenizer `group:"Network"`
	// Output is the folder of the exported network.
	Output    string `json:"output" default:"out/export" is:"place" need:"no folder or bucket given" group:"Output" help:"<FOLDER> or gs:// prefix to write to"`
	Overwrite bool   `json:"overwrite" group:"Output" help:"replace an output made with another configuration"`
}

// DefaultExport returns the defaults: the best student of train's output.
func DefaultExport() Export {
	return defaults[Export]()
}

// Validate reports all faults at once.
func (c Export) Validate() error {
	f := check(&c)
	return f.err()
}

// Identity is what decides the exported files.
func (c Export) Identity() Export {
	c.Output, c.Overwrite = "", false
	return c
}
