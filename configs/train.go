package configs

// Train configures pipelines/train. The defaults are the paper's where it gives a
// value, and those of docs/DEVIATIONS.md elsewhere.
type Train struct {
	// Data is an output of prepare; Output gets checkpoints, metrics and pictures.
	Data   string `json:"data" default:"out/prepare" is:"place" need:"no output of prepare given" group:"Input and output" help:"<FOLDER> or gs:// prefix that prepare wrote"`
	Output string `json:"output" default:"out/train" is:"place" need:"no folder or bucket given" group:"Input and output" help:"<FOLDER> or gs:// prefix to write to"`
	// Overwrite replaces the output of another configuration.
	Overwrite bool `json:"overwrite" group:"Input and output" help:"replace an output made with another configuration"`

	// Method is semidavil, for images, or one of package methods: for volumes, some for images too.
	Method string `json:"method" default:"semidavil" valid:"semidavil,vnet,uamt,urpc,cps,depl,dhc,ad" before:"clip" group:"Input and output" help:"<method>: semidavil, for images; cps, depl or dhc, for images or volumes; vnet (supervised), uamt, urpc or ad, for volumes"`
	// CLIP is a model folder with pre-trained towers, or minicity, the built-in ones; empty,
	// the tiny preset starts from random values.
	CLIP string `json:"clip" before:"output" is:"place" group:"Input and output" help:"CLIP model <FOLDER> (safetensors) to start from, or minicity, the built-in one; default: the tiny preset with random values"`
	// Vision is what is trained of the vision tower: frozen, attn or all.
	Vision string `json:"vision" default:"attn" valid:"frozen,attn,all" group:"Network" help:"<what> is trained of the vision tower: frozen, attn (attention and positions) or all"`
	// Guidance is the kind of language guidance.
	Guidance string `json:"guidance" default:"sum_res" before:"vision" group:"Network" help:"<kind> of language guidance: sum_res, outer_res, outer, sum_raw, add_lang, cross, cross_lang, wpct, wpct_classes, vlga or none"`
	// Decoder is simple or dlv3p; Norm is bn or gn.
	Decoder string `json:"decoder" default:"simple" valid:"simple,dlv3p" group:"Network" help:"<kind> of decoder: simple or dlv3p; wpct_classes and vlga have none"`
	Norm    string `json:"norm" default:"bn" valid:"bn,gn" group:"Network" help:"<normalisation> of the decoder, or of V-Net: bn (batch) or gn (group)"`
	// Absent are classes that the source lacks, by name: they are never predicted
	// and their labels are ignored.
	Absent []string `json:"absent" group:"Network" help:"<CLASSES> that the source lacks, such as terrain,truck,train for SYNTHIA: never predicted, labels ignored"`

	// Loss is the supervised loss; Omega, HardFraction and Hard are DyCE's.
	Loss         string  `json:"loss" default:"dyce" group:"Losses" help:"supervised <loss>: dyce, ce, wce, focal, dual_ce or dual_focal"`
	Omega        float64 `json:"omega" default:"0.5" range:"0..1" group:"Losses" help:"DyCE's <exponent> ω, 0 (classes alike) to 1 (pixels alike)"`
	HardFraction float64 `json:"hard_fraction" default:"0.2" range:"0..1" group:"Losses" help:"<share> of the hardest pixels that DyCE learns from"`
	Hard         string  `json:"hard" default:"top" valid:"top,ohem" group:"Losses" help:"<how> DyCE chooses hard pixels: top or ohem"`
	// HardRamp lets a young network learn from all pixels: h falls from 1 to HardFraction
	// over that share of the steps.
	HardRamp float64 `json:"hard_ramp" range:"0..1" group:"Losses" help:"<share> of the steps over which hard_fraction falls from 1 to its value"`
	// Lambda weighs the consistency loss; Threshold is the confidence of a pseudo-label;
	// ConsistencyNorm is valid, confident or share; Target is hard or soft.
	Lambda          float64 `json:"lambda" default:"1" range:"0..1e6" group:"Losses" help:"<weight> of the consistency loss"`
	LambdaRamp      float64 `json:"lambda_ramp" range:"0..1" group:"Losses" help:"<share> of the steps over which lambda rises from nearly 0 to its value"`
	Threshold       float64 `json:"threshold" default:"0.95" range:"0..1" group:"Losses" help:"<confidence> from which the teacher's prediction is learnt"`
	ThresholdRule   string  `json:"threshold_rule" default:"fixed" valid:"fixed,class" group:"Losses" help:"<rule> of the threshold: fixed, or class (a class's mean confidence in the batch, where that is lower)"`
	ConsistencyNorm string  `json:"consistency_norm" default:"valid" valid:"valid,confident,share" group:"Losses" help:"<what> the consistency loss is divided by: all valid or only confident pixels; share learns all pixels and multiplies by the confident share"`
	// ConsistencyBalance gives pseudo-labels DyCE's weights of classes.
	ConsistencyBalance bool   `json:"consistency_balance" group:"Losses" help:"weigh pseudo-labels by class as DyCE does, with omega"`
	Target             string `json:"target" default:"hard" valid:"hard,soft" group:"Losses" help:"<kind> of consistency target: hard or soft"`
	// DyCEOnPseudo learns pseudo-labels with Loss, in the methods for volumes that have hard ones.
	DyCEOnPseudo bool `json:"dyce_on_pseudo" group:"Losses" help:"learn pseudo-labels with --loss too, not with cross-entropy (cps, depl, dhc, ad)"`
	// FeatureDropout perturbs the features of the strong view.
	FeatureDropout float64 `json:"feature_dropout" range:"0..0.9" group:"Losses" help:"<probability> with which a channel of a strong view's features is dropped"`
	// Alpha is the teacher's momentum; TeacherInit is copy or independent.
	Alpha       float64 `json:"alpha" default:"0.999" range:"0..1" group:"Losses" help:"<momentum> of the teacher"`
	TeacherInit string  `json:"teacher_init" default:"copy" valid:"copy,independent" group:"Losses" help:"<how> the teacher starts: copy (of the student) or independent"`

	// Batch is the number of source, labelled and unlabelled images of a step.
	Batch [3]int `json:"batch" default:"4,4,4" range:"0.." wants:"three numbers: source, labelled, unlabelled" group:"Batches" help:"<COUNTS> of source, labelled and unlabelled images in a step; 4,0,0 is source only; on volumes 0,2,2, or 0,2,0 for vnet"`
	// Crop is "WxH".
	Crop string `json:"crop" default:"512x512" is:"size" need:"want WIDTHxHEIGHT" group:"Batches" help:"<size> of the random crops"`
	// Strong is the strong augmentation: cutmix, cowmix, classmix or none.
	Strong string `json:"strong" default:"cutmix" valid:"cutmix,cowmix,classmix,none" group:"Batches" help:"strong <augmentation>: cutmix, cowmix (spots, not a box), classmix (for 0 labels) or none"`
	// RareClass samples source images by the rareness of their classes.
	RareClass            bool    `json:"rare_class" group:"Batches" help:"draw source images with rare classes more often"`
	RareClassTemperature float64 `json:"rare_class_temperature" default:"0.01" group:"Batches" help:"<temperature> of --rare_class; lower is rarer"`

	VolumeTraining `group:"Volumes"`

	Optimiser   string  `json:"optimiser" default:"adamw" valid:"adamw,sgd,nesterov" group:"Optimisation" help:"<kind> of optimiser: adamw, sgd or nesterov (sgd with Nesterov's momentum)"`
	LR          float64 `json:"lr" default:"1e-4" range:"0..1000" group:"Optimisation" help:"learning <rate> of guidance and decoder, or of V-Net"`
	VisionLR    float64 `json:"vision_lr" default:"5e-6" range:"0..1000" group:"Optimisation" help:"learning <rate> of the vision tower"`
	WeightDecay float64 `json:"weight_decay" default:"2e-4" range:"0..1000" group:"Optimisation" help:"decoupled weight <decay>"`
	Momentum    float64 `json:"momentum" default:"0.9" range:"0..0.999999" group:"Optimisation" help:"<momentum> of sgd, and β1 of adamw"`
	ClipNorm    float64 `json:"clip_norm" range:"0..1e12" group:"Optimisation" help:"clip gradients to this <norm>; 0 does not"`
	Schedule    string  `json:"schedule" default:"exp" valid:"exp,poly,constant" group:"Optimisation" help:"<kind> of learning-rate schedule: exp (×0.9 forty times), poly or constant"`
	Steps       int     `json:"steps" default:"40000" range:"1.." before:"optimiser" group:"Optimisation" help:"<number> of training steps"`
	Seed        uint64  `json:"seed" group:"Optimisation" help:"seed of every random choice"`

	// Backend computes: auto, go, xla:cpu, xla:cuda or xla:PATH.
	Backend string `json:"backend" default:"auto" group:"Computation" help:"what computes: <NAME> auto, go, xla:cpu, xla:cuda or xla:PATH of a PJRT plug-in"`
	// Precision is float32 or bfloat16; Remat saves memory for time.
	Precision string `json:"precision" default:"float32" valid:"float32,bfloat16" group:"Computation" help:"<type> of activations: float32 or bfloat16 (on GPUs)"`
	Remat     bool   `json:"remat" group:"Computation" help:"recompute activations in the backward pass: less memory, more time"`
	// Workers prepare batches; 0 is one per core.
	Workers int `json:"workers" range:"0.." group:"Batches" help:"<batches> in work at once; 0 is one a core"`

	LogEvery        int    `json:"log_every" default:"10" range:"1.." group:"Reports" help:"<steps> from one line of metrics to the next"`
	EvaluateEvery   int    `json:"evaluate_every" default:"1000" range:"1.." group:"Reports" help:"<steps> from one evaluation, with pictures, to the next"`
	EvaluateImages  int    `json:"evaluate_images" range:"0.." group:"Reports" help:"<images> of an evaluation during training; 0 is all"`
	CheckpointEvery int    `json:"checkpoint_every" default:"500" range:"1.." group:"Reports" help:"<steps> from one checkpoint to the next"`
	Keep            int    `json:"keep" default:"3" range:"1.." group:"Reports" help:"<number> of checkpoints to keep beside the best"`
	Window          string `json:"window" default:"sliding" valid:"sliding,whole" before:"checkpoint_every" group:"Reports" help:"<how> evaluation covers images: sliding (windows of the crop size) or whole"`
}

// DefaultTrain returns the defaults.
func DefaultTrain() Train {
	return defaults[Train]()
}

// Identity is what decides the resulting weights: all but places, reports and who
// computes. (Remat changes their last bits.)
func (c Train) Identity() Train {
	c.Output, c.Overwrite, c.Workers, c.Backend = "", false, 0, ""
	c.LogEvery, c.EvaluateEvery, c.EvaluateImages, c.CheckpointEvery, c.Keep = 0, 0, 0, 0, 0
	c.Window, c.Overlap = "", 0
	return c
}

// Validate reports all faults at once. What belongs to the network and its losses is
// checked where it is built.
func (c Train) Validate() error {
	f := check(&c)
	if c.Batch[0]+c.Batch[1] < 1 {
		f.add("batch", "there are no labelled images: the first two numbers are 0")
	}
	if _, err := ParseGrid(c.Patch); err != nil {
		f.add("patch", "%v", err)
	}
	if !(c.RareClassTemperature > 0) {
		f.add("rare_class_temperature", "%v is not above 0", c.RareClassTemperature)
	}
	return f.err()
}
