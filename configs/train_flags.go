package configs

import (
	"flag"
	"fmt"
	"strconv"
	"strings"
)

// BindTrain registers a flag for every field of c, with c's present values as
// defaults.
func BindTrain(fs *flag.FlagSet, c *Train) {
	fs.StringVar(&c.Data, "data", c.Data, "`FOLDER` or gs:// prefix that prepare wrote")
	fs.StringVar(&c.Output, "output", c.Output, "`FOLDER` or gs:// prefix to write to")
	fs.BoolVar(&c.Overwrite, "overwrite", c.Overwrite, "replace an output made with another configuration")

	fs.StringVar(&c.CLIP, "clip", c.CLIP, "CLIP model `FOLDER` (safetensors) to start from; default: the tiny preset with random values")
	fs.StringVar(&c.Vision, "vision", c.Vision, "`what` is trained of the vision tower: frozen, attn (attention and positions) or all")
	fs.StringVar(&c.Guidance, "guidance", c.Guidance, "`kind` of language guidance: outer_res, sum_res, outer, sum_raw, add_lang, cross, cross_lang, wpct, wpct_classes, vlga or none")
	fs.StringVar(&c.Decoder, "decoder", c.Decoder, "`kind` of decoder: simple or dlv3p; wpct_classes and vlga have none")
	fs.StringVar(&c.Norm, "norm", c.Norm, "`normalisation` of the decoder: bn (batch) or gn (group)")
	fs.Var(&list{dst: &c.Absent}, "absent", "`CLASSES` that the source lacks, such as terrain,truck,train for SYNTHIA: never predicted, labels ignored")

	fs.StringVar(&c.Loss, "loss", c.Loss, "supervised `loss`: dyce, ce, wce, focal, dual_ce or dual_focal")
	fs.Float64Var(&c.Omega, "omega", c.Omega, "DyCE's `exponent` ω, 0 (classes alike) to 1 (pixels alike)")
	fs.Float64Var(&c.HardFraction, "hard_fraction", c.HardFraction, "`share` of the hardest pixels that DyCE learns from")
	fs.StringVar(&c.Hard, "hard", c.Hard, "`how` DyCE chooses hard pixels: top or ohem")
	fs.Float64Var(&c.Lambda, "lambda", c.Lambda, "`weight` of the consistency loss")
	fs.Float64Var(&c.Threshold, "threshold", c.Threshold, "`confidence` from which the teacher's prediction is learnt")
	fs.StringVar(&c.ConsistencyNorm, "consistency_norm", c.ConsistencyNorm, "`what` the consistency loss is divided by: all valid or only confident pixels")
	fs.StringVar(&c.Target, "target", c.Target, "`kind` of consistency target: hard or soft")
	fs.Float64Var(&c.Alpha, "alpha", c.Alpha, "`momentum` of the teacher")
	fs.StringVar(&c.TeacherInit, "teacher_init", c.TeacherInit, "`how` the teacher starts: copy (of the student) or independent")

	fs.Var(&triple{&c.Batch}, "batch", "`COUNTS` of source, labelled and unlabelled images in a step; 4,0,0 is source only")
	fs.StringVar(&c.Crop, "crop", c.Crop, "`size` of the random crops")
	fs.StringVar(&c.Strong, "strong", c.Strong, "strong `augmentation`: cutmix, classmix (for 0 labels) or none")
	fs.BoolVar(&c.RareClass, "rare_class", c.RareClass, "draw source images with rare classes more often")
	fs.Float64Var(&c.RareClassTemperature, "rare_class_temperature", c.RareClassTemperature, "`temperature` of --rare_class; lower is rarer")

	fs.StringVar(&c.Optimiser, "optimiser", c.Optimiser, "`kind` of optimiser: adamw or sgd")
	fs.Float64Var(&c.LR, "lr", c.LR, "learning `rate` of guidance and decoder")
	fs.Float64Var(&c.VisionLR, "vision_lr", c.VisionLR, "learning `rate` of the vision tower")
	fs.Float64Var(&c.WeightDecay, "weight_decay", c.WeightDecay, "decoupled weight `decay`")
	fs.Float64Var(&c.Momentum, "momentum", c.Momentum, "`momentum` of sgd, and β1 of adamw")
	fs.Float64Var(&c.ClipNorm, "clip_norm", c.ClipNorm, "clip gradients to this `norm`; 0 does not")
	fs.StringVar(&c.Schedule, "schedule", c.Schedule, "`kind` of learning-rate schedule: exp (×0.9 forty times), poly or constant")
	fs.IntVar(&c.Steps, "steps", c.Steps, "`number` of training steps")
	fs.Uint64Var(&c.Seed, "seed", c.Seed, "seed of every random choice")

	fs.StringVar(&c.Backend, "backend", c.Backend, "what computes: `NAME` auto, go, xla:cpu, xla:cuda or xla:PATH of a PJRT plug-in")
	fs.StringVar(&c.Precision, "precision", c.Precision, "`type` of activations: float32 or bfloat16 (on GPUs)")
	fs.BoolVar(&c.Remat, "remat", c.Remat, "recompute activations in the backward pass: less memory, more time")
	fs.IntVar(&c.Workers, "workers", c.Workers, "`batches` in work at once; 0 is one a core")

	fs.IntVar(&c.LogEvery, "log_every", c.LogEvery, "`steps` from one line of metrics to the next")
	fs.IntVar(&c.EvaluateEvery, "evaluate_every", c.EvaluateEvery, "`steps` from one evaluation, with pictures, to the next")
	fs.IntVar(&c.EvaluateImages, "evaluate_images", c.EvaluateImages, "`images` of an evaluation during training; 0 is all")
	fs.IntVar(&c.CheckpointEvery, "checkpoint_every", c.CheckpointEvery, "`steps` from one checkpoint to the next")
	fs.IntVar(&c.Keep, "keep", c.Keep, "`number` of checkpoints to keep beside the best")
	fs.StringVar(&c.Window, "window", c.Window, "`how` evaluation covers images: sliding (windows of the crop size) or whole")
}

// triple is a flag of three numbers.
type triple struct{ dst *[3]int }

func (t *triple) String() string {
	if t.dst == nil {
		return ""
	}
	return fmt.Sprintf("%d,%d,%d", t.dst[0], t.dst[1], t.dst[2])
}

func (t *triple) Set(s string) error {
	parts := strings.Split(s, ",")
	if len(parts) != 3 {
		return fmt.Errorf("%q: want three numbers: source, labelled, unlabelled", s)
	}
	for i, p := range parts {
		n, err := strconv.Atoi(strings.TrimSpace(p))
		if err != nil {
			return fmt.Errorf("%q: want three numbers: source, labelled, unlabelled", s)
		}
		t.dst[i] = n
	}
	return nil
}
