package configs

import "flag"

// Pseudolabel configures pipelines/pseudolabel.
type Pseudolabel struct {
	// Input is a folder of images, a glob of them, a data set "KIND:ROOT", or an output
	// of prepare.
	Input string `yaml:"input" json:"input"`
	// Subset is the subset of a prepared output, or the split of a data set; empty is
	// "unlabelled" of the former and all images of the latter.
	Subset string `yaml:"subset" json:"subset"`
	// Output is the folder of the labels.
	Output    string `yaml:"output" json:"output"`
	Overwrite bool   `yaml:"overwrite" json:"overwrite"`
	// Model is "student" or "teacher".
	Model string `yaml:"model" json:"model"`

	// Rule chooses thresholds: "fixed", "cb" or "cb-cap" (class-balanced).
	Rule string `yaml:"rule" json:"rule"`
	// Threshold is the fixed one, and the cap of cb-cap.
	Threshold float64 `yaml:"threshold" json:"threshold"`
	// Portion is the share of each class that cb keeps; 0 follows from Round.
	Portion float64 `yaml:"portion" json:"portion"`
	// Round is the round of self-training, from 0: the portion is 0.2 and 0.05 more in
	// each later one, up to 0.5.
	Round int `yaml:"round" json:"round"`
	// Confidence writes the confidence of every pixel as an 8-bit PNG.
	Confidence bool `yaml:"confidence" json:"confidence"`
	// Compression is the PNG compression.
	Compression string `yaml:"compression" json:"compression"`
	// GroupSize is the number of images that one worker takes at once.
	GroupSize int `yaml:"group_size" json:"group_size"`

	Inference `yaml:",inline"`
}

// DefaultPseudolabel returns the defaults: the unlabelled images of prepare's output
// at the paper's threshold.
func DefaultPseudolabel() Pseudolabel {
	return Pseudolabel{Input: "out/prepare", Output: "out/pseudolabel", Model: "student", Rule: "fixed", Threshold: 0.95,
		Compression: "fast", GroupSize: 64, Inference: defaultInference()}
}

// BindPseudolabel registers a flag for every field of c.
func BindPseudolabel(fs *flag.FlagSet, c *Pseudolabel) {
	fs.StringVar(&c.Input, "input", c.Input, "images to label: a `FOLDER`, a quoted glob such as 'FOLDER/*/*.png', a data set KIND:FOLDER, or an output of prepare")
	fs.StringVar(&c.Subset, "subset", c.Subset, "`which` of them: unlabelled, labelled, val or source of a prepared output (default unlabelled); train, val or extra of a data set (default all)")
	fs.StringVar(&c.Output, "output", c.Output, "`FOLDER` or gs:// prefix to write to")
	fs.BoolVar(&c.Overwrite, "overwrite", c.Overwrite, "replace an output made with another configuration")
	fs.StringVar(&c.Model, "model", c.Model, "`which` network of the training: student or teacher")
	fs.StringVar(&c.Rule, "rule", c.Rule, "`how` thresholds are chosen: fixed, cb (a portion of each class) or cb-cap (the lower of both)")
	fs.Float64Var(&c.Threshold, "threshold", c.Threshold, "`confidence` from which a pixel is kept, for fixed and cb-cap")
	fs.Float64Var(&c.Portion, "portion", c.Portion, "`share` of each class that cb keeps; 0: by --round")
	fs.IntVar(&c.Round, "round", c.Round, "`round` of self-training, from 0: the portion is 0.2, then 0.05 more each round, at most 0.5")
	fs.BoolVar(&c.Confidence, "confidence", c.Confidence, "write *_confidence.png too, 8 bit, 255 is certain")
	fs.StringVar(&c.Compression, "compression", c.Compression, "PNG compression `level`: fast, default or best")
	fs.IntVar(&c.GroupSize, "group_size", c.GroupSize, "`images` that one worker takes at once")
	bindInference(fs, &c.Inference)
}

// Validate reports all faults at once.
func (c Pseudolabel) Validate() error {
	var f faults
	f.output(c.Output)
	if c.Input == "" {
		f.add("input", "no images given")
	}
	f.data("input", c.Input)
	f.oneOf("model", c.Model, "student", "teacher")
	f.oneOf("rule", c.Rule, "fixed", "cb", "cb-cap")
	f.oneOf("compression", c.Compression, "fast", "default", "best")
	f.share("threshold", c.Threshold)
	f.share("portion", c.Portion)
	f.atLeast("round", c.Round, 0)
	f.atLeast("group_size", c.GroupSize, 1)
	c.Inference.validate(&f)
	return f.err()
}

// Identity is what decides the labels.
func (c Pseudolabel) Identity() Pseudolabel {
	c.Output, c.Overwrite, c.GroupSize = "", false, 0
	c.Inference = c.Inference.identity()
	return c
}
