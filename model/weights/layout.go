package weights

import (
	"fmt"
	"strconv"
	"strings"

	"semidavil/model/clip"
)

// The two ways in which the tensors of CLIP are named and laid out.
const (
	// HF is that of transformers' CLIPModel.
	HF = "hf"
	// OpenAI is that of the state_dict of OpenAI's own CLIP.
	OpenAI = "openai"
)

// Layout says by their names in the files which parameters the tensors of a model are.
type Layout map[string]place

// place says which parameter a tensor of a file is, or is a part of.
type place struct {
	param string
	// want is the shape in the file, in which 0 matches anything.
	want  []int
	order order
	// part of parts: q, k and v are the thirds of one parameter.
	part, parts int
	// dims are those of a parameter whose numbers lie as in the file, where its shape is
	// another one.
	dims []int
}

// order is how the elements of a tensor of a file lie in the parameter.
type order int

const (
	copied     order = iota
	transposed       // [out, in] to [in, out]
	patches          // [out, in, P, P] to [P·P·in, out], rows in the order dy, dx, channel
	doubled          // [in, out, 2, 2] of a transposed convolution to [in, 2·2·out], columns dy, dx, channel
)

// Shapes are those of the tensors in the files, by name.
func (l Layout) Shapes() map[string][]int {
	shapes := map[string][]int{}
	for name, p := range l {
		shapes[name] = p.want
	}
	return shapes
}

// Copy lists a tensor of a shape that is a parameter as it stands, of other dimensions where
// they are given.
func (l Layout) Copy(param, name string, shape []int, dims ...int) {
	l.Stack(param, 0, 1, name, shape, dims...)
}

// Stack lists a tensor that is one of several which follow each other in a parameter.
func (l Layout) Stack(param string, part, parts int, name string, shape []int, dims ...int) {
	l[name] = place{param: param, want: shape, order: copied, part: part, parts: parts, dims: dims}
}

// Transpose lists a matrix [out, in] that is a parameter [in, out], or one of several side by side there.
func (l Layout) Transpose(param string, part, parts int, name string, out, in int) {
	l[name] = place{param: param, want: []int{out, in}, order: transposed, part: part, parts: parts}
}

// Patches lists the kernel [out, in, side, side] of a convolution that takes squares apart; the
// rows of the parameter [side·side·in, out] are in the order dy, dx, channel.
func (l Layout) Patches(param, name string, out, in, side int) {
	l[name] = place{param: param, want: []int{out, in, side, side}, order: patches, parts: 1}
}

// Norm lists weight and bias of a norm.
func (l Layout) Norm(param, name string, width int) {
	for _, s := range []string{"weight", "bias"} {
		l.Copy(param+"/"+s, name+"."+s, []int{width})
	}
}

// layout lists the tensors of a naming by their names in the file.
func layout(naming string, c clip.Config) Layout {
	l := lister{places: Layout{}, hf: naming == HF}
	square := c.ImageSize / max(c.PatchSize, 1)
	positions := 1 + square*square
	if c.ImageSize == 0 {
		positions = 0
	}
	vw, tw, e := c.VisionWidth, c.TextWidth, c.Embed
	l.add("vision/patch/weight", patches, "visual.conv1.weight", "vision_model.embeddings.patch_embedding.weight", vw, 3, c.PatchSize, c.PatchSize)
	l.add("vision/class", copied, "visual.class_embedding", "vision_model.embeddings.class_embedding", vw)
	l.add("vision/positions", copied, "visual.positional_embedding", "vision_model.embeddings.position_embedding.weight", positions, vw)
	l.norm("vision/ln_pre", "visual.ln_pre", "vision_model.pre_layrnorm", vw) // sic
	l.blocks("vision", "visual.transformer.resblocks", "vision_model.encoder.layers", vw, c.VisionLayers)
	l.norm("vision/ln_post", "visual.ln_post", "vision_model.post_layernorm", vw)
	l.project("vision/proj/weight", "visual.proj", "visual_projection.weight", vw, e)
	l.add("text/tokens", copied, "token_embedding.weight", "text_model.embeddings.token_embedding.weight", c.Vocab, tw)
	l.add("text/positions", copied, "positional_embedding", "text_model.embeddings.position_embedding.weight", c.Context, tw)
	l.blocks("text", "transformer.resblocks", "text_model.encoder.layers", tw, c.TextLayers)
	l.norm("text/ln_final", "ln_final", "text_model.final_layer_norm", tw)
	l.project("text/proj/weight", "text_projection", "text_projection.weight", tw, e)
	l.add("logit_scale", copied, "logit_scale", "logit_scale")
	return l.places
}

