package configs

// Inference says which network segments images, and how. Pipelines that use a trained
// network have these settings.
type Inference struct {
	TrainedNetwork `group:"Network"`
	// Size is what images are resized to before the network, "WxH"; empty is the
	// prepared size of the training's target images.
	Size string `json:"size" is:"size" group:"Network" help:"<size> that the network sees, such as 1024x512; default: as the training's target images were prepared"`
	// Filter is the image resize filter.
	Filter string `json:"filter" default:"bicubic" valid:"bilinear,bicubic,lanczos,nearest,area" group:"Network" help:"image resize <filter>: bilinear, bicubic, lanczos, area (all antialiased) or nearest"`
	// Window is "trained" (as the training's own evaluations), "whole" or "sliding";
	// WindowSize that of sliding windows, empty is the training's crop. They overlap by
	// a third.
	Window     string `json:"window" default:"trained" valid:"trained,whole,sliding" group:"Network" help:"<how> images are covered: trained (as in the training's evaluations), whole, or sliding (overlapping windows)"`
	WindowSize string `json:"window_size" is:"size" group:"Network" help:"<size> of sliding windows; default: the training's crop"`
	// Overlap is that of the windows in which a network sees volumes.
	Overlap float64 `json:"overlap" default:"0.5" range:"0..0.95" group:"Network" help:"<share> by which the patches overlap in which a network sees volumes"`
	// Scales and Flip average over further views of an image.
	Scales []float64 `json:"scales" range:"0.0625..16" group:"Network" help:"average over these <factors> of the size, such as 0.5,0.75,1,1.25,1.5,1.75"`
	Flip   bool      `json:"flip" group:"Network" help:"average over the mirror image too"`
	// Batch is the number of images that pass the network together.
	Batch     int    `json:"batch" default:"4" range:"1.." group:"Network" help:"<images> that pass the network together"`
	Backend   string `json:"backend" default:"auto" group:"Network" help:"what computes: <NAME> auto, go, xla:cpu, xla:cuda or xla:PATH of a PJRT plug-in"`
	Precision string `json:"precision" default:"float32" valid:"float32,bfloat16" group:"Network" help:"<type> of activations: float32 or bfloat16 (on GPUs)"`
	// FollowLinks permits symbolic links that lead out of a data set's folder.
	FollowLinks bool `json:"follow_links" group:"Input and output" help:"follow symbolic links that lead out of a data set's folder"`
	// MaxRejects is the share of rejected images above which the run fails.
	MaxRejects float64 `json:"max_rejects" default:"0.05" range:"0..1" group:"Input and output" help:"<share> of rejected images above which the run fails"`

	CaptionSettings  `group:"Captions and tokens of raw images"`
	TrainedTokenizer `group:"Captions and tokens of raw images"`
}

// check holds the rules of more than one setting.
func (c Inference) check(f *faults) {
	if c.WindowSize != "" && c.Window != "sliding" {
		f.add("window_size", "only --window=sliding has windows")
	}
	c.CaptionSettings.check(f)
}

// identity clears what does not decide the predictions.
func (c Inference) identity() Inference {
	c.MaxRejects, c.Backend = 0, ""
	c.CaptionSettings = c.CaptionSettings.identity()
	return c
}

// TrainedNetwork says where a trained network is. Its settings are the same for all commands
// that use one.
type TrainedNetwork struct {
	// Checkpoint is an output folder of train, or one of its files.
	Checkpoint string `json:"checkpoint" default:"out/train" is:"place" help:"output <FOLDER> of train (its best student), or a .safetensors file of it"`
	// CLIP is the model folder whose text tower reads the captions; empty is the one
	// that the training had.
	CLIP string `json:"clip" is:"place" help:"CLIP model <FOLDER> that reads the captions, or minicity; default: the one that the training had"`
}

// TrainedTokenizer says which tokeniser a trained network's captions need.
type TrainedTokenizer struct {
	// Tokenizer is a CLIP model folder or merges file; empty is the one that the training's captions were prepared with.
	Tokenizer string `json:"tokenizer" is:"place" help:"CLIP model <FOLDER> or OpenAI merges; default: the one that the training's captions were prepared with"`
}

// OneNetwork chooses one of the networks of a training.
type OneNetwork struct {
	// Model is "student" or "teacher".
	Model string `json:"model" default:"student" valid:"student,teacher" help:"<which> network of the training: student or teacher"`
}
