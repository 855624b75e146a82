package configs

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Train configures pipelines/train. The defaults are the paper's where it gives a
// value, and those of docs/DEVIATIONS.md elsewhere.
type Train struct {
	// Data is an output of prepare; Output gets checkpoints, metrics and pictures.
	Data   string `yaml:"data" json:"data"`
	Output string `yaml:"output" json:"output"`
	// Overwrite replaces the output of another configuration.
	Overwrite bool `yaml:"overwrite" json:"overwrite"`

	// CLIP is a model folder with pre-trained towers; empty, the tiny preset starts
	// from random values.
	CLIP string `yaml:"clip" json:"clip"`
	// Vision is what is trained of the vision tower: frozen, attn or all.
	Vision string `yaml:"vision" json:"vision"`
	// Guidance is the kind of language guidance.
	Guidance string `yaml:"guidance" json:"guidance"`
	// Decoder is simple or dlv3p; Norm is bn or gn.
	Decoder string `yaml:"decoder" json:"decoder"`
	Norm    string `yaml:"norm" json:"norm"`
	// Absent are classes that the source lacks, by name: they are never predicted
	// and their labels are ignored.
	Absent []string `yaml:"absent" json:"absent"`

	// Loss is the supervised loss; Omega, HardFraction and Hard are DyCE's.
	Loss         string  `yaml:"loss" json:"loss"`
	Omega        float64 `yaml:"omega" json:"omega"`
	HardFraction float64 `yaml:"hard_fraction" json:"hard_fraction"`
	Hard         string  `yaml:"hard" json:"hard"`
	// Lambda weighs the consistency loss; Threshold is the confidence of a
	// pseudo-label; ConsistencyNorm is valid or confident; Target is hard or soft.
	Lambda          float64 `yaml:"lambda" json:"lambda"`
	Threshold       float64 `yaml:"threshold" json:"threshold"`
	ConsistencyNorm string  `yaml:"consistency_norm" json:"consistency_norm"`
	Target          string  `yaml:"target" json:"target"`
	// Alpha is the teacher's momentum; TeacherInit is copy or independent.
	Alpha       float64 `yaml:"alpha" json:"alpha"`
	TeacherInit string  `yaml:"teacher_init" json:"teacher_init"`

	// Batch is the number of source, labelled and unlabelled images of a step.
	Batch [3]int `yaml:"batch" json:"batch"`
	// Crop is "WxH".
	Crop string `yaml:"crop" json:"crop"`
	// Strong is the strong augmentation: cutmix, classmix or none.
	Strong string `yaml:"strong" json:"strong"`
	// RareClass samples source images by the rareness of their classes.
	RareClass            bool    `yaml:"rare_class" json:"rare_class"`
	RareClassTemperature float64 `yaml:"rare_class_temperature" json:"rare_class_temperature"`

	Optimiser   string  `yaml:"optimiser" json:"optimiser"`
	LR          float64 `yaml:"lr" json:"lr"`
	VisionLR    float64 `yaml:"vision_lr" json:"vision_lr"`
	WeightDecay float64 `yaml:"weight_decay" json:"weight_decay"`
	Momentum    float64 `yaml:"momentum" json:"momentum"`
	ClipNorm    float64 `yaml:"clip_norm" json:"clip_norm"`
	Schedule    string  `yaml:"schedule" json:"schedule"`
	Steps       int     `yaml:"steps" json:"steps"`
	Seed        uint64  `yaml:"seed" json:"seed"`

	// Backend computes: auto, go, xla:cpu, xla:cuda or xla:PATH.
	Backend string `yaml:"backend" json:"backend"`
	// Precision is float32 or bfloat16; Remat saves memory for time.
	Precision string `yaml:"precision" json:"precision"`
	Remat     bool   `yaml:"remat" json:"remat"`
	// Workers prepare batches; 0 is one a core.
	Workers int `yaml:"workers" json:"workers"`

	LogEvery        int    `yaml:"log_every" json:"log_every"`
	EvaluateEvery   int    `yaml:"evaluate_every" json:"evaluate_every"`
	EvaluateImages  int    `yaml:"evaluate_images" json:"evaluate_images"`
	CheckpointEvery int    `yaml:"checkpoint_every" json:"checkpoint_every"`
	Keep            int    `yaml:"keep" json:"keep"`
	Window          string `yaml:"window" json:"window"`
}

