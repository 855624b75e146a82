package configs

import (
	"fmt"
	"strconv"
	"strings"
)

// Prepare configures pipelines/prepare. Empty sources and targets mean the
// built-in MiniCity scenes.
type Prepare struct {
	// Source and Target are data sets, each "KIND:ROOT" (or "pairs:FILE.yaml:ROOT").
	Source []string `yaml:"source" json:"source"`
	Target []string `yaml:"target" json:"target"`
	// FollowLinks permits symbolic links that lead out of a data set's folder.
	FollowLinks bool `yaml:"follow_links" json:"follow_links"`
	// Scenes is the number of built-in scenes: source, target train, val, extra.
	Scenes [4]int `yaml:"scenes" json:"scenes"`
	// SceneSize is their width and height in pixels.
	SceneSize string `yaml:"scene_size" json:"scene_size"`

	// Output is the folder or gs:// prefix of everything that is written.
	Output string `yaml:"output" json:"output"`
	// Overwrite replaces the output of another configuration.
	Overwrite bool `yaml:"overwrite" json:"overwrite"`
	// ShardSamples is the number of images in a shard.
	ShardSamples int `yaml:"shard_samples" json:"shard_samples"`
	// ImageFormat is "png" or "jpg"; Quality is JPEG's, 1 to 100; Compression is
	// PNG's, "fast", "default" or "best".
	ImageFormat string `yaml:"image_format" json:"image_format"`
	Quality     int    `yaml:"quality" json:"quality"`
	Compression string `yaml:"compression" json:"compression"`

	// Labelled is how many target images keep their label: a number or "all".
	Labelled string `yaml:"labelled" json:"labelled"`
	// LabelledList is a file that names the labelled target images instead.
	LabelledList string `yaml:"labelled_list" json:"labelled_list"`
	// Seed of every random choice.
	Seed uint64 `yaml:"seed" json:"seed"`

	// SourceSize and TargetSize are "WxH"; empty takes the data set's own.
	SourceSize string `yaml:"source_size" json:"source_size"`
	TargetSize string `yaml:"target_size" json:"target_size"`
	// Filter is the image resize filter; labels are always nearest.
	Filter string `yaml:"filter" json:"filter"`
	// Crop is "WxH" or empty; Crops is the number of random crops an image.
	Crop  string `yaml:"crop" json:"crop"`
	Crops int    `yaml:"crops" json:"crops"`

	CaptionSettings `yaml:",inline"`

	// Workers is the number of images in work at once in a process; 0 is one a core.
	Workers int `yaml:"workers" json:"workers"`
	// PseudoLabels is an output of pseudolabel whose labels target images without a
	// label of their own are trained with.
	PseudoLabels string `yaml:"pseudo_labels" json:"pseudo_labels"`

	// MaxRejects is the share of rejected samples above which the run fails.
	MaxRejects float64 `yaml:"max_rejects" json:"max_rejects"`
}

// DefaultPrepare returns the defaults. Sizes and filter follow the paper and
// the family of methods that it cites.
func DefaultPrepare() Prepare {
	return Prepare{
		Scenes:          [4]int{240, 120, 48, 120},
		SceneSize:       "256x128",
		Output:          "out/prepare",
		ShardSamples:    64,
		ImageFormat:     "png",
		Quality:         95,
		Compression:     "fast",
		Labelled:        "all",
		Filter:          "bicubic",
		CaptionSettings: defaultCaptions(),
		MaxRejects:      0.05,
	}
}

