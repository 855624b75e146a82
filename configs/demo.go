package configs

// Demo configures pipelines/demo, the whole loop on MiniCity.
type Demo struct {
	// Output is the folder of the report and of all that it shows.
	Output string `json:"output" default:"out/demo" is:"place" need:"no folder or bucket given" group:"Output" help:"<FOLDER> to write to"`
	// Overwrite replaces the output of another configuration.
	Overwrite bool `json:"overwrite" group:"Output" help:"replace an output made with another configuration"`
	// Steps and PretrainSteps are the lengths of the trainings.
	Steps         int `json:"steps" default:"450" range:"1.." group:"Trainings" help:"<steps> of each of the three trainings; 600 is what the example file of train has"`
	PretrainSteps int `json:"pretrain_steps" range:"0.." group:"Trainings" help:"pre-train a CLIP for so many <steps> in the place of the built-in one; 0 does not"`
	// Labelled is the number of labelled target images.
	Labelled int    `json:"labelled" default:"20" range:"1.." group:"Trainings" help:"<number> of labelled target images"`
	Seed     int    `json:"seed" range:"0.." group:"Trainings" help:"<seed> of the trainings"`
	Cards    int    `json:"cards" default:"6" range:"0.." group:"Output" help:"<number> of val images shown in the report"`
	Backend  string `json:"backend" default:"auto" group:"Trainings" help:"what computes: <NAME> auto, go, xla:cpu, xla:cuda or xla:PATH of a PJRT plug-in"`
}

// DefaultDemo returns the defaults: minutes on two cores.
func DefaultDemo() Demo {
	return defaults[Demo]()
}

// Validate reports all faults at once.
func (c Demo) Validate() error {
	f := check(&c)
	return f.err()
}
