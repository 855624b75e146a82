package configs

import (
	"flag"
	"fmt"
	"strconv"
	"strings"
)

// Inference says which network looks at images, and how. Pipelines that use a trained
// network have these settings.
type Inference struct {
	// Checkpoint is an output folder of train, or one of its files.
	Checkpoint string `yaml:"checkpoint" json:"checkpoint"`
	// CLIP is the model folder whose text tower reads the captions; empty is the one
	// that the training had.
	CLIP string `yaml:"clip" json:"clip"`
	// Size is what images are resized to before the network, "WxH"; empty is the
	// prepared size of the training's target images.
	Size string `yaml:"size" json:"size"`
	// Filter is the image resize filter.
	Filter string `yaml:"filter" json:"filter"`
	// Window is "trained" (as the training's own evaluations), "whole" or "sliding";
	// WindowSize that of sliding windows, empty is the training's crop. They overlap by
	// a third.
	Window     string `yaml:"window" json:"window"`
	WindowSize string `yaml:"window_size" json:"window_size"`
	// Scales and Flip average over further views of an image.
	Scales []float64 `yaml:"scales" json:"scales"`
	Flip   bool      `yaml:"flip" json:"flip"`
	// Batch is the number of images that pass the network together.
	Batch     int    `yaml:"batch" json:"batch"`
	Backend   string `yaml:"backend" json:"backend"`
	Precision string `yaml:"precision" json:"precision"`
	// FollowLinks permits symbolic links that lead out of a data set's folder.
	FollowLinks bool `yaml:"follow_links" json:"follow_links"`
	// MaxRejects is the share of rejected images above which the run fails.
	MaxRejects float64 `yaml:"max_rejects" json:"max_rejects"`

	CaptionSettings `yaml:",inline"`
}

func defaultInference() Inference {
	return Inference{Checkpoint: "out/train", Filter: "bicubic", Window: "trained", Batch: 4, Backend: "auto", Precision: "float32", MaxRejects: 0.05,
		CaptionSettings: defaultCaptions()}
}

// NetworkFlags lists the flags of the network, for the groups of a help.
func NetworkFlags() []string {
	return []string{"checkpoint", "clip", "size", "filter", "window", "window_size", "scales", "flip", "batch", "backend", "precision"}
}

// bindInference registers a flag for every field of c.
func bindInference(fs *flag.FlagSet, c *Inference) {
	fs.StringVar(&c.Checkpoint, "checkpoint", c.Checkpoint, "output `FOLDER` of train (its best student), or a .safetensors file of it")
	fs.StringVar(&c.CLIP, "clip", c.CLIP, "CLIP model `FOLDER` that reads the captions; default: the one that the training had")
	fs.StringVar(&c.Size, "size", c.Size, "`size` that the network sees, such as 1024x512; default: as the training's target images were prepared")
	fs.StringVar(&c.Filter, "filter", c.Filter, "image resize `filter`: bilinear, bicubic, lanczos, area (all antialiased) or nearest")
	fs.StringVar(&c.Window, "window", c.Window, "`how` images are covered: trained (as in the training's evaluations), whole, or sliding (overlapping windows)")
	fs.StringVar(&c.WindowSize, "window_size", c.WindowSize, "`size` of sliding windows; default: the training's crop")
	fs.Var(&numbers{dst: &c.Scales}, "scales", "average over these `factors` of the size, such as 0.5,0.75,1,1.25,1.5,1.75")
	fs.BoolVar(&c.Flip, "flip", c.Flip, "average over the mirror image too")
	fs.IntVar(&c.Batch, "batch", c.Batch, "`images` that pass the network together")
	fs.StringVar(&c.Backend, "backend", c.Backend, "what computes: `NAME` auto, go, xla:cpu, xla:cuda or xla:PATH of a PJRT plug-in")
	fs.StringVar(&c.Precision, "precision", c.Precision, "`type` of activations: float32 or bfloat16 (on GPUs)")
	fs.BoolVar(&c.FollowLinks, "follow_links", c.FollowLinks, "follow symbolic links that lead out of a data set's folder")
	fs.Float64Var(&c.MaxRejects, "max_rejects", c.MaxRejects, "`share` of rejected images above which the run fails")
	BindCaptions(fs, &c.CaptionSettings)
	fs.Lookup("tokenizer").Usage = "CLIP model `FOLDER` or OpenAI merges; default: the one that the training's captions were prepared with"
}

func (c Inference) validate(f *faults) {
	f.size("size", c.Size)
	f.size("window_size", c.WindowSize)
	f.oneOf("filter", c.Filter, "bilinear", "bicubic", "lanczos", "nearest", "area")
	f.oneOf("window", c.Window, "trained", "whole", "sliding")
	f.oneOf("precision", c.Precision, "float32", "bfloat16")
	f.atLeast("batch", c.Batch, 1)
	f.share("max_rejects", c.MaxRejects)
	for _, s := range c.Scales {
		if !(s >= 1.0/16 && s <= 16) {
			f.add("scales", "%v is not within 1/16 to 16", s)
		}
	}
	if c.WindowSize != "" && c.Window != "sliding" {
		f.add("window_size", "only --window=sliding has windows")
	}
	f.place("checkpoint", c.Checkpoint)
	f.place("clip", c.CLIP)
	c.CaptionSettings.validate(f)
}

// identity clears what does not decide the predictions.
func (c Inference) identity() Inference {
	c.MaxRejects, c.Backend = 0, ""
	c.CaptionSettings = c.CaptionSettings.identity()
	return c
}

// numbers is a flag of comma-separated numbers.
type numbers struct{ dst *[]float64 }

func (n *numbers) String() string {
	if n.dst == nil {
		return ""
	}
	var out []string
	for _, v := range *n.dst {
		out = append(out, strconv.FormatFloat(v, 'g', -1, 64))
	}
	return strings.Join(out, ",")
}

func (n *numbers) Set(s string) error {
	*n.dst = nil
	for _, part := range strings.Split(s, ",") {
		v, err := strconv.ParseFloat(strings.TrimSpace(part), 64)
		if err != nil {
			return fmt.Errorf("%q is not a number", part)
		}
		*n.dst = append(*n.dst, v)
	}
	return nil
}
