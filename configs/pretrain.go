package configs

// Pretrain configures pipelines/pretrain, the contrastive training of a small CLIP
// where no pre-trained one exists.
type Pretrain struct {
	// Data is an output of prepare; Output gets the model folder and checkpoints.
	Data   string `json:"data" default:"out/prepare" is:"place" need:"no output of prepare given" group:"Input and output" help:"<FOLDER> or gs:// prefix that prepare wrote"`
	Output string `json:"output" default:"out/pretrain" is:"place" need:"no folder or bucket given" group:"Input and output" help:"<FOLDER> or gs:// prefix to write to"`
	// Overwrite replaces the output of another configuration.
	Overwrite bool `json:"overwrite" group:"Input and output" help:"replace an output made with another configuration"`
	// CLIP is a model folder to start from; empty, the tiny preset starts from
	// random values.
	CLIP string `json:"clip" before:"output" is:"place" group:"Input and output" help:"CLIP model <FOLDER> to go on from, or minicity, the built-in one; default: the tiny preset with random values"`
	// Size is "WxH" that whole images are resized to.
	Size string `json:"size" default:"128x64" is:"size" need:"want WIDTHxHEIGHT" group:"Training" help:"<size> that whole images are resized to"`
	// Batch is the number of pairs of a step.
	Batch int `json:"batch" default:"32" range:"2.." group:"Training" help:"<pairs> of image and caption in a step"`
	// Scenes are drawn where the data is that of MiniCity.
	Scenes int `json:"scenes" default:"4000" range:"0.." before:"batch" group:"Training" help:"<number> of built-in scenes drawn for the training where the data is of built-in scenes; 0: only the data's"`
	// Words is the weight of the loss that ties words to patches.
	Words float64 `json:"words" default:"0.1" range:"0..1e6" before:"lr" group:"Training" help:"<weight> of the loss that finds the captions' words in patches; 0 is plain CLIP"`
	// OneWay uses Eq. (1) as quoted, image to text only.
	OneWay      bool    `json:"one_way" group:"Training" help:"only pick the caption for each image, as the paper's Eq. (1), not also the image for each caption"`
	LR          float64 `json:"lr" default:"1e-3" range:"0..1e9" group:"Training" help:"learning <rate>"`
	WeightDecay float64 `json:"weight_decay" default:"0.1" range:"0..1e9" group:"Training" help:"decoupled weight <decay>"`
	ClipNorm    float64 `json:"clip_norm" default:"1" range:"0..1e9" group:"Training" help:"clip gradients to this <norm>; 0 does not"`
	Warmup      int     `json:"warmup" default:"20" range:"0.." before:"weight_decay" group:"Training" help:"<steps> in which the learning rate rises"`
	Steps       int     `json:"steps" default:"200" range:"1.." before:"one_way" group:"Training" help:"<number> of training steps"`
	Seed        uint64  `json:"seed" group:"Training" help:"seed of every random choice"`
	Backend     string  `json:"backend" default:"auto" group:"Computation" help:"what computes: <NAME> auto, go, xla:cpu, xla:cuda or xla:PATH of a PJRT plug-in"`
	Workers     int     `json:"workers" range:"0.." group:"Computation" help:"<batches> in work at once; 0 is one a core"`

	LogEvery        int `json:"log_every" default:"10" range:"1.." group:"Reports" help:"<steps> from one line of metrics to the next"`
	EvaluateEvery   int `json:"evaluate_every" default:"100" range:"1.." group:"Reports" help:"<steps> from one evaluation to the next"`
	CheckpointEvery int `json:"checkpoint_every" default:"100" range:"1.." group:"Reports" help:"<steps> from one checkpoint to the next"`
}

// DefaultPretrain returns the defaults: MiniCity with the tiny preset in minutes.
func DefaultPretrain() Pretrain {
	return defaults[Pretrain]()
}

// Identity is what decides the resulting weights.
func (c Pretrain) Identity() Pretrain {
	c.Output, c.Overwrite, c.Workers, c.Backend = "", false, 0, ""
	c.LogEvery, c.EvaluateEvery, c.CheckpointEvery = 0, 0, 0
	return c
}

// Validate reports all faults at once.
func (c Pretrain) Validate() error {
	f := check(&c)
	return f.err()
}