// Validate reports all faults at once.
func (c Prepare) Validate() error {
	var f faults
	f.output(c.Output)
	if c.LabelledList != "" && c.Labelled != "all" {
		f.add("labelled_list", "give a list or a number (labelled), not both")
	}
	for i, n := range c.Scenes {
		f.atLeast(fmt.Sprintf("scenes[%d]", i), n, 0)
	}
	if c.SceneSize == "" {
		f.add("scene_size", "want WIDTHxHEIGHT")
	}
	f.size("scene_size", c.SceneSize)
	f.size("source_size", c.SourceSize)
	f.size("target_size", c.TargetSize)
	f.size("crop", c.Crop)
	f.atLeast("shard_samples", c.ShardSamples, 1)
	f.atLeast("crops", c.Crops, 0)
	f.atLeast("workers", c.Workers, 0)
	if (c.Crop == "") != (c.Crops == 0) {
		f.add("crops", "crop and crops go together: a size and a number an image")
	}
	f.oneOf("image_format", c.ImageFormat, "png", "jpg")
	f.oneOf("compression", c.Compression, "fast", "default", "best")
	f.oneOf("filter", c.Filter, "bilinear", "bicubic", "lanczos", "nearest", "area")
	if c.Quality < 1 || c.Quality > 100 {
		f.add("quality", "%d is not within 1 to 100", c.Quality)
	}
	if c.Labelled != "all" {
		if n, err := strconv.Atoi(c.Labelled); err != nil || n < 0 {
			f.add("labelled", "%q: want a number of images or all", c.Labelled)
		}
	}
	f.share("max_rejects", c.MaxRejects)
	f.place("labelled_list", c.LabelledList)
	f.place("pseudo_labels", c.PseudoLabels)
	c.CaptionSettings.validate(&f)
	for _, list := range []struct {
		key  string
		vals []string
	}{{"source", c.Source}, {"target", c.Target}} {
		for _, v := range list.vals {
			before := len(f)
			if f.data(list.key, v); len(f) > before { // not repeated
				continue
			}
			if _, err := ParseDataset(v); err != nil {
				f.add(list.key, "%v", err)
			}
		}
	}
	return f.err()
}

// BuiltIn reports whether the run uses the built-in MiniCity scenes.
func (c Prepare) BuiltIn() bool { return len(c.Source) == 0 && len(c.Target) == 0 }

// LabelledCount returns the number of labelled target images; -1 means all.
func (c Prepare) LabelledCount() int {
	n, err := strconv.Atoi(c.Labelled)
	if err != nil {
		return -1
	}
	return n
}

// Dataset is one parsed data set argument.
type Dataset struct {
	Kind string
	// Pairs is the description file of the generic kind.
	Pairs string
	Root  string
}

// String is the argument that ParseDataset reads.
func (d Dataset) String() string {
	if d.Pairs != "" {
		return d.Kind + ":" + d.Pairs + ":" + d.Root
	}
	return d.Kind + ":" + d.Root
}

// maxPixels bounds prepared images, as the decoder bounds those that are read.
const maxPixels = 100_000_000

// ParseDataset reads "KIND:ROOT" or "pairs:FILE.yaml:ROOT". Roots may be
// gs:// URLs.
func ParseDataset(s string) (Dataset, error) {
	kind, rest, ok := strings.Cut(s, ":")
	if kind == "gs" {
		return Dataset{}, fmt.Errorf("%q: want KIND:gs://..., such as cityscapes:%s", s, s)
	}
	if !ok || kind == "" || rest == "" {
		return Dataset{}, fmt.Errorf("%q: want KIND:FOLDER, such as cityscapes:/data/cityscapes", s)
	}
	if kind != "pairs" {
		return Dataset{Kind: kind, Root: rest}, nil
	}
	for _, ext := range []string{".yaml:", ".yml:"} {
		if i := strings.Index(rest, ext); i >= 0 && len(rest) > i+len(ext) {
			cut := i + len(ext) - 1
			return Dataset{Kind: kind, Pairs: rest[:cut], Root: rest[cut+1:]}, nil
		}
	}
	return Dataset{}, fmt.Errorf("%q: want pairs:FILE.yaml:FOLDER", s)
}

// ParseSize reads "WIDTHxHEIGHT" in pixels.
func ParseSize(s string) (w, h int, err error) {
	ws, hs, ok := strings.Cut(s, "x")
	if ok {
		w, err = strconv.Atoi(ws)
		if err == nil {
			h, err = strconv.Atoi(hs)
		}
	}
	if !ok || err != nil || w < 1 || h < 1 || w > maxPixels/h {
		return 0, 0, fmt.Errorf("%q: want WIDTHxHEIGHT in pixels, such as 1024x512, and at most 100 million of them", s)
	}
	return w, h, nil
}

// Identity returns the part of the configuration that decides the output: two
// runs of equal identity over the same data write the same bytes.
func (c Prepare) Identity() Prepare {
	c.Output, c.Overwrite, c.Workers, c.MaxRejects = "", false, 0, 0
	c.CaptionSettings = c.CaptionSettings.identity()
	if len(c.Source) == 0 {
		c.Source = nil
	}
	if len(c.Target) == 0 {
		c.Target = nil
	}
	if !c.BuiltIn() {
		c.Scenes, c.SceneSize = [4]int{}, ""
	}
	return c
}
