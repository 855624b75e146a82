package blip

import (
	"encoding/json/v2"
	"errors"
	"fmt"

	"semidavil/model/layer"
)

// blip2Config is what is read of config.json. The defaults are transformers'.
type blip2Config struct {
	Vision  visionConfig  `json:"vision_config"`
	QFormer qformerConfig `json:"qformer_config"`
	Text    textConfig    `json:"text_config"`
	Queries int           `json:"num_query_tokens"`
	// ImageToken is the id that stands for a query's output in a prompt; nil in older files,
	// where those come before the prompt.
	ImageToken *int `json:"image_token_index"`
}

type qformerConfig struct {
	Width      int     `json:"hidden_size"`
	Hidden     int     `json:"intermediate_size"`
	Layers     int     `json:"num_hidden_layers"`
	Heads      int     `json:"num_attention_heads"`
	Activation string  `json:"hidden_act"`
	Epsilon    float64 `json:"layer_norm_eps"`
	// CrossEvery layers there is one that looks at the image, beginning with the first.
	CrossEvery int    `json:"cross_attention_frequency"`
	Positions  string `json:"position_embedding_type"`
	Text       bool   `json:"use_qformer_text_input"`
}

type textConfig struct {
	ModelType  string `json:"model_type"`
	Vocab      int    `json:"vocab_size"`
	Width      int    `json:"hidden_size"`
	Hidden     int    `json:"ffn_dim"`
	Layers     int    `json:"num_hidden_layers"`
	Heads      int    `json:"num_attention_heads"`
	Positions  int    `json:"max_position_embeddings"`
	Activation string `json:"activation_function"`
	// PreNorm normalises before attention and MLP, and once more at the end unless NoFinalNorm.
	PreNorm     bool `json:"do_layer_norm_before"`
	NoFinalNorm bool `json:"_remove_final_layer_norm"`
	// Embed is the width of the word embeddings; nil is Width.
	Embed  *int `json:"word_embed_proj_dim"`
	Bias   bool `json:"enable_bias"`
	Affine bool `json:"layer_norm_elementwise_affine"`
	Tied   bool `json:"tie_word_embeddings"`
	generation
}

// parseBLIP2 reads a config.json and checks it.
func parseBLIP2(data []byte) (network, error) {
	c := blip2Config{
		Vision: visionConfig{Width: 1408, Hidden: 6144, Layers: 39, Heads: 16, ImageSize: 224, PatchSize: 14,
			Activation: "gelu", Epsilon: 1e-6, Bias: true},
		QFormer: qformerConfig{Width: 768, Hidden: 3072, Layers: 12, Heads: 12, Activation: "gelu", Epsilon: 1e-12,
			CrossEvery: 2, Positions: "absolute"},
		Text: textConfig{ModelType: "opt", Vocab: 50272, Width: 768, Hidden: 3072, Layers: 12, Heads: 12, Positions: 2048,
			Activation: "relu", PreNorm: true, Bias: true, Affine: true, Tied: true,
			generation: generation{EOS: ids{2}, BOS: new(2), Pad: new(1)}},
		Queries: 32,
	}
	if err := json.Unmarshal(data, &c); err != nil {
		return c, shorten(err)
	}
	if c.Text.Embed == nil {
		c.Text.Embed = &c.Text.Width
	}
	return c, c.check()
}

func (c blip2Config) check() error {
	v, q, t := c.Vision, c.QFormer, c.Text
	if t.ModelType != "opt" {
		return fmt.Errorf("text_config.model_type is %.50q; only \"opt\" is read", t.ModelType)
	}
	if err := errors.Join(checkSizes([]size{
		{"num_query_tokens", c.Queries, maxSize},
		{"qformer_config.hidden_size", q.Width, maxSize}, {"qformer_config.intermediate_size", q.Hidden, maxSize},
		{"qformer_config.num_hidden_layers", q.Layers, maxLayers}, {"qformer_config.num_attention_heads", q.Heads, maxSize},
		{"qformer_config.cross_attention_frequency", q.CrossEvery, maxSize},
		{"text_config.vocab_size", t.Vocab, maxSize}, {"text_config.hidden_size", t.Width, maxSize},
		{"text_config.ffn_dim", t.Hidden, maxSize}, {"text_config.num_hidden_layers", t.Layers, maxLayers},
		{"text_config.num_attention_heads", t.Heads, maxSize}, {"text_config.max_position_embeddings", t.Positions, maxSize},
		{"text_config.word_embed_proj_dim", *t.Embed, maxSize},
	}), v.check(), checkBlocks("qformer_config", q.Width, q.Heads, q.Activation, q.Epsilon),
		checkBlocks("text_config", t.Width, t.Heads, t.Activation, layer.NormEpsilon)); err != nil {
		return err
	}
	switch {
	case q.Positions != "absolute":
		return fmt.Errorf("qformer_config.position_embedding_type is %.50q; only \"absolute\" is read", q.Positions)
	case q.Text:
		return errors.New("qformer_config.use_qformer_text_input is true: this is no BLIP-2 that writes captions")
	case c.ImageToken != nil && (*c.ImageToken < 0 || *c.ImageToken >= t.Vocab):
		return fmt.Errorf("image_token_index is %d, the vocabulary has %d ids", *c.ImageToken, t.Vocab)
	}
	return t.generation.check(t.Vocab)
}
