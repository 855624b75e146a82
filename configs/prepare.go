package configs

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// Prepare configures pipelines/prepare. Empty sources and targets mean the
// built-in MiniCity scenes.
type Prepare struct {
	// Source and Target are data sets, each "KIND:ROOT" (or "pairs:FILE.yaml:ROOT").
	Source []string `json:"source" is:"dataset" group:"Input" help:"labelled data to learn from, <KIND:FOLDER>; repeat or separate by commas"`
	Target []string `json:"target" is:"dataset" group:"Input" help:"data to adapt to, <KIND:FOLDER>; repeat or separate by commas"`
	// FollowLinks permits symbolic links that lead out of a data set's folder.
	FollowLinks bool `json:"follow_links" group:"Input" help:"follow symbolic links that lead out of a data set's folder"`
	// Scenes is the number of built-in scenes: source, target train, val, extra.
	Scenes [4]int `json:"scenes" default:"240,120,48,120" range:"0.." wants:"four numbers: source, target train, val, extra" group:"Input" help:"<counts> of built-in scenes: source, target train, val, extra"`
	// SceneSize is their width and height in pixels.
	SceneSize string `json:"scene_size" default:"256x128" is:"size" need:"want WIDTHxHEIGHT" group:"Input" help:"<size> of built-in scenes, in pixels"`

	// Output is the folder or gs:// prefix of everything that is written.
	Output string `json:"output" default:"out/prepare" is:"place" need:"no folder or bucket given" group:"Output" help:"<FOLDER> or gs:// prefix to write to"`
	// Overwrite replaces the output of another configuration.
	Overwrite bool `json:"overwrite" group:"Output" help:"replace an output made with another configuration"`
	// ShardSamples is the number of images in a shard.
	ShardSamples int `json:"shard_samples" default:"64" range:"1.." group:"Output" help:"<images> in a shard"`
	// ImageFormat is "png" or "jpg"; Quality is JPEG's, 1 to 100; Compression is
	// PNG's, "fast", "default" or "best".
	ImageFormat string `json:"image_format" default:"png" valid:"png,jpg" before:"captions" group:"Images" help:"stored images: <format> png or jpg"`
	Quality     int    `json:"quality" default:"95" range:"1..100" before:"captions" group:"Images" help:"JPEG quality, <number> from 1 to 100"`
	Compression string `json:"compression" default:"fast" valid:"fast,default,best" before:"captions" group:"Images" help:"PNG compression <level>: fast, default or best"`

	// Labelled is how many target images keep their label: a number or "all".
	Labelled string `json:"labelled" default:"all" group:"Split" help:"target images (or volumes) that keep their label: a <NUMBER> or all; smaller numbers are subsets of larger ones"`
	// LabelledList is a file that names the labelled target images instead.
	LabelledList string `json:"labelled_list" is:"place" group:"Split" help:"<FILE> that names the labelled target images, one a line, instead of --labelled"`
	// Seed of every random choice.
	Seed uint64 `json:"seed" group:"Split" help:"seed of every random choice"`

	// SourceSize and TargetSize are "WxH"; empty takes the data set's own.
	SourceSize string `json:"source_size" is:"size" group:"Images" help:"<size> of source images, such as 1280x760; default: the data set's"`
	TargetSize string `json:"target_size" is:"size" group:"Images" help:"<size> of target images, such as 1024x512; default: the data set's"`
	// Filter is the image resize filter; labels are always nearest.
	Filter string `json:"filter" default:"bicubic" valid:"bilinear,bicubic,lanczos,nearest,area" group:"Images" help:"image resize <filter>: bilinear, bicubic, lanczos, area (all antialiased) or nearest; labels are always nearest"`
	// Crop is "WxH" or empty; Crops is the number of random crops an image.
	Crop  string `json:"crop" is:"size" group:"Images" help:"store random crops of this <size> instead of whole training images"`
	Crops int    `json:"crops" range:"0.." group:"Images" help:"<number> of crops an image, with --crop"`

	VolumeSettings  `group:"Volumes"`
	CaptionSettings `group:"Captions and tokens"`
	// Tokenizer is a CLIP model folder or merges file; empty is the built-in one.
	Tokenizer string `json:"tokenizer" is:"place" group:"Captions and tokens" help:"CLIP model <FOLDER> (tokenizer.json, or vocab.json and merges.txt) or OpenAI merges; default: a small built-in vocabulary"`

	// Workers is the number of images in progress at once in a process; 0 is one per core.
	Workers int `json:"workers" range:"0.." group:"Output" help:"<images> in work at once in a process; 0 is one a core"`
	// PseudoLabels is an output of pseudolabel whose labels target images without a
	// label of their own are trained with.
	PseudoLabels string `json:"pseudo_labels" before:"seed" is:"place" group:"Split" help:"output <FOLDER> of pseudolabel: its labels for target images that have none"`

	// MaxRejects is the share of rejected samples above which the run fails.
	MaxRejects float64 `json:"max_rejects" default:"0.05" range:"0..1" group:"Output" help:"<share> of rejected samples above which the run fails"`
}

// DefaultPrepare returns the defaults. Sizes and filter follow the paper and
// the family of methods that it cites.
func DefaultPrepare() Prepare {
	return defaults[Prepare]()
}

// Validate reports all faults at once.
func (c Prepare) Validate() error {
	f := check(&c)
	if c.LabelledList != "" && c.Labelled != "all" {
		f.add("labelled_list", "give a list or a number (labelled), not both")
	}
	if (c.Crop == "") != (c.Crops == 0) {
		f.add("crops", "crop and crops go together: a size and a number an image")
	}
	if c.Labelled != "all" {
		if n, err := strconv.Atoi(c.Labelled); err != nil || n < 0 {
			f.add("labelled", "%q: want a number of images or all", c.Labelled)
		} else if c.MiniCT && n > c.Cases[0] {
			f.add("labelled", "%d of the %d cases of the train split", n, c.Cases[0])
		} else if c.BuiltIn() && !c.MiniCT && n > c.Scenes[1] {
			f.add("labelled", "%d of the %d scenes of the target's train split", n, c.Scenes[1])
		}
	}
	if c.MiniCT && !c.BuiltIn() {
		f.add("minict", "it is data of its own: leave out source and target")
	}
	c.VolumeSettings.check(&f)
	c.CaptionSettings.check(&f)
	return f.err()
}

// BuiltIn reports whether the run draws its data: MiniCity, or MiniCT.
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

// yamlEnding ends the file of pairs:FILE.yaml:ROOT.
var yamlEnding = regexp.MustCompile(`(?i)\.ya?ml:`)

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
	if end := yamlEnding.FindStringIndex(rest); end != nil && end[1] < len(rest) {
		return Dataset{Kind: kind, Pairs: rest[:end[1]-1], Root: rest[end[1]:]}, nil
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
	if !c.BuiltIn() || c.MiniCT {
		c.Scenes, c.SceneSize = [4]int{}, ""
	}
	if !c.MiniCT {
		c.Cases, c.CaseSize = [3]int{}, ""
	}
	return c
}
