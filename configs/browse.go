package configs

// Browse configures pipelines/browse.
type Browse struct {
	// Input is an output of prepare, pseudolabel or evaluate.
	Input string `json:"input" default:"out/prepare" is:"place" need:"no output given" group:"Input and output" help:"output <FOLDER> of prepare, pseudolabel or evaluate"`
	// Subset is that of an output of prepare; empty is all.
	Subset string `json:"subset" valid:"source,labelled,unlabelled,val" group:"Input and output" help:"<which> images of an output of prepare: source, labelled, unlabelled or val (default all)"`
	// Limit is the greatest number of images on the page, and Choose says which.
	Limit  int    `json:"limit" default:"3000" range:"1..20000" group:"Input and output" help:"<images> that the page shows at most"`
	Choose string `json:"choose" default:"names" valid:"names,worst" group:"Input and output" help:"<which> images where there are more: names (a choice by their names, as if at random) or worst (the lowest scores, of pseudolabel or evaluate)"`
	// Output is the folder of the page.
	Output    string `json:"output" default:"out/browse" is:"place" need:"no folder or bucket given" group:"Input and output" help:"<FOLDER> or gs:// prefix to write browse.html to"`
	Overwrite bool   `json:"overwrite" group:"Input and output" help:"replace the page of another input"`
}

// DefaultBrowse returns the defaults: the page of prepare's output.
func DefaultBrowse() Browse {
	return defaults[Browse]()
}

// Validate reports all faults at once.
func (c Browse) Validate() error {
	f := check(&c)
	return f.err()
}

// Identity is what the page is of: it is made anew by each run.
func (c Browse) Identity() Browse { return Browse{Input: c.Input} }
