package configs

import "flag"

// Demo configures pipelines/demo, the whole loop on MiniCity.
type Demo struct {
	// Output is the folder of the report and of all that it shows.
	Output string `yaml:"output" json:"output"`
	// Overwrite replaces the output of another configuration.
	Overwrite bool `yaml:"overwrite" json:"overwrite"`
	// Steps and PretrainSteps are the lengths of the trainings.
	Steps         int `yaml:"steps" json:"steps"`
	PretrainSteps int `yaml:"pretrain_steps" json:"pretrain_steps"`
	// Labelled is the number of labelled target images.
	Labelled int    `yaml:"labelled" json:"labelled"`
	Seed     int    `yaml:"seed" json:"seed"`
	Cards    int    `yaml:"cards" json:"cards"`
	Backend  string `yaml:"backend" json:"backend"`
}

// DefaultDemo returns the defaults: minutes on two cores.
func DefaultDemo() Demo {
	return Demo{Output: "out/demo", Steps: 450, PretrainSteps: 20, Labelled: 20, Cards: 6, Backend: "auto"}
}

// BindDemo registers a flag for every field of c.
func BindDemo(fs *flag.FlagSet, c *Demo) {
	fs.StringVar(&c.Output, "output", c.Output, "`FOLDER` to write to")
	fs.BoolVar(&c.Overwrite, "overwrite", c.Overwrite, "replace an output made with another configuration")
	fs.IntVar(&c.Steps, "steps", c.Steps, "`steps` of each of the three trainings; 600 is what the example file of train has")
	fs.IntVar(&c.PretrainSteps, "pretrain_steps", c.PretrainSteps, "`steps` of the contrastive pre-training")
	fs.IntVar(&c.Labelled, "labelled", c.Labelled, "`number` of labelled target images")
	fs.IntVar(&c.Seed, "seed", c.Seed, "`seed` of the trainings")
	fs.IntVar(&c.Cards, "cards", c.Cards, "`number` of val images shown in the report")
	fs.StringVar(&c.Backend, "backend", c.Backend, "what computes: `NAME` auto, go, xla:cpu, xla:cuda or xla:PATH of a PJRT plug-in")
}

// Validate reports all faults at once.
func (c Demo) Validate() error {
	var f faults
	f.output(c.Output)
	f.atLeast("steps", c.Steps, 1)
	f.atLeast("pretrain_steps", c.PretrainSteps, 1)
	f.atLeast("labelled", c.Labelled, 1)
	f.atLeast("seed", c.Seed, 0)
	f.atLeast("cards", c.Cards, 0)
	return f.err()
}
