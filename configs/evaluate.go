package configs

// Evaluate configures pipelines/evaluate.
type Evaluate struct {
	// Data is an output of prepare, or a data set "KIND:ROOT" with labels.
	Data string `json:"data" default:"out/prepare" is:"images" need:"nothing to evaluate on is given" group:"Input and output" help:"output <FOLDER> of prepare, or a data set KIND:FOLDER to be scored at its own resolution"`
	// Subset is the subset of a prepared output, or the split of a data set.
	Subset string `json:"subset" default:"val" group:"Input and output" help:"<which> images or volumes: val, test, labelled or source of a prepared output; val, test or train of a data set"`
	// Predictions is a folder of label PNGs to score instead of a network.
	Predictions string `json:"predictions" is:"place" group:"Input and output" help:"<FOLDER> of label PNGs (train ids, or ids where named *labelIds.png), or of NIfTI files for volumes, to score instead of a network"`
	// Models are "student", "teacher" or both.
	Models []string `json:"models" default:"student" valid:"student,teacher" once:"true" need:"none given" group:"Network" help:"<which> networks of the training: student, teacher or student,teacher"`
	// CaptionCheck also scores the networks with captions that are not the images' own;
	// CaptionSeed decides which image gets which other one's caption.
	CaptionCheck bool   `json:"caption_check" group:"Network" help:"score also with the captions of other images, with a sentence of all class names, and with none"`
	CaptionSeed  uint64 `json:"caption_seed" group:"Network" help:"<seed> that decides which image gets which other one's caption in --caption_check"`
	// Output is the folder of the report.
	Output    string `json:"output" default:"out/evaluate" is:"place" need:"no folder or bucket given" group:"Input and output" help:"<FOLDER> or gs:// prefix to write to"`
	Overwrite bool   `json:"overwrite" group:"Input and output" help:"replace an output made with another configuration"`
	// Pictures is the number of images that are drawn with their prediction.
	Pictures int `json:"pictures" default:"8" range:"0.." group:"Input and output" help:"<number> of images or volumes drawn with truth, prediction and, of images, confidence"`
	// SaveLabels keeps what the first network predicts.
	SaveLabels bool `json:"save_labels" group:"Input and output" help:"write what the network predicts of each image as label PNG, into labels; browse shows them"`

	Inference
}

// DefaultEvaluate returns the defaults: the val images of prepare's output.
func DefaultEvaluate() Evaluate {
	return defaults[Evaluate]()
}

// Validate reports all faults at once.
func (c Evaluate) Validate() error {
	f := check(&c)
	c.Inference.check(&f)
	if c.CaptionCheck && c.Predictions != "" {
		f.add("caption_check", "files of predictions read no captions; give a network")
	}
	if c.SaveLabels && c.Predictions != "" {
		f.add("save_labels", "predictions are files already")
	}
	return f.err()
}

// Identity is what decides the scores.
func (c Evaluate) Identity() Evaluate {
	c.Output, c.Overwrite, c.Pictures, c.SaveLabels = "", false, 0, false
	if !c.CaptionCheck {
		c.CaptionSeed = 0
	}
	c.Inference = c.Inference.identity()
	return c
}
