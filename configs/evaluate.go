package configs

import (
	"flag"
	"slices"
)

// Evaluate configures pipelines/evaluate.
type Evaluate struct {
	// Data is an output of prepare, or a data set "KIND:ROOT" with labels.
	Data string `yaml:"data" json:"data"`
	// Subset is the subset of a prepared output, or the split of a data set.
	Subset string `yaml:"subset" json:"subset"`
	// Predictions is a folder of label PNGs to score instead of a network.
	Predictions string `yaml:"predictions" json:"predictions"`
	// Models are "student", "teacher" or both.
	Models []string `yaml:"models" json:"models"`
	// Output is the folder of the report.
	Output    string `yaml:"output" json:"output"`
	Overwrite bool   `yaml:"overwrite" json:"overwrite"`
	// Pictures is the number of images that are drawn with their prediction.
	Pictures int `yaml:"pictures" json:"pictures"`

	Inference `yaml:",inline"`
}

// DefaultEvaluate returns the defaults: the val images of prepare's output.
func DefaultEvaluate() Evaluate {
	return Evaluate{Data: "out/prepare", Subset: "val", Models: []string{"student"}, Output: "out/evaluate", Pictures: 8, Inference: defaultInference()}
}

// BindEvaluate registers a flag for every field of c.
func BindEvaluate(fs *flag.FlagSet, c *Evaluate) {
	fs.StringVar(&c.Data, "data", c.Data, "output `FOLDER` of prepare, or a data set KIND:FOLDER to be scored at its own resolution")
	fs.StringVar(&c.Subset, "subset", c.Subset, "`which` images: val, labelled, source of a prepared output; val or train of a data set")
	fs.StringVar(&c.Predictions, "predictions", c.Predictions, "`FOLDER` of label PNGs (train ids, or ids where named *labelIds.png) to score instead of a network")
	fs.Var(&list{dst: &c.Models}, "models", "`which` networks of the training: student, teacher or student,teacher")
	fs.StringVar(&c.Output, "output", c.Output, "`FOLDER` or gs:// prefix to write to")
	fs.BoolVar(&c.Overwrite, "overwrite", c.Overwrite, "replace an output made with another configuration")
	fs.IntVar(&c.Pictures, "pictures", c.Pictures, "`number` of images drawn with truth, prediction and confidence")
	bindInference(fs, &c.Inference)
}

// Validate reports all faults at once.
func (c Evaluate) Validate() error {
	var f faults
	f.output(c.Output)
	if c.Data == "" {
		f.add("data", "nothing to evaluate on is given")
	}
	f.data("data", c.Data)
	f.place("predictions", c.Predictions)
	f.atLeast("pictures", c.Pictures, 0)
	if len(c.Models) == 0 {
		f.add("models", "none given")
	}
	for i, n := range c.Models {
		f.oneOf("models", n, "student", "teacher")
		if slices.Contains(c.Models[:i], n) {
			f.add("models", "%s is given twice", n)
		}
	}
	c.Inference.validate(&f)
	return f.err()
}

// Identity is what decides the scores.
func (c Evaluate) Identity() Evaluate {
	c.Output, c.Overwrite, c.Pictures = "", false, 0
	c.Inference = c.Inference.identity()
	return c
}
