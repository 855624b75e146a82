package configs

import (
	"errors"
	"fmt"
	"net/url"
	"path"
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

	// Captions is the kind of captioner: sidecar, classnames, http or blip2.
	Captions string `yaml:"captions" json:"captions"`
	// CaptionFallback is used where a sidecar is missing: "classnames" or "reject".
	CaptionFallback string `yaml:"caption_fallback" json:"caption_fallback"`
	// CaptionsFrom is a captions folder or JSONL file of an earlier run to reuse.
	CaptionsFrom string `yaml:"captions_from" json:"captions_from"`
	// The endpoint of the http captioner.
	CaptionURL         string `yaml:"caption_url" json:"caption_url"`
	CaptionModel       string `yaml:"caption_model" json:"caption_model"`
	CaptionPrompt      string `yaml:"caption_prompt" json:"caption_prompt"`
	CaptionKeyEnv      string `yaml:"caption_key_env" json:"caption_key_env"`
	CaptionConcurrency int    `yaml:"caption_concurrency" json:"caption_concurrency"`

	// Tokenizer is a CLIP model folder or merges file; empty is the built-in one.
	Tokenizer string `yaml:"tokenizer" json:"tokenizer"`

	// Workers is the number of images in work at once in a process; 0 is one a core.
	Workers int `yaml:"workers" json:"workers"`
	// MaxRejects is the share of rejected samples above which the run fails.
	MaxRejects float64 `yaml:"max_rejects" json:"max_rejects"`
}

// DefaultPrepare returns the defaults. Sizes and filter follow the paper and
// the family of methods that it cites.
func DefaultPrepare() Prepare {
	return Prepare{
		Scenes:             [4]int{240, 120, 48, 120},
		SceneSize:          "256x128",
		Output:             "out/prepare",
		ShardSamples:       64,
		ImageFormat:        "png",
		Quality:            95,
		Compression:        "fast",
		Labelled:           "all",
		Filter:             "bicubic",
		Captions:           "sidecar",
		CaptionFallback:    "classnames",
		CaptionConcurrency: 8,
		MaxRejects:         0.05,
	}
}

// Validate reports all faults at once.
func (c Prepare) Validate() error {
	var faults []error
	fault := func(key, format string, args ...any) {
		faults = append(faults, fmt.Errorf("configs: %s: %s", key, fmt.Sprintf(format, args...)))
	}
	oneOf := func(key, value string, valid ...string) {
		for _, v := range valid {
			if value == v {
				return
			}
		}
		fault(key, "%q is unknown; valid: %s", value, strings.Join(valid, ", "))
	}
	size := func(key, value string) {
		if value != "" {
			if _, _, err := ParseSize(value); err != nil {
				fault(key, "%v", err)
			}
		}
	}
	atLeast := func(key string, value, least int) {
		if value < least {
			fault(key, "%d is below %d", value, least)
		}
	}
	if c.Output == "" || c.Output == "gs://" {
		fault("output", "no folder or bucket given")
	}
	if c.LabelledList != "" && c.Labelled != "all" {
		fault("labelled_list", "give a list or a number (labelled), not both")
	}
	for i, n := range c.Scenes {
		atLeast(fmt.Sprintf("scenes[%d]", i), n, 0)
	}
	if c.SceneSize == "" {
		fault("scene_size", "want WIDTHxHEIGHT")
	}
	size("scene_size", c.SceneSize)
	size("source_size", c.SourceSize)
	size("target_size", c.TargetSize)
	size("crop", c.Crop)
	atLeast("shard_samples", c.ShardSamples, 1)
	atLeast("crops", c.Crops, 0)
	atLeast("workers", c.Workers, 0)
	atLeast("caption_concurrency", c.CaptionConcurrency, 1)
	if (c.Crop == "") != (c.Crops == 0) {
		fault("crops", "crop and crops go together: a size and a number an image")
	}
	oneOf("image_format", c.ImageFormat, "png", "jpg")
	oneOf("compression", c.Compression, "fast", "default", "best")
	oneOf("captions", c.Captions, "sidecar", "classnames", "http", "blip2")
	oneOf("caption_fallback", c.CaptionFallback, "classnames", "reject")
	oneOf("filter", c.Filter, "bilinear", "bicubic", "lanczos", "nearest", "area")
	if c.Quality < 1 || c.Quality > 100 {
		fault("quality", "%d is not within 1 to 100", c.Quality)
	}
	if c.Labelled != "all" {
		if n, err := strconv.Atoi(c.Labelled); err != nil || n < 0 {
			fault("labelled", "%q: want a number of images or all", c.Labelled)
		}
	}
	if !(c.MaxRejects >= 0 && c.MaxRejects <= 1) { // NaN too
		fault("max_rejects", "%v is not within 0 to 1", c.MaxRejects)
	}
	if u, err := url.Parse(c.CaptionURL); err == nil {
		for name := range u.Query() {
			if name != "api-version" { // the configuration is stored and shown
				fault("caption_url", "the parameter %q may be a secret: give a key through caption_key_env", name)
			}
		}
	}
	if c.Captions == "http" && (c.CaptionURL == "" || c.CaptionModel == "") {
		fault("captions", "http needs caption_url and caption_model")
	}
	for _, list := range []struct {
		key  string
		vals []string
	}{{"source", c.Source}, {"target", c.Target}} {
		for _, v := range list.vals {
			if _, err := ParseDataset(v); err != nil {
				fault(list.key, "%v", err)
			}
		}
	}
	return errors.Join(faults...)
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
	c.CaptionConcurrency, c.CaptionKeyEnv = 0, ""
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

// Clean makes local paths independent of trailing slashes.
func (c Prepare) Clean() Prepare {
	if !strings.HasPrefix(c.Output, "gs://") {
		c.Output = path.Clean(c.Output)
	} else {
		c.Output = "gs://" + strings.TrimRight(strings.TrimPrefix(c.Output, "gs://"), "/")
	}
	return c
}
