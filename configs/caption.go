package configs

// Caption configures pipelines/caption.
type Caption struct {
	// Input is a folder of images, a glob of them, or a data set "KIND:ROOT".
	Input string `json:"input" default:"cityscapes:out/prepare/minicity/cityscapes" is:"images" need:"no images given" group:"Input and output" help:"images to caption: a <FOLDER>, a quoted glob such as 'FOLDER/*/*.png', or a data set KIND:FOLDER"`
	// Subset is the split of a data set; empty is all images.
	Subset string `json:"subset" group:"Input and output" help:"<split> of a data set: train, val or extra (default all)"`
	// Output is the folder of the captions.
	Output    string `json:"output" default:"out/caption" is:"place" need:"no folder or bucket given" group:"Input and output" help:"<FOLDER> or gs:// prefix to write to"`
	Overwrite bool   `json:"overwrite" group:"Input and output" help:"replace an output made with another configuration"`
	// Sheet is the number of images on the contact sheet.
	Sheet int `json:"sheet" default:"1000" range:"0..20000" group:"Input and output" help:"<images> that captions.html shows, a random choice where there are more"`
	// GroupSize is the number of images that one worker takes at once, and of the rows of a file.
	GroupSize int `json:"group_size" default:"64" range:"1.." group:"Input and output" help:"<images> that one worker takes at once"`
	// FollowLinks permits symbolic links that lead out of a data set's folder.
	FollowLinks bool `json:"follow_links" group:"Input and output" help:"follow symbolic links that lead out of a data set's folder"`
	// MaxRejects is the share of rejected images above which the run fails.
	MaxRejects float64 `json:"max_rejects" default:"0.05" range:"0..1" group:"Input and output" help:"<share> of rejected images above which the run fails"`

	CaptionSettings `group:"Captions"`
}

// DefaultCaption returns the defaults: the captions of MiniCity's target images.
func DefaultCaption() Caption {
	return defaults[Caption]()
}

// Validate reports all faults at once.
func (c Caption) Validate() error {
	f := check(&c)
	c.CaptionSettings.check(&f)
	return f.err()
}

// Identity is what decides the captions, and in which file each one is.
func (c Caption) Identity() Caption {
	c.Output, c.Overwrite, c.Sheet, c.MaxRejects = "", false, 0, 0
	c.CaptionSettings = c.CaptionSettings.identity()
	return c
}
