package configs

// Pseudolabel configures pipelines/pseudolabel.
type Pseudolabel struct {
	// Input is a folder of images, a glob of them, a data set "KIND:ROOT", or an output
	// of prepare.
	Input string `json:"input" default:"out/prepare" is:"images" need:"no images given" group:"Input and output" help:"images to label: a <FOLDER>, a quoted glob such as 'FOLDER/*/*.png', a data set KIND:FOLDER, or an output of prepare; for a network on volumes: NIfTI files, in the first three ways"`
	// Subset is the subset of a prepared output, or the split of a data set; empty is
	// "unlabelled" of the former and all images of the latter.
	Subset string `json:"subset" group:"Input and output" help:"<which> of them: unlabelled, labelled, val, test or source of a prepared output (default unlabelled); train, val, test or extra of a data set (default all)"`
	// Output is the folder of the labels.
	Output     string `json:"output" default:"out/pseudolabel" is:"place" need:"no folder or bucket given" group:"Input and output" help:"<FOLDER> or gs:// prefix to write to"`
	Overwrite  bool   `json:"overwrite" group:"Input and output" help:"replace an output made with another configuration"`
	OneNetwork `group:"Network"`

	// Rule chooses thresholds: "fixed", "cb" or "cb-cap" (class-balanced).
	Rule string `json:"rule" default:"fixed" valid:"fixed,cb,cb-cap" group:"Labels" help:"<how> thresholds are chosen: fixed, cb (a portion of each class) or cb-cap (the lower of both); volumes want fixed"`
	// Threshold is the fixed one, and the cap of cb-cap.
	Threshold float64 `json:"threshold" default:"0.95" range:"0..1" group:"Labels" help:"<confidence> from which a pixel or voxel is kept, for fixed and cb-cap"`
	// Portion is the share of each class that cb keeps; 0 follows from Round.
	Portion float64 `json:"portion" range:"0..1" group:"Labels" help:"<share> of each class that cb keeps; 0: by --round"`
	// Round is the round of self-training, from 0: the portion is 0.2 and 0.05 more in
	// each later one, up to 0.5.
	Round int `json:"round" range:"0.." group:"Labels" help:"<round> of self-training, from 0: the portion is 0.2, then 0.05 more each round, at most 0.5"`
	// Confidence writes the confidence of every pixel as an 8-bit PNG.
	Confidence bool `json:"confidence" group:"Labels" help:"write *_confidence.png too (.nii.gz of volumes), 8 bit, 255 is certain"`
	// Compression is the PNG compression.
	Compression string `json:"compression" default:"fast" valid:"fast,default,best" group:"Labels" help:"PNG compression <level>: fast, default or best"`
	// GroupSize is the number of images that one worker takes at once.
	GroupSize int `json:"group_size" default:"64" range:"1.." before:"follow_links" group:"Network" help:"<images> that one worker takes at once"`

	Inference
}

// DefaultPseudolabel returns the defaults: the unlabelled images of prepare's output
// at the paper's threshold.
func DefaultPseudolabel() Pseudolabel {
	return defaults[Pseudolabel]()
}

// Validate reports all faults at once.
func (c Pseudolabel) Validate() error {
	f := check(&c)
	c.Inference.check(&f)
	return f.err()
}

// Identity is what decides the labels.
func (c Pseudolabel) Identity() Pseudolabel {
	c.Output, c.Overwrite, c.GroupSize = "", false, 0
	c.Inference = c.Inference.identity()
	return c
}
