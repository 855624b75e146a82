package blip

import (
	"fmt"
	"strings"

	"semidavil/model/layer"
	"semidavil/model/weights"
)

// layout lists the tensors of transformers' Blip2ForConditionalGeneration. What the
// configuration leaves out, such as biases, is not in a file; the graph makes it, zeros or
// ones.
func (c blip2Config) layout() weights.Layout {
	l := weights.Layout{}
	c.Vision.layout(l)
	c.QFormer.layout(l, c.Vision.Width)
	l.Copy("queries", "query_tokens", []int{1, c.Queries, c.QFormer.Width}, c.Queries, c.QFormer.Width)
	linear(l, "project", "language_projection", c.QFormer.Width, c.Text.Width)
	c.Text.layout(l)
	return l
}

func (q qformerConfig) layout(l weights.Layout, image int) {
	w := q.Width
	l.Norm("qformer/ln_pre", "qformer.layernorm", w)
	for i := range q.Layers {
		p, h := fmt.Sprintf("qformer/blocks/%d/", i), fmt.Sprintf("qformer.encoder.layer.%d.", i)
		for part, name := range []string{"query", "key", "value"} {
			sideBySide(l, p+"attn/qkv", part, 3, h+"attention.attention."+name, w, w)
		}
		linear(l, p+"attn/out", h+"attention.output.dense", w, w)
		l.Norm(p+"ln_1", h+"attention.output.LayerNorm", w)
		if q.looks(i) {
			linear(l, p+"cross/q", h+"crossattention.attention.query", w, w)
			sideBySide(l, p+"cross/kv", 0, 2, h+"crossattention.attention.key", image, w)
			sideBySide(l, p+"cross/kv", 1, 2, h+"crossattention.attention.value", image, w)
			linear(l, p+"cross/out", h+"crossattention.output.dense", w, w)
			l.Norm(p+"ln_cross", h+"crossattention.output.LayerNorm", w)
		}
		linear(l, p+"mlp/up", h+"intermediate_query.dense", w, q.Hidden)
		linear(l, p+"mlp/down", h+"output_query.dense", q.Hidden, w)
		l.Norm(p+"ln_2", h+"output_query.LayerNorm", w)
	}
}

// looks says whether a layer has cross attention to the image.
func (q qformerConfig) looks(layer int) bool { return layer%q.CrossEvery == 0 }

func (t textConfig) layout(l weights.Layout) {
	const at = "language_model.model.decoder."
	w, embed := t.Width, *t.Embed
	rows(l, "text/tokens", at+"embed_tokens.weight", embed, t.Vocab)
	if !t.Tied {
		rows(l, "text/head", headName, embed, t.Vocab)
	}
	l.Copy("text/positions", at+"embed_positions.weight", []int{t.Positions + positionOffset, w})
	if embed != w {
		rows(l, "text/in", at+"project_in.weight", embed, w)
		rows(l, "text/out", at+"project_out.weight", w, embed)
	}
	norm := func(param, name string) {
		if t.Affine {
			l.Norm(param, name, w)
		}
	}
	for i := range t.Layers {
		p, h := fmt.Sprintf("text/blocks/%d/", i), fmt.Sprintf("%slayers.%d.", at, i)
		layer := func(param, name string, in, out int) {
			rows(l, p+param+"/weight", h+name+".weight", in, out)
			if t.Bias {
				l.Copy(p+param+"/bias", h+name+".bias", []int{out})
			}
		}
		for part, name := range []string{"q", "k", "v"} {
			stackRows(l, p+"attn/qkv", part, 3, h+"self_attn."+name+"_proj", w, w, t.Bias)
		}
		layer("attn/out", "self_attn.out_proj", w, w)
		layer("mlp/up", "fc1", w, t.Hidden)
		layer("mlp/down", "fc2", t.Hidden, w)
		norm(p+"ln_1", h+"self_attn_layer_norm")
		norm(p+"ln_2", h+"final_layer_norm")
	}
	if t.finalNorm() {
		norm("text/ln_final", at+"final_layer_norm")
	}
}

// finalNorm says whether there is a norm after the last layer.
func (t textConfig) finalNorm() bool { return t.PreNorm && !t.NoFinalNorm }

const headName = "language_model.lm_head.weight"

// unused are tensors of no use: the head, where it is the word embeddings, and tables 0, 1,
// 2... that older transformers wrote.
func (c blip2Config) unused(name string) bool {
	return c.Text.Tied && name == headName || strings.HasSuffix(name, ".position_ids")
}

func linear(l weights.Layout, param, name string, in, out int) {
	sideBySide(l, param, 0, 1, name, in, out)
}

// sideBySide lists one of several linear layers with the same input, which become one.
func sideBySide(l weights.Layout, param string, part, parts int, name string, in, out int) {
	l.Transpose(param+"/weight", part, parts, name+".weight", out, in)
	l.Stack(param+"/bias", part, parts, name+".bias", []int{out}, parts*out)
}

// stackRows is sideBySide of matrices that lie as files have them.
func stackRows(l weights.Layout, param string, part, parts int, name string, in, out int, bias bool) {
	l.Stack(param+"/weight", part, parts, name+".weight", []int{out, in}, rowsShape(parts*out, in)...)
	if bias {
		l.Stack(param+"/bias", part, parts, name+".bias", []int{out}, parts*out)
	}
}

func rows(l weights.Layout, param, name string, in, out int) {
	l.Copy(param, name, []int{out, in}, rowsShape(out, in)...)
}

var rowsShape = layer.RowsShape
