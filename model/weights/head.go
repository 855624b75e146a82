package weights

import (
	"context"
	"fmt"
	"strings"

	"semidavil/model/clip"
	"semidavil/model/params"
	"semidavil/model/segmenter"
)

// ExportHead writes guidance and decoder of a segmenter as a safetensors file, local or gs://,
// in the layouts of PyTorch's layers. The names are ours, with dots, below "guidance" and
// "decoder". values must be all parameters of the network below its root save those of the
// towers, float32 and finite, and no others.
func ExportHead(ctx context.Context, name string, c segmenter.Config, values params.Values) error {
	places := headLayout(c)
	err := checkHead(c, places, values)
	if err == nil {
		err = writeFile(ctx, name, toFile(places, values), nil, F32)
	}
	if err != nil {
		return fmt.Errorf("weights: export to %s: %w", name, err)
	}
	return nil
}

// CheckSegmenter reports which parameters [ExportCLIP] and [ExportHead] would refuse.
func CheckSegmenter(c segmenter.Config, towers, head params.Values) error {
	if err := complete("CLIP", layout(HF, c.CLIP), towers); err != nil {
		return fmt.Errorf("weights: check the towers: %w", err)
	}
	if err := checkHead(c, headLayout(c), head); err != nil {
		return fmt.Errorf("weights: check guidance and decoder: %w", err)
	}
	return nil
}

func checkHead(c segmenter.Config, places Layout, values params.Values) error {
	return complete("guidance "+c.Guidance.Kind+" and decoder "+c.Decoder.Kind, places, values)
}

// WriteTensors writes any values, float32 or int64, as a safetensors file that PyTorch reads.
func WriteTensors(ctx context.Context, name string, values params.Values, metadata map[string]string) error {
	if err := writeFile(ctx, name, values, metadata, F32); err != nil {
		return fmt.Errorf("weights: write %s: %w", name, err)
	}
	return nil
}

// Entry is a tensor of an exported file and the parameter that it is, or is a part of.
type Entry struct {
	Name  string
	Shape []int
	Param string
	// ParamShape is the parameter's own.
	ParamShape []int
}

// HeadEntries lists what [ExportHead] writes, by name.
func HeadEntries(c segmenter.Config) []Entry { return entries(headLayout(c)) }

// CLIPEntries lists what [ExportCLIP] writes in the naming [HF], by name.
func CLIPEntries(c clip.Config) []Entry { return entries(layout(HF, c)) }

func entries(places Layout) (out []Entry) {
	for _, name := range sorted(places) {
		p := places[name]
		out = append(out, Entry{name, p.want, p.param, p.shape()})
	}
	return out
}

// headLayout lists the tensors of guidance and decoder by their names in the file. A new kind
// of either needs its layers here, and in segment.py of the export command.
func headLayout(c segmenter.Config) Layout {
	l := headLister{}
	l.guidance(c)
	l.decoder(c)
	return Layout(l)
}

type headLister Layout

var headNames = strings.NewReplacer("dlg/", "guidance.", "decode/", "decoder.", "/", ".")

func (l headLister) add(param string, o order, want ...int) {
	l[headNames.Replace(param)] = place{param: param, want: want, order: o, parts: 1}
}

func (l headLister) pair(param string, width int) {
	l.add(param+"/weight", copied, width)
	l.add(param+"/bias", copied, width)
}

func (l headLister) linear(param string, in, out int) {
	l.add(param+"/weight", transposed, out, in)
	l.add(param+"/bias", copied, out)
}

func (l headLister) conv(param string, in, out, kernel int, bias bool) {
	l.add(param+"/weight", patches, out, in, kernel, kernel)
	if bias {
		l.add(param+"/bias", copied, out)
	}
}

// convNorm is a convolution without bias and its normalisation, which has running statistics
// where it is that of batches.
func (l headLister) convNorm(param string, in, out, kernel int, norm string) {
	l.conv(param+"/conv", in, out, kernel, false)
	l.norm(param+"/norm", out, norm)
}

func (l headLister) norm(param string, width int, norm string) {
	l.pair(param, width)
	if norm == "bn" {
		l.add(param+"/running_mean", copied, width)
		l.add(param+"/running_var", copied, width)
	}
}

