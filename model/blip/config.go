// Package blip writes captions with BLIP (Li et al. 2022) and BLIP-2 (Li et al. 2023). Both look at
// an image with a vision transformer. In BLIP a BERT that attends to its tokens writes the
// text; in BLIP-2 a Q-Former's learned queries look at them, and an OPT language model (Zhang et al. 2022)
// reads what the queries found and continues the text. They are transformers'
// BlipForConditionalGeneration and Blip2ForConditionalGeneration, whose folders are read.
package blip

import (
	"encoding/json/v2"
	"errors"
	"fmt"
	"strings"

	"github.com/gomlx/gomlx/core/graph"

	"semidavil/model/layer"
	"semidavil/model/params"
	"semidavil/model/weights"
)

// Family is a kind of network, as model_type in config.json has it.
type Family string

// The families.
const (
	BLIP  Family = "blip"
	BLIP2 Family = "blip-2"
)

// Class is the class of transformers that saves such a network.
func (f Family) Class() string {
	return map[Family]string{BLIP: "BlipForConditionalGeneration", BLIP2: "Blip2ForConditionalGeneration"}[f]
}

// name is what the authors call it.
func (f Family) name() string { return strings.ToUpper(string(f)) }

// network is what the families differ in: sizes, tensors and graphs.
type network interface {
	vision() visionConfig
	// vocab is the number of token ids, room that of the tokens that a text can have.
	vocab() int
	room() int
	// image is the number of places that an image takes in a text, and imageToken the id that
	// stands for one of them in a prompt; nil where there is none.
	image() int
	imageToken() *int
	// generation is how texts are generated, file what generation_config.json says; nil is no file.
	generation(file []byte) (generation, error)
	// prompt takes the tokens of a prompt apart; there is at least one.
	prompt(tokens []int32) (prompt, error)

	layout() weights.Layout
	unused(tensor string) bool
	// see is what texts are written from.
	//
	//	images  f32[B,3,H,W]  preprocessed
	//	return  [B,N,any]
	see(s params.Scope, images *graph.Node) *graph.Node
	// read begins texts, next continues them, by the tokens that follow the first ones in the
	// caches. They give the logits f32[B,Vocab] of the token after that, unnormalised. The last
	// caches belong to the image and stay as they are: all but growing.
	//
	//	seen       [B,N,any]
	//	tokens     i32[N] of read, i32[B,1] of next
	//	first      i32[]
	read(s params.Scope, seen, tokens *graph.Node, r reading) (*graph.Node, []layer.Cache)
	next(s params.Scope, tokens *graph.Node, caches []layer.Cache, first *graph.Node) (*graph.Node, []layer.Cache)
	growing() int
}

// parseConfig reads the config.json of a family and checks it.
func parseConfig(data []byte, f Family) (network, error) {
	var kind struct {
		ModelType string `json:"model_type"`
	}
	if err := json.Unmarshal(data, &kind); err != nil {
		return nil, shorten(err)
	}
	if kind.ModelType != string(f) {
		return nil, fmt.Errorf("model_type is %.50q, want %q", kind.ModelType, f)
	}
	if f == BLIP {
		return parseBLIP(data)
	}
	return parseBLIP2(data)
}

type visionConfig struct {
	Width      int     `json:"hidden_size"`
	Hidden     int     `json:"intermediate_size"`
	Layers     int     `json:"num_hidden_layers"`
	Heads      int     `json:"num_attention_heads"`
	ImageSize  int     `json:"image_size"`
	PatchSize  int     `json:"patch_size"`
	Activation string  `json:"hidden_act"`
	Epsilon    float64 `json:"layer_norm_eps"`
	Bias       bool    `json:"qkv_bias"`
}

// Limits of sizes, several times those of the largest BLIP-2. What a file claims must also
// be the shapes of its tensors, so these only bound what is made before those are compared.
const (
	maxSize   = 1 << 20
	maxLayers = 200
)

// size is one of a config.json, with the greatest allowed.
type size struct {
	name        string
	value, most int
}

func checkSizes(sizes []size) error {
	for _, s := range sizes {
		if s.value < 1 || s.value > s.most {
			return fmt.Errorf("%s is %d, want 1 to %d", s.name, s.value, s.most)
		}
	}
	return nil
}

// checkBlocks looks at the settings of a transformer's blocks.
func checkBlocks(name string, width, heads int, activation string, epsilon float64) error {
	if heads > 0 && width%heads != 0 {
		return fmt.Errorf("%s: hidden_size %d is no multiple of its %d heads", name, width, heads)
	}
	if _, err := layer.ActivationByName(activation); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	if !(epsilon > 0 && epsilon < 1) {
		return fmt.Errorf("%s: layer_norm_eps is %g, want more than 0 and less than 1", name, epsilon)
	}
	return nil
}

func (v visionConfig) check() error {
	return errors.Join(checkSizes([]size{
		{"vision_config.hidden_size", v.Width, maxSize}, {"vision_config.intermediate_size", v.Hidden, maxSize},
		{"vision_config.num_hidden_layers", v.Layers, maxLayers}, {"vision_config.num_attention_heads", v.Heads, maxSize},
		{"vision_config.image_size", v.ImageSize, maxSize}, {"vision_config.patch_size", v.PatchSize, v.ImageSize},
	}), checkBlocks("vision_config", v.Width, v.Heads, v.Activation, v.Epsilon))
}

// patches is the number of patches along a side.
func (v visionConfig) patches() int { return v.ImageSize / v.PatchSize }

// shorten cuts what an error repeats of a foreign file.
func shorten(err error) error {
	const most = 400
	if text := err.Error(); len(text) > most {
		return fmt.Errorf("%.*s [...]", most, text)
	}
	return err
}
