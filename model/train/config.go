// Package train trains the networks of the method ([Run]) and a small CLIP ([Pretrain]): one
// graph for a whole step of student and teacher, and the loop around it with data,
// checkpoints, metrics and pictures. A run resumes from the newest checkpoint of its output.
package train

import (
	"errors"
	"fmt"
	"slices"

	"github.com/gomlx/compute/dtypes"

	"semidavil/internal/loader"
	"semidavil/model/infer"
	"semidavil/model/loss"
	"semidavil/model/methods"
	"semidavil/model/optim"
	"semidavil/model/segmenter"
	"semidavil/model/textfeatures"
)

// Config is all that decides the result of a training run, and where its files go.
type Config struct {
	// Output is the folder or gs:// prefix of checkpoints, metrics and pictures.
	Output string
	// Overwrite replaces checkpoints of other settings, data or pre-trained weights
	// instead of refusing them.
	Overwrite bool `json:",omitempty"`
	// CLIP is a model folder with the pre-trained towers; empty, they start from
	// random values.
	CLIP string

	Segmenter segmenter.Config
	// Prompts name the classes, in their order, for the kinds of guidance that need it.
	Prompts []textfeatures.Tokens
	// Vision says what of the vision tower is trained: "frozen", "attn" (attention
	// and positions) or "all".
	Vision      string
	Loss        loss.Config
	Consistency loss.ConsistencyConfig
	// Method, unless nil, trains student and teacher as the two networks of a method of package
	// methods, from independent starts, in the place of a teacher that is an average: each learns
	// from the other.
	Method *methods.Config `json:",omitempty"`
	// Lambda weighs the consistency loss.
	Lambda float64
	// LambdaRamp is the share of the steps over which the weight of the consistency loss
	// rises to Lambda, HardRamp that over which DyCE's share of hard pixels falls from 1 to
	// its value; 0 has them from the start.
	LambdaRamp float64 `json:",omitempty"`
	HardRamp   float64 `json:",omitempty"`
	// FeatureDropout is the probability with which a channel of the features of a strong
	// view is 0 (UniMatch's perturbation of features).
	FeatureDropout float64 `json:",omitempty"`
	// Alpha is the teacher's momentum, Eq. (6).
	Alpha float64
	// IndependentTeacher starts the teacher from other random values instead of a
	// copy of the student.
	IndependentTeacher bool

	Optimiser optim.Config
	// VisionLR is the learning rate of the vision tower.
	VisionLR float64
	Schedule optim.Schedule
	// Steps is the length of the training.
	Steps int
	Seed  uint64

	Loader loader.Config `json:"Feed"` // as fingerprints have it

	// BFloat16 computes in bfloat16; weights, statistics and losses stay float32.
	BFloat16 bool
	// Remat recomputes activations in the backward pass to save memory.
	Remat bool

	// Every so many steps: a line of metrics, an evaluation with pictures, a
	// checkpoint.
	LogEvery, EvaluateEvery, CheckpointEvery int
	// Keep is the number of checkpoints beside the best.
	Keep int
	// Window covers the images of the evaluation.
	Window infer.Window
	// EvaluateImages limits the images of an evaluation during training; 0 is all.
	EvaluateImages int
}

// Check reports everything that is invalid in c.
func (c Config) Check() error {
	var faults []error
	fault := func(format string, args ...any) {
		faults = append(faults, fmt.Errorf("train: check config: "+format, args...))
	}
	if err := c.Segmenter.Check(); err != nil {
		faults = append(faults, err)
	}
	supervised := c.Loss
	if supervised.Kind == "wce" && supervised.ClassWeights == nil { // they come from the data
		supervised.ClassWeights = slices.Repeat([]float32{1}, max(c.Segmenter.Decoder.Classes, 0))
	}
	if err := supervised.Check(c.Segmenter.Decoder.Classes); err != nil {
		faults = append(faults, err)
	}
	if c.CLIP == "" { // else its patches are not known yet
		if err := c.Segmenter.CheckSize(c.Loader.CropW, c.Loader.CropH); err != nil {
			faults = append(faults, err)
		}
	}
	if c.Vision != "frozen" && c.Vision != "attn" && c.Vision != "all" {
		fault("vision %q is unknown; valid: frozen, attn, all", c.Vision)
	}
	if c.Segmenter.Guidance.NeedsClasses() && len(c.Prompts) != c.Segmenter.Decoder.Classes {
		fault("guidance %s needs a prompt for each of %d classes, not %d", c.Segmenter.Guidance.Kind, c.Segmenter.Decoder.Classes, len(c.Prompts))
	}
	if err := c.Optimiser.Check(); err != nil {
		faults = append(faults, err)
	}
	if err := c.Schedule.Check(); err != nil {
		faults = append(faults, err)
	}
	if err := c.Consistency.Check(); err != nil {
		faults = append(faults, err)
	}
	if m := c.Method; m != nil {
		faults = append(faults, m.Check(c.Segmenter.Decoder.Classes))
		if !methods.ForImages(m.Kind) {
			fault("method %s is for volumes", m.Kind)
		}
		if c.Loader.Unlabelled == 0 {
			fault("a step has no unlabelled images; method %s wants some", m.Kind)
		}
		if !c.IndependentTeacher {
			fault("the two networks of method %s start alike: want an independent teacher", m.Kind)
		}
		if c.FeatureDropout > 0 {
			fault("feature dropout is not for method %s", m.Kind)
		}
	}
	if !(c.FeatureDropout >= 0 && c.FeatureDropout < 1) {
		fault("feature dropout %v is not within 0 to below 1", c.FeatureDropout)
	}
	for name, share := range map[string]float64{"lambda": c.LambdaRamp, "hard fraction": c.HardRamp} {
		if !(share >= 0 && share <= 1) {
			fault("ramp of the %s over the share %v of the steps: not within 0 to 1", name, share)
		}
	}
	if c.Loader.Source+c.Loader.Labelled < 1 {
		fault("a step has no labelled images")
	}
	if c.Steps < 1 || c.LogEvery < 1 || c.EvaluateEvery < 1 || c.CheckpointEvery < 1 || c.Keep < 1 {
		fault("steps, log, evaluate, checkpoint and keep numbers must be 1 or more")
	}
	return errors.Join(faults...)
}

// computeType is the type of activations.
func (c Config) computeType() dtypes.DType {
	if c.BFloat16 {
		return dtypes.BFloat16
	}
	return dtypes.Float32
}

// Names of the networks in the parameter store.
const (
	Student = infer.Student
	Teacher = infer.Teacher
)

// TeacherVision is the network whose vision tower the teacher uses: a frozen one is
// shared instead of being stored twice.
func (c Config) TeacherVision() string {
	if c.Vision == "frozen" {
		return Student
	}
	return Teacher
}
