package blip

import (
	"encoding/json/v2"
	"errors"
	"fmt"
	"strings"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/graph"

	"semidavil/model/layer"
	"semidavil/model/params"
	"semidavil/model/weights"
)

// blipConfig is what is read of the config.json of BLIP. The defaults are transformers'.
type blipConfig struct {
	Vision visionConfig `json:"vision_config"`
	Text   bertConfig   `json:"text_config"`
}

// bertConfig is a BERT that writes: each layer attends to the tokens before and to the image.
type bertConfig struct {
	Vocab      int     `json:"vocab_size"`
	Width      int     `json:"hidden_size"`
	Hidden     int     `json:"intermediate_size"`
	Layers     int     `json:"num_hidden_layers"`
	Heads      int     `json:"num_attention_heads"`
	Positions  int     `json:"max_position_embeddings"`
	Activation string  `json:"hidden_act"`
	Epsilon    float64 `json:"layer_norm_eps"`
	Decoder    bool    `json:"is_decoder"`
	Position   string  `json:"position_embedding_type"`
	Tied       bool    `json:"tie_word_embeddings"`
	// Separator ends a text, whatever eos_token_id says.
	Separator int `json:"sep_token_id"`
	written   generation
}

// parseBLIP reads a config.json and checks it.
func parseBLIP(data []byte) (network, error) {
	c := blipConfig{
		Vision: visionConfig{Width: 768, Hidden: 3072, Layers: 12, Heads: 12, ImageSize: 384, PatchSize: 16, Activation: "gelu", Epsilon: 1e-5, Bias: true},
		Text: bertConfig{Vocab: 30524, Width: 768, Hidden: 3072, Layers: 12, Heads: 8, Positions: 512, Activation: "gelu", Epsilon: 1e-12,
			Decoder: true, Position: "absolute", Tied: true, Separator: 102},
	}
	text := struct {
		generation `json:"text_config"`
	}{generation{BOS: new(30522), Pad: new(0)}}
	if err := errors.Join(json.Unmarshal(data, &c), json.Unmarshal(data, &text)); err != nil {
		return c, shorten(err)
	}
	c.Text.written = text.generation
	c.Text.written.EOS = ids{c.Text.Separator}
	return c, c.check()
}

func (c blipConfig) check() error {
	t := c.Text
	if err := errors.Join(c.Vision.check(), checkSizes([]size{
		{"text_config.vocab_size", t.Vocab, maxSize}, {"text_config.hidden_size", t.Width, maxSize},
		{"text_config.intermediate_size", t.Hidden, maxSize}, {"text_config.num_hidden_layers", t.Layers, maxLayers},
		{"text_config.num_attention_heads", t.Heads, maxSize}, {"text_config.max_position_embeddings", t.Positions, maxSize},
	}), checkBlocks("text_config", t.Width, t.Heads, t.Activation, t.Epsilon)); err != nil {
		return err
	}
	switch {
	case t.Position != "absolute":
		return fmt.Errorf("text_config.position_embedding_type is %.50q; only \"absolute\" is read", t.Position)
	case !t.Decoder:
		return errors.New("text_config.is_decoder is false: this is no BLIP that writes captions")
	case !c.Vision.Bias:
		return errors.New("vision_config.qkv_bias is false, which BLIP does not have")
	}
	return t.written.check(t.Vocab)
}

func (c blipConfig) vision() visionConfig { return c.Vision }
func (c blipConfig) vocab() int           { return c.Text.Vocab }
func (c blipConfig) room() int            { return c.Text.Positions }
func (c blipConfig) image() int           { return 0 }
func (c blipConfig) imageToken() *int     { return nil }
func (c blipConfig) growing() int         { return c.Text.Layers }

// generation does without the file: transformers reads it for the whole network, and generates
// with the text network alone, which goes by its part of config.json.
func (c blipConfig) generation([]byte) (generation, error) { return c.Text.written, nil }

// prompt begins with the token that begins a text in the place of the tokeniser's, and goes on.
func (c blipConfig) prompt(tokens []int32) (p prompt, err error) {
	if len(tokens) == 1 {
		return prompt{after: tokens}, nil
	}
	begin := tokens[0]
	if c.Text.written.BOS != nil {
		begin = int32(*c.Text.written.BOS)
	}
	return prompt{after: append([]int32{begin}, tokens[1:len(tokens)-1]...)}, nil
}

// see is the image's tokens.
//
//	return  [B,1+patches²,Vision.Width]
func (c blipConfig) see(s params.Scope, images *graph.Node) *graph.Node {
	return c.Vision.encode(s.At("vision"), images)
}

// read keeps the keys and values of the image's tokens for each layer behind the caches of the text.
func (c blipConfig) read(s params.Scope, seen, tokens *graph.Node, r reading) (*graph.Node, []layer.Cache) {
	t, batch := c.Text, seen.Shape().Dimensions[0]
	caches := emptyCaches(seen, t.Layers, t.Heads, r.room, t.Width/t.Heads)
	for i := range t.Layers {
		caches = append(caches, t.block(s.At("text"), i).Memory(seen))
	}
	tokens = graph.BroadcastToDims(graph.InsertAxes(tokens, 0), batch, tokens.Shape().Dimensions[0])
	return c.next(s, tokens, caches, graph.Const(seen.Graph(), int32(0)))
}

