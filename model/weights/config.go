package weights

import (
	"encoding/json"
	"fmt"

	"semidavil/model/clip"
)

// configFile is the file in which transformers keeps the sizes of a model.
const configFile = "config.json"

// configJSON is what is read of it. A key that is absent is nil.
type configJSON struct {
	ModelType     *string         `json:"model_type"`
	ProjectionDim *int            `json:"projection_dim"`
	Text          towerJSON       `json:"text_config"`
	Vision        towerJSON       `json:"vision_config"`
	TextDict      json.RawMessage `json:"text_config_dict"`
	VisionDict    json.RawMessage `json:"vision_config_dict"`
}

type towerJSON struct {
	HiddenSize   *int     `json:"hidden_size"`
	Intermediate *int     `json:"intermediate_size"`
	Layers       *int     `json:"num_hidden_layers"`
	Heads        *int     `json:"num_attention_heads"`
	Projection   *int     `json:"projection_dim"`
	Act          *string  `json:"hidden_act"`
	Epsilon      *float64 `json:"layer_norm_eps"`
	Vocab        *int     `json:"vocab_size"`
	Context      *int     `json:"max_position_embeddings"`
	ImageSize    *int     `json:"image_size"`
	PatchSize    *int     `json:"patch_size"`
	Channels     *int     `json:"num_channels"`
}

// Heads that transformers takes where a config.json does not say.
const (
	defaultTextHeads   = 8
	defaultVisionHeads = 12
)

func parseConfig(data []byte) (c configJSON, err error) {
	if err := json.Unmarshal(data, &c); err != nil {
		return c, err
	}
	// Files of 2022 hold the towers a second time, and transformers prefers that.
	for _, part := range []struct {
		raw   json.RawMessage
		tower *towerJSON
	}{{c.TextDict, &c.Text}, {c.VisionDict, &c.Vision}} {
		if len(part.raw) == 0 {
			continue
		}
		if err := json.Unmarshal(part.raw, part.tower); err != nil {
			return c, err
		}
	}
	return c, nil
}

// apply takes the heads from the file, and reports where it contradicts the tensors or
// describes another network than model/clip.
func (j configJSON) apply(c *clip.Config, f *faults) {
	c.TextHeads, c.VisionHeads = value(j.Text.Heads, defaultTextHeads), value(j.Vision.Heads, defaultVisionHeads)
	if j.ModelType != nil && *j.ModelType != "clip" {
		f.add("%s: model_type is %s, want \"clip\"", configFile, quoted(*j.ModelType))
	}
	same := func(key string, have *int, want int) {
		if have != nil && want != 0 && *have != want {
			f.add("%s: %s is %d, the tensors have %d", configFile, key, *have, want)
		}
	}
	same("projection_dim", j.ProjectionDim, c.Embed)
	for _, t := range []struct {
		name          string
		json          towerJSON
		width, layers int
	}{{"text_config", j.Text, c.TextWidth, c.TextLayers}, {"vision_config", j.Vision, c.VisionWidth, c.VisionLayers}} {
		at := t.name + "."
		same(at+"hidden_size", t.json.HiddenSize, t.width)
		same(at+"intermediate_size", t.json.Intermediate, 4*t.width)
		same(at+"num_hidden_layers", t.json.Layers, t.layers)
		if a := t.json.Act; a != nil && *a != "quick_gelu" {
			f.add("%s: %shidden_act is %s, want \"quick_gelu\": the weights belong to another network", configFile, at, quoted(*a))
		}
		if e := t.json.Epsilon; e != nil && (*e < 0.999e-5 || *e > 1.001e-5) {
			f.add("%s: %slayer_norm_eps is %g, want 1e-05", configFile, at, *e)
		}
	}
	same("text_config.vocab_size", j.Text.Vocab, c.Vocab)
	same("text_config.max_position_embeddings", j.Text.Context, c.Context)
	same("vision_config.image_size", j.Vision.ImageSize, c.ImageSize)
	same("vision_config.patch_size", j.Vision.PatchSize, c.PatchSize)
	same("vision_config.num_channels", j.Vision.Channels, 3)
}

// guessHeads is for folders without a config.json: all CLIP that OpenAI published has
// heads of 64, and no width below 512.
func guessHeads(c *clip.Config, f *faults) {
	for _, t := range []struct {
		name  string
		width int
		heads *int
	}{{"text", c.TextWidth, &c.TextHeads}, {"vision", c.VisionWidth, &c.VisionHeads}} {
		switch {
		case t.width >= 512 && t.width%64 == 0:
			*t.heads = t.width / 64
		case t.width > 0:
			f.add("%s: is missing, and the heads of a %s width of %d cannot be guessed", configFile, t.name, t.width)
		}
	}
}

func value(p *int, absent int) int {
	if p == nil {
		return absent
	}
	return *p
}

// encodeConfig writes a config.json for transformers' CLIPModel.
func encodeConfig(c clip.Config) ([]byte, error) {
	tower := func(width, layers, heads int) map[string]any {
		return map[string]any{
			"hidden_size": width, "intermediate_size": 4 * width, "num_hidden_layers": layers, "num_attention_heads": heads,
			"projection_dim": c.Embed, "hidden_act": "quick_gelu", "layer_norm_eps": 1e-5,
		}
	}
	text := tower(c.TextWidth, c.TextLayers, c.TextHeads)
	text["model_type"], text["vocab_size"], text["max_position_embeddings"] = "clip_text_model", c.Vocab, c.Context
	// The last two ids of a CLIP vocabulary begin and end a text.
	text["bos_token_id"], text["eos_token_id"], text["pad_token_id"] = c.Vocab-2, c.Vocab-1, c.Vocab-1
	vision := tower(c.VisionWidth, c.VisionLayers, c.VisionHeads)
	vision["model_type"], vision["image_size"], vision["patch_size"], vision["num_channels"] = "clip_vision_model", c.ImageSize, c.PatchSize, 3
	data, err := json.MarshalIndent(map[string]any{
		"architectures": []string{"CLIPModel"}, "model_type": "clip", "projection_dim": c.Embed,
		"logit_scale_init_value": 2.6592, "torch_dtype": "float32", "text_config": text, "vision_config": vision,
	}, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("weights: encode %s: %w", configFile, err)
	}
	return append(data, '\n'), nil
}