// DefaultTrain returns the defaults.
func DefaultTrain() Train {
	return Train{
		Data: "out/prepare", Output: "out/train",
		Vision: "attn", Guidance: "outer_res", Decoder: "simple", Norm: "bn",
		Loss: "dyce", Omega: 0.5, HardFraction: 0.2, Hard: "top",
		Lambda: 1, Threshold: 0.95, ConsistencyNorm: "valid", Target: "hard",
		Alpha: 0.999, TeacherInit: "copy",
		Batch: [3]int{4, 4, 4}, Crop: "512x512", Strong: "cutmix", RareClassTemperature: 0.01,
		Optimiser: "adamw", LR: 1e-4, VisionLR: 5e-6, WeightDecay: 2e-4, Momentum: 0.9,
		Schedule: "exp", Steps: 40000,
		Backend: "auto", Precision: "float32",
		LogEvery: 10, EvaluateEvery: 1000, CheckpointEvery: 500, Keep: 3, Window: "sliding",
	}
}

// Identity is what decides the weights that come out: all but places, reports and who
// computes. (Remat changes their last bits.)
func (c Train) Identity() Train {
	c.Output, c.Overwrite, c.Workers, c.Backend = "", false, 0, ""
	c.LogEvery, c.EvaluateEvery, c.EvaluateImages, c.CheckpointEvery, c.Keep = 0, 0, 0, 0, 0
	c.Window = ""
	return c
}

// Validate reports all faults at once. What belongs to the network and its losses is
// checked where it is built.
func (c Train) Validate() error {
	faults := places(c.Data, c.Output, c.CLIP)
	fault := func(key, format string, args ...any) {
		faults = append(faults, fmt.Errorf("configs: %s: %s", key, fmt.Sprintf(format, args...)))
	}
	oneOf := func(key, value string, valid ...string) {
		if !slices.Contains(valid, value) {
			fault(key, "%q is unknown; valid: %s", value, strings.Join(valid, ", "))
		}
	}
	positive := func(key string, value int) {
		if value < 1 {
			fault(key, "%d is below 1", value)
		}
	}
	within := func(key string, value, low, high float64) {
		if !(value >= low && value <= high) { // NaN too
			fault(key, "%v is not within %v to %v", value, low, high)
		}
	}
	if c.Data == "" {
		fault("data", "no output of prepare given")
	}
	if c.Output == "" || c.Output == "gs://" {
		fault("output", "no folder or bucket given")
	}
	if _, _, err := ParseSize(c.Crop); err != nil {
		fault("crop", "%v", err)
	}
	for i, n := range c.Batch {
		if n < 0 {
			fault("batch", "number %d is negative: %d", i+1, n)
		}
	}
	if c.Batch[0]+c.Batch[1] < 1 {
		fault("batch", "there are no labelled images: the first two numbers are 0")
	}
	oneOf("vision", c.Vision, "frozen", "attn", "all")
	oneOf("decoder", c.Decoder, "simple", "dlv3p")
	oneOf("norm", c.Norm, "bn", "gn")
	oneOf("hard", c.Hard, "top", "ohem")
	oneOf("consistency_norm", c.ConsistencyNorm, "valid", "confident")
	oneOf("target", c.Target, "hard", "soft")
	oneOf("teacher_init", c.TeacherInit, "copy", "independent")
	oneOf("strong", c.Strong, "cutmix", "classmix", "none")
	oneOf("optimiser", c.Optimiser, "adamw", "sgd")
	oneOf("schedule", c.Schedule, "exp", "poly", "constant")
	oneOf("precision", c.Precision, "float32", "bfloat16")
	oneOf("window", c.Window, "sliding", "whole")
	within("omega", c.Omega, 0, 1)
	within("hard_fraction", c.HardFraction, 0, 1)
	within("threshold", c.Threshold, 0, 1)
	within("alpha", c.Alpha, 0, 1)
	within("lambda", c.Lambda, 0, 1e6)
	within("lr", c.LR, 0, 1e3)
	within("vision_lr", c.VisionLR, 0, 1e3)
	within("weight_decay", c.WeightDecay, 0, 1e3)
	within("momentum", c.Momentum, 0, 0.999999)
	within("clip_norm", c.ClipNorm, 0, 1e12)
	if !(c.RareClassTemperature > 0) {
		fault("rare_class_temperature", "%v is not above 0", c.RareClassTemperature)
	}
	positive("steps", c.Steps)
	positive("log_every", c.LogEvery)
	positive("evaluate_every", c.EvaluateEvery)
	positive("checkpoint_every", c.CheckpointEvery)
	positive("keep", c.Keep)
	if c.EvaluateImages < 0 || c.Workers < 0 {
		fault("evaluate_images, workers", "negative")
	}
	return errors.Join(faults...)
}