func (c blipConfig) next(s params.Scope, tokens *graph.Node, caches []layer.Cache, first *graph.Node) (*graph.Node, []layer.Cache) {
	t, s := c.Text, s.At("text")
	n := tokens.Shape().Dimensions[1]
	at := graph.Add(graph.Iota(tokens.Graph(), shapes.Make(dtypes.Int32, n, 1), 0), graph.BroadcastToDims(first, n, 1))
	x := graph.Add(layer.LookupRows(t.tokens(s), tokens), graph.InsertAxes(graph.Gather(s.Weight("positions", params.Zeros, t.Positions, t.Width), at), 0))
	x = layer.LayerNormOf(s.At("ln_pre"), x, t.Epsilon)
	for i := range t.Layers {
		x, caches[i] = t.block(s, i).Step(x, caches[i], &caches[t.Layers+i], first)
	}
	x = graph.Squeeze(graph.SliceAxis(x, 1, graph.AxisElem(n-1)), 1)
	act, err := layer.ActivationByName(t.Activation)
	if err != nil {
		panic(err) // check has seen it
	}
	x = act(layer.LinearRows(s.At("transform"), x, t.Width, params.Zeros))
	x = layer.LayerNormOf(s.At("ln_final"), x, t.Epsilon)
	head := t.tokens(s)
	if !t.Tied {
		head = s.Weight("head", params.Zeros, layer.RowsShape(t.Vocab, t.Width)...)
	}
	bias := graph.InsertAxes(s.Weight("head_bias", params.Zeros, t.Vocab), 0)
	return graph.ConvertDType(graph.Add(layer.MultiplyRows(x, head), bias), dtypes.Float32), caches
}

func (t bertConfig) tokens(s params.Scope) *graph.Node {
	return s.Weight("tokens", params.Zeros, layer.RowsShape(t.Vocab, t.Width)...)
}

func (t bertConfig) block(s params.Scope, i int) layer.Block {
	b := newBlock(s.At("blocks/%d", i), t.Width, t.Heads, t.Hidden, t.Activation, t.Epsilon)
	b.PostNorm, b.Rows = true, true
	return b
}

// layout lists the tensors of transformers' BlipForConditionalGeneration.
func (c blipConfig) layout() weights.Layout {
	const at = "text_decoder."
	l, t := weights.Layout{}, c.Text
	w := t.Width
	c.Vision.layout(l)
	rows(l, "text/tokens", at+"bert.embeddings.word_embeddings.weight", w, t.Vocab)
	l.Copy("text/positions", at+"bert.embeddings.position_embeddings.weight", []int{t.Positions, w})
	l.Norm("text/ln_pre", at+"bert.embeddings.LayerNorm", w)
	linear := func(param, name string, in, out int) {
		rows(l, param+"/weight", name+".weight", in, out)
		l.Copy(param+"/bias", name+".bias", []int{out})
	}
	for i := range t.Layers {
		p, h := fmt.Sprintf("text/blocks/%d/", i), fmt.Sprintf("%sbert.encoder.layer.%d.", at, i)
		for part, name := range []string{"query", "key", "value"} {
			stackRows(l, p+"attn/qkv", part, 3, h+"attention.self."+name, w, w, true)
		}
		linear(p+"attn/out", h+"attention.output.dense", w, w)
		l.Norm(p+"ln_1", h+"attention.output.LayerNorm", w)
		linear(p+"cross/q", h+"crossattention.self.query", w, w)
		sideBySide(l, p+"cross/kv", 0, 2, h+"crossattention.self.key", c.Vision.Width, w)
		sideBySide(l, p+"cross/kv", 1, 2, h+"crossattention.self.value", c.Vision.Width, w)
		linear(p+"cross/out", h+"crossattention.output.dense", w, w)
		l.Norm(p+"ln_cross", h+"crossattention.output.LayerNorm", w)
		linear(p+"mlp/up", h+"intermediate.dense", w, t.Hidden)
		linear(p+"mlp/down", h+"output.dense", t.Hidden, w)
		l.Norm(p+"ln_2", h+"output.LayerNorm", w)
	}
	linear("text/transform", at+"cls.predictions.transform.dense", w, w)
	l.Norm("text/ln_final", at+"cls.predictions.transform.LayerNorm", w)
	if !t.Tied {
		rows(l, "text/head", bertHead+".weight", w, t.Vocab)
	}
	l.Copy("text/head_bias", at+"cls.predictions.bias", []int{t.Vocab})
	return l
}

const bertHead = "text_decoder.cls.predictions.decoder"

// unused are tensors of no use: the head, where it is the word embeddings, the second name of
// its bias, and tables 0, 1, 2... that older transformers wrote.
func (c blipConfig) unused(name string) bool {
	return c.Text.Tied && name == bertHead+".weight" || name == bertHead+".bias" || strings.HasSuffix(name, ".position_ids")
}
