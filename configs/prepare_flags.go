package configs

import (
	"errors"
	"flag"
	"fmt"
	"strconv"
	"strings"
)

// BindPrepare registers a flag for every field of c, with c's present values
// as defaults.
func BindPrepare(fs *flag.FlagSet, c *Prepare) {
	fs.Var(&list{dst: &c.Source}, "source", "labelled data to learn from, `KIND:FOLDER`; repeat or separate by commas")
	fs.Var(&list{dst: &c.Target}, "target", "data to adapt to, `KIND:FOLDER`; repeat or separate by commas")
	fs.BoolVar(&c.FollowLinks, "follow_links", c.FollowLinks, "follow symbolic links that lead out of a data set's folder")
	fs.Var(&counts{dst: &c.Scenes}, "scenes", "`counts` of built-in scenes: source, target train, val, extra")
	fs.StringVar(&c.SceneSize, "scene_size", c.SceneSize, "`size` of built-in scenes, in pixels")

	fs.StringVar(&c.Output, "output", c.Output, "`FOLDER` or gs:// prefix to write to")
	fs.BoolVar(&c.Overwrite, "overwrite", c.Overwrite, "replace an output made with another configuration")
	fs.IntVar(&c.ShardSamples, "shard_samples", c.ShardSamples, "`images` in a shard")
	fs.StringVar(&c.ImageFormat, "image_format", c.ImageFormat, "stored images: `format` png or jpg")
	fs.IntVar(&c.Quality, "quality", c.Quality, "JPEG quality, `number` from 1 to 100")
	fs.StringVar(&c.Compression, "compression", c.Compression, "PNG compression `level`: fast, default or best")

	fs.StringVar(&c.Labelled, "labelled", c.Labelled, "target images that keep their label: a `NUMBER` or all; smaller numbers are subsets of larger ones")
	fs.StringVar(&c.LabelledList, "labelled_list", c.LabelledList, "`FILE` that names the labelled target images, one a line, instead of --labelled")
	fs.Uint64Var(&c.Seed, "seed", c.Seed, "seed of every random choice")

	fs.StringVar(&c.SourceSize, "source_size", c.SourceSize, "`size` of source images, such as 1280x760; default: the data set's")
	fs.StringVar(&c.TargetSize, "target_size", c.TargetSize, "`size` of target images, such as 1024x512; default: the data set's")
	fs.StringVar(&c.Filter, "filter", c.Filter, "image resize `filter`: bilinear, bicubic, lanczos, area (all antialiased) or nearest; labels are always nearest")
	fs.StringVar(&c.Crop, "crop", c.Crop, "store random crops of this `size` instead of whole training images")
	fs.IntVar(&c.Crops, "crops", c.Crops, "`number` of crops an image, with --crop")

	BindCaptions(fs, &c.CaptionSettings)

	fs.StringVar(&c.PseudoLabels, "pseudo_labels", c.PseudoLabels, "output `FOLDER` of pseudolabel: its labels for target images that have none")
	fs.IntVar(&c.Workers, "workers", c.Workers, "`images` in work at once in a process; 0 is one a core")
	fs.Float64Var(&c.MaxRejects, "max_rejects", c.MaxRejects, "`share` of rejected samples above which the run fails")
}

// list is a repeatable, comma-separated flag. The first Set replaces the
// default, later ones append.
type list struct {
	dst *[]string
	set bool
}

func (l *list) String() string {
	if l.dst == nil {
		return ""
	}
	return strings.Join(*l.dst, ",")
}

func (l *list) Set(s string) error {
	if !l.set {
		*l.dst = nil
		l.set = true
	}
	for _, v := range strings.Split(s, ",") {
		if v = strings.TrimSpace(v); v != "" {
			*l.dst = append(*l.dst, v)
		}
	}
	if len(*l.dst) == 0 { // such as --source=$UNSET, where MiniCity is not meant
		return errors.New("no data set given")
	}
	return nil
}

// counts is a flag of four comma-separated numbers.
type counts struct{ dst *[4]int }

func (c *counts) String() string {
	if c.dst == nil {
		return ""
	}
	return strings.Trim(strings.ReplaceAll(fmt.Sprint(*c.dst), " ", ","), "[]")
}

func (c *counts) Set(s string) error {
	parts := strings.Split(s, ",")
	if len(parts) != len(c.dst) {
		return fmt.Errorf("want four numbers: source, target train, val, extra")
	}
	for i, p := range parts {
		n, err := strconv.Atoi(strings.TrimSpace(p))
		if err != nil {
			return fmt.Errorf("%q is not a number", p)
		}
		c.dst[i] = n
	}
	return nil
}