type lister struct {
	places Layout
	hf     bool
}

// add lists a tensor by its name in the naming at hand; want is its shape in a file.
func (l lister) add(param string, o order, openAI, hf string, want ...int) {
	l.part(param, o, 0, 1, openAI, hf, want...)
}

func (l lister) part(param string, o order, part, parts int, openAI, hf string, want ...int) {
	name := openAI
	if l.hf {
		name = hf
	}
	l.places[name] = place{param: param, want: want, order: o, part: part, parts: parts}
}

func (l lister) norm(param, openAI, hf string, width int) {
	for _, s := range []string{"weight", "bias"} {
		l.add(param+"/"+s, copied, openAI+"."+s, hf+"."+s, width)
	}
}

func (l lister) linear(param, openAI, hf string, in, out int) {
	l.add(param+"/weight", transposed, openAI+".weight", hf+".weight", out, in)
	l.add(param+"/bias", copied, openAI+".bias", hf+".bias", out)
}

// project lists a projection without bias, which OpenAI keeps as [in, out].
func (l lister) project(param, openAI, hf string, in, out int) {
	if l.hf {
		l.add(param, transposed, openAI, hf, out, in)
		return
	}
	l.add(param, copied, openAI, hf, in, out)
}

func (l lister) blocks(tower, openAI, hf string, w, layers int) {
	for i := range layers {
		p := fmt.Sprintf("%s/blocks/%d/", tower, i)
		o, h := fmt.Sprintf("%s.%d.", openAI, i), fmt.Sprintf("%s.%d.", hf, i)
		l.norm(p+"ln_1", o+"ln_1", h+"layer_norm1", w)
		l.norm(p+"ln_2", o+"ln_2", h+"layer_norm2", w)
		l.linear(p+"attn/out", o+"attn.out_proj", h+"self_attn.out_proj", w, w)
		l.linear(p+"mlp/up", o+"mlp.c_fc", h+"mlp.fc1", w, 4*w)
		l.linear(p+"mlp/down", o+"mlp.c_proj", h+"mlp.fc2", 4*w, w)
		qkv := p + "attn/qkv"
		if !l.hf {
			l.add(qkv+"/weight", transposed, o+"attn.in_proj_weight", "", 3*w, w)
			l.add(qkv+"/bias", copied, o+"attn.in_proj_bias", "", 3*w)
			continue
		}
		for part, name := range []string{"q", "k", "v"} {
			at := h + "self_attn." + name + "_proj"
			l.part(qkv+"/weight", transposed, part, 3, "", at+".weight", w, w)
			l.part(qkv+"/bias", copied, part, 3, "", at+".bias", w)
		}
	}
}

// layerOf says which layer of a stack a tensor belongs to: prefix, a number, a dot.
func layerOf(name, prefix string) (int, bool) {
	rest, ok := strings.CutPrefix(name, prefix+".")
	if !ok {
		return 0, false
	}
	digits, _, ok := strings.Cut(rest, ".")
	i, err := strconv.Atoi(digits)
	return i, ok && err == nil && i >= 0
}

// ignored are tensors of no use: tables 0, 1, 2... that older transformers wrote, and
// sizes in the archives of OpenAI.
func ignored(name string) bool {
	switch name {
	case "text_model.embeddings.position_ids", "vision_model.embeddings.position_ids",
		"input_resolution", "context_length", "vocab_size":
		return true
	}
	return false
}
