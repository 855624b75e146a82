package train

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"semidavil/configs"
	"semidavil/internal/loader"
	"semidavil/model/clip"
	"semidavil/model/decode"
	"semidavil/model/dlg"
	"semidavil/model/infer"
	"semidavil/model/loss"
	"semidavil/model/methods"
	"semidavil/model/optim"
	"semidavil/model/segmenter"
	"semidavil/model/textfeatures"
	"semidavil/model/train"
	clips "semidavil/model/weights/builtin"
	"semidavil/stages"
	"semidavil/transforms/shards"
	"semidavil/transforms/text/builtin"
)

// plan maps the configuration and the data's manifest to the parameters of the
// training. It is the one place that knows both.
func plan(ctx context.Context, cfg configs.Train) (train.Config, error) {
	m, err := stages.ReadManifest(ctx, cfg.Data)
	if err != nil {
		return train.Config{}, err
	}
	method, err := methodOf(cfg)
	if err != nil {
		return train.Config{}, err
	}
	if cfg.CLIP == clips.Name && m.Tokenizer.Name != builtin.Name {
		return train.Config{}, fmt.Errorf("train: --clip=%s reads the built-in vocabulary, the data has that of %s; give the CLIP folder that it was prepared with", clips.Name, m.Tokenizer.Name)
	}
	absent, err := classIDs(cfg.Absent, m)
	if err != nil {
		return train.Config{}, err
	}
	width, height, err := configs.ParseSize(cfg.Crop)
	if err != nil {
		return train.Config{}, err
	}
	supervised, optimiser := supervisedLoss(cfg), optimiserOf(cfg)
	consistency := loss.ConsistencyConfig{Threshold: cfg.Threshold, Norm: cfg.ConsistencyNorm, Target: cfg.Target, Balance: cfg.ConsistencyBalance}
	// What is literal stays out of the configuration, so that older checkpoints are resumed.
	if cfg.ThresholdRule != "fixed" {
		consistency.Rule = cfg.ThresholdRule
	}
	if cfg.ConsistencyBalance {
		consistency.Omega = cfg.Omega
	}
	c := train.Config{
		Output: cfg.Output, Overwrite: cfg.Overwrite,
		CLIP: cfg.CLIP,
		Segmenter: segmenter.Config{
			CLIP:     clip.Tiny(m.Tokenizer.Vocab),
			Guidance: dlg.Config{Kind: cfg.Guidance, Context: shards.Context, Classes: len(m.Classes)},
			Decoder:  decode.Config{Kind: cfg.Decoder, Norm: cfg.Norm, Classes: len(m.Classes), Absent: absent},
		},
		Vision:      cfg.Vision,
		Loss:        supervised,
		Consistency: consistency,
		Method:      method,
		LambdaRamp:  cfg.LambdaRamp, HardRamp: cfg.HardRamp, FeatureDropout: cfg.FeatureDropout,
		Lambda:             cfg.Lambda,
		Alpha:              cfg.Alpha,
		IndependentTeacher: cfg.TeacherInit == "independent" || method != nil,
		Optimiser:          optimiser,
		VisionLR:           cfg.VisionLR,
		Schedule:           optim.ScheduleOf(cfg.Schedule),
		Steps:              cfg.Steps,
		Seed:               cfg.Seed,
		Loader: loader.Config{Dir: cfg.Data, Seed: cfg.Seed, CropW: width, CropH: height,
			Source: cfg.Batch[0], Labelled: cfg.Batch[1], Unlabelled: cfg.Batch[2], Strong: cfg.Strong, Flip: true,
			RareClass: cfg.RareClass, RareTemperature: cfg.RareClassTemperature, Workers: cfg.Workers},
		BFloat16: cfg.Precision == "bfloat16",
		Remat:    cfg.Remat,
		LogEvery: cfg.LogEvery, EvaluateEvery: cfg.EvaluateEvery, EvaluateImages: cfg.EvaluateImages,
		CheckpointEvery: cfg.CheckpointEvery, Keep: cfg.Keep,
	}
	if c.Segmenter.Guidance.NeedsClasses() {
		c.Segmenter.Decoder.Kind = "resize" // such a guidance is a decoder itself
		if c.Prompts, err = prompts(ctx, cfg.CLIP, m); err != nil {
			return c, err
		}
	}
	if cfg.Window == "sliding" {
		c.Window = infer.Sliding(width, height)
	}
	return c, c.Check()
}

