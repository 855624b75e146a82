package configs

import (
	"errors"
	"flag"
	"fmt"
)

// Pretrain configures pipelines/pretrain, the contrastive training of a small CLIP
// where no pre-trained one exists.
type Pretrain struct {
	// Data is an output of prepare; Output gets the model folder and checkpoints.
	Data   string `yaml:"data" json:"data"`
	Output string `yaml:"output" json:"output"`
	// Overwrite replaces the output of another configuration.
	Overwrite bool `yaml:"overwrite" json:"overwrite"`
	// CLIP is a model folder to go on from; empty, the tiny preset starts from
	// random values.
	CLIP string `yaml:"clip" json:"clip"`
	// Size is "WxH" that whole images are resized to.
	Size string `yaml:"size" json:"size"`
	// Batch is the number of pairs of a step.
	Batch int `yaml:"batch" json:"batch"`
	// OneWay uses Eq. (1) as quoted, image to text only.
	OneWay      bool    `yaml:"one_way" json:"one_way"`
	LR          float64 `yaml:"lr" json:"lr"`
	WeightDecay float64 `yaml:"weight_decay" json:"weight_decay"`
	ClipNorm    float64 `yaml:"clip_norm" json:"clip_norm"`
	Warmup      int     `yaml:"warmup" json:"warmup"`
	Steps       int     `yaml:"steps" json:"steps"`
	Seed        uint64  `yaml:"seed" json:"seed"`
	Backend     string  `yaml:"backend" json:"backend"`
	Workers     int     `yaml:"workers" json:"workers"`

	LogEvery        int `yaml:"log_every" json:"log_every"`
	EvaluateEvery   int `yaml:"evaluate_every" json:"evaluate_every"`
	CheckpointEvery int `yaml:"checkpoint_every" json:"checkpoint_every"`
}

// DefaultPretrain returns the defaults: MiniCity with the tiny preset in minutes.
func DefaultPretrain() Pretrain {
	return Pretrain{
		Data: "out/prepare", Output: "out/pretrain", Size: "128x64", Batch: 32,
		LR: 1e-3, WeightDecay: 0.1, ClipNorm: 1, Warmup: 20, Steps: 200, Backend: "auto",
		LogEvery: 10, EvaluateEvery: 100, CheckpointEvery: 100,
	}
}

// Identity is what decides the weights that come out.
func (c Pretrain) Identity() Pretrain {
	c.Output, c.Overwrite, c.Workers, c.Backend = "", false, 0, ""
	c.LogEvery, c.EvaluateEvery, c.CheckpointEvery = 0, 0, 0
	return c
}

// Validate reports all faults at once.
func (c Pretrain) Validate() error {
	faults := places(c.Data, c.Output, c.CLIP)
	fault := func(key, format string, args ...any) {
		faults = append(faults, fmt.Errorf("configs: %s: %s", key, fmt.Sprintf(format, args...)))
	}
	if c.Data == "" {
		fault("data", "no output of prepare given")
	}
	if c.Output == "" || c.Output == "gs://" {
		fault("output", "no folder or bucket given")
	}
	if _, _, err := ParseSize(c.Size); err != nil {
		fault("size", "%v", err)
	}
	for _, n := range []struct {
		key   string
		value int
	}{{"steps", c.Steps}, {"log_every", c.LogEvery}, {"evaluate_every", c.EvaluateEvery}, {"checkpoint_every", c.CheckpointEvery}, {"batch", c.Batch - 1}} {
		if n.value < 1 {
			fault(n.key, "too small")
		}
	}
	for _, n := range []struct {
		key   string
		value float64
	}{{"lr", c.LR}, {"weight_decay", c.WeightDecay}, {"clip_norm", c.ClipNorm}} {
		if !(n.value >= 0 && n.value < 1e9) {
			fault(n.key, "%v is negative or no number", n.value)
		}
	}
	if c.Warmup < 0 || c.Workers < 0 {
		fault("warmup, workers", "negative")
	}
	return errors.Join(faults...)
}

// BindPretrain registers a flag for every field of c, with c's present values as
// defaults.
func BindPretrain(fs *flag.FlagSet, c *Pretrain) {
	fs.StringVar(&c.Data, "data", c.Data, "`FOLDER` or gs:// prefix that prepare wrote")
	fs.StringVar(&c.Output, "output", c.Output, "`FOLDER` or gs:// prefix to write to")
	fs.BoolVar(&c.Overwrite, "overwrite", c.Overwrite, "replace an output made with another configuration")
	fs.StringVar(&c.CLIP, "clip", c.CLIP, "CLIP model `FOLDER` to go on from; default: the tiny preset with random values")
	fs.StringVar(&c.Size, "size", c.Size, "`size` that whole images are resized to")
	fs.IntVar(&c.Batch, "batch", c.Batch, "`pairs` of image and caption in a step")
	fs.BoolVar(&c.OneWay, "one_way", c.OneWay, "only pick the caption for each image, as the paper's Eq. (1), not also the image for each caption")
	fs.Float64Var(&c.LR, "lr", c.LR, "learning `rate`")
	fs.Float64Var(&c.WeightDecay, "weight_decay", c.WeightDecay, "decoupled weight `decay`")
	fs.Float64Var(&c.ClipNorm, "clip_norm", c.ClipNorm, "clip gradients to this `norm`; 0 does not")
	fs.IntVar(&c.Warmup, "warmup", c.Warmup, "`steps` in which the learning rate rises")
	fs.IntVar(&c.Steps, "steps", c.Steps, "`number` of training steps")
	fs.Uint64Var(&c.Seed, "seed", c.Seed, "seed of every random choice")
	fs.StringVar(&c.Backend, "backend", c.Backend, "what computes: `NAME` auto, go, xla:cpu, xla:cuda or xla:PATH of a PJRT plug-in")
	fs.IntVar(&c.Workers, "workers", c.Workers, "`batches` in work at once; 0 is one a core")
	fs.IntVar(&c.LogEvery, "log_every", c.LogEvery, "`steps` from one line of metrics to the next")
	fs.IntVar(&c.EvaluateEvery, "evaluate_every", c.EvaluateEvery, "`steps` from one evaluation to the next")
	fs.IntVar(&c.CheckpointEvery, "checkpoint_every", c.CheckpointEvery, "`steps` from one checkpoint to the next")
}