func (l headLister) aspp(param string, in, width int, norm string) {
	branches := []string{"point", "rate_6", "rate_12", "rate_18", "mean"}
	for i, branch := range branches {
		kernel := 3
		if i == 0 || i == len(branches)-1 {
			kernel = 1
		}
		l.convNorm(param+"/"+branch, in, width, kernel, norm)
	}
	l.convNorm(param+"/project", len(branches)*width, width, 1, norm)
}

func (l headLister) guidance(c segmenter.Config) {
	width := c.CLIP.Embed
	norms := func(names ...string) {
		for _, name := range names {
			l.pair("dlg/norm_"+name, width)
		}
	}
	maps := func(names ...string) {
		for _, name := range names {
			l.linear("dlg/"+name, width, width)
		}
	}
	switch c.Guidance.Kind {
	case "outer_res", "outer":
		norms("vision", "text")
		maps("key_vision", "key_text", "value_vision", "value_text")
		l.linear("dlg/out", c.Guidance.Context, width)
	case "sum_res":
		norms("vision", "text")
		maps("key_vision", "key_text", "value_vision", "value_text", "out")
	case "sum_raw":
		maps("key_vision", "key_text", "value_vision", "value_text")
	case "add_lang":
		maps("key_vision", "key_text", "value_text")
	case "cross":
		norms("vision", "text")
		maps("query_vision", "key_text", "value_text")
	case "cross_lang":
		norms("vision", "text")
		maps("key_vision", "query_text", "value_vision")
	case "wpct":
		l.linear("dlg/out", c.Guidance.Context, width)
	case "vlga":
		l.vlga(width, c.CLIP.VisionWidth)
	case "none":
		norms("vision")
	}
	if c.Guidance.NeedsClasses() {
		l.add(segmenter.ClassText, copied, c.Decoder.Classes, width)
	}
}

func (l headLister) vlga(width, skip int) {
	d := max(width/4, 8)
	l.conv("dlg/conv", 1, d, 7, true)
	l.aspp("dlg/aspp", d, d, "gn")
	l.linear("dlg/text", width, d)
	for i := range 2 {
		p := fmt.Sprintf("dlg/layers/%d/", i)
		l.pair(p+"ln_1", 2*d)
		l.pair(p+"ln_2", 2*d)
		l.linear(p+"attn/qkv", 2*d, 6*d)
		l.linear(p+"attn/out", 2*d, 2*d)
		l.linear(p+"mlp/up", 2*d, 4*d)
		l.linear(p+"mlp/down", 4*d, 2*d)
	}
	in := d
	for i, e := range []int{max(d/4, 1), max(d/8, 1)} {
		l.conv(fmt.Sprintf("dlg/skip_%d", i+1), skip, e, 3, true)
		p, out := fmt.Sprintf("dlg/up_%d/", i+1), d>>(i+1)
		l.add(p+"up/weight", doubled, in, in-e, 2, 2)
		l.add(p+"up/bias", copied, in-e)
		l.conv(p+"conv_1", in, out, 3, false)
		l.pair(p+"norm_1", out)
		l.conv(p+"conv_2", out, out, 3, false)
		l.pair(p+"norm_2", out)
		in = out
	}
	l.conv("dlg/classifier", in, 1, 3, true)
}

func (l headLister) decoder(c segmenter.Config) {
	const width = 256
	switch c.Decoder.Kind {
	case "simple":
		l.conv("decode/conv", c.CLIP.Embed, width, 3, true)
		l.norm("decode/norm", width, c.Decoder.Norm)
	case "dlv3p":
		const aspp, skip = 64, 48
		l.aspp("decode/aspp", c.CLIP.Embed, aspp, c.Decoder.Norm)
		l.convNorm("decode/skip", c.CLIP.VisionWidth, skip, 1, c.Decoder.Norm)
		l.convNorm("decode/head_1", skip+aspp, width, 3, c.Decoder.Norm)
		l.convNorm("decode/head_2", width, width, 3, c.Decoder.Norm)
	default:
		return // resize has no parameters
	}
	l.conv("decode/classifier", width, c.Decoder.Classes, 1, true)
}