// methodOf are the settings of a method with two networks on images, nil for the paper's own.
func methodOf(cfg configs.Train) (*methods.Config, error) {
	switch {
	case cfg.Method == "semidavil":
		if cfg.DyCEOnPseudo {
			return nil, errors.New("train: --dyce_on_pseudo is for the methods cps, depl, dhc and ad; --consistency_balance weighs the pseudo-labels of semidavil")
		}
		return nil, nil
	case !methods.ForImages(cfg.Method):
		return nil, fmt.Errorf("train: --data=%s holds images; --method=%s is for volumes", cfg.Data, cfg.Method)
	case cfg.Batch[2] == 0:
		return nil, fmt.Errorf("train: --method=%s learns from unlabelled images too; give --batch=4,4,4", cfg.Method)
	}
	return &methods.Config{Kind: cfg.Method, Loss: supervisedLoss(cfg), OnPseudo: cfg.DyCEOnPseudo, Threshold: cfg.Threshold}, nil
}

// supervisedLoss are the settings of the loss on labels.
func supervisedLoss(cfg configs.Train) loss.Config {
	c := loss.Constants()
	c.Kind, c.Omega, c.HardFraction, c.Hard = cfg.Loss, cfg.Omega, cfg.HardFraction, cfg.Hard
	return c
}

// optimiserOf are the settings of the optimiser.
func optimiserOf(cfg configs.Train) optim.Config {
	c := optim.Constants()
	c.Kind, c.LR, c.WeightDecay, c.ClipNorm = cfg.Optimiser, cfg.LR, cfg.WeightDecay, cfg.ClipNorm
	c.Beta1, c.Momentum = cfg.Momentum, cfg.Momentum
	if cfg.Optimiser == "nesterov" {
		c.Kind, c.Nesterov = "sgd", true
	}
	return c
}

// prompts names the classes in the sentence that CLIP's authors use, as token ids.
func prompts(ctx context.Context, clipDir string, m shards.Manifest) ([]textfeatures.Tokens, error) {
	if m.Tokenizer.Name == builtin.Name {
		clipDir = ""
	}
	tokenizer, err := stages.LoadTokenizer(ctx, clipDir)
	if err != nil {
		return nil, err
	}
	if tokenizer.Digest() != m.Tokenizer.SHA256 {
		return nil, fmt.Errorf("train: the tokeniser of --clip=%s is not the one that the data was prepared with (%s)", clipDir, m.Tokenizer.Name)
	}
	var out []textfeatures.Tokens
	for _, class := range m.Classes {
		tokens := tokenizer.Frame("a photo of a " + class.Name + ".")
		out = append(out, textfeatures.Tokens{IDs: tokens.IDs, Count: tokens.N})
	}
	return out, nil
}

// classIDs finds classes by name.
func classIDs(names []string, m shards.Manifest) ([]int, error) {
	var ids []int
	for _, name := range names {
		id := -1
		for i, c := range m.Classes {
			if strings.EqualFold(c.Name, strings.TrimSpace(name)) {
				id = i
			}
		}
		if id < 0 {
			var known []string
			for _, c := range m.Classes {
				known = append(known, c.Name)
			}
			return nil, fmt.Errorf("train: --absent=%s: the data has no such class; it has %s", name, strings.Join(known, ", "))
		}
		ids = append(ids, id)
	}
	return ids, nil
}
