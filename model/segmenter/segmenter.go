// Package segmenter puts the parts together: CLIP's dense vision features, guided by
// the caption, decoded to class logits. It is the network that is called student and
// teacher.
package segmenter

import (
	"fmt"

	"github.com/gomlx/gomlx/core/graph"

	"semidavil/model/clip"
	"semidavil/model/decode"
	"semidavil/model/dlg"
	"semidavil/model/params"
)

// Config is the network.
type Config struct {
	CLIP     clip.Config
	Guidance dlg.Config
	Decoder  decode.Config
}

// Check reports everything that is invalid in c.
func (c Config) Check() error {
	if err := c.CLIP.Check(); err != nil {
		return err
	}
	if err := c.Guidance.Check(); err != nil {
		return err
	}
	if c.Guidance.GivesLogits() != c.Decoder.TakesLogits() {
		return fmt.Errorf("segmenter: check config: guidance %s does not fit decoder %s: only vlga and wpct_classes give logits, and decoder resize takes them", c.Guidance.Kind, c.Decoder.Kind)
	}
	return c.Decoder.Check()
}

// CheckSize reports whether images of that size can be segmented.
func (c Config) CheckSize(width, height int) error {
	if p := c.CLIP.PatchSize; width%p != 0 || height%p != 0 || width <= 0 || height <= 0 {
		return fmt.Errorf("segmenter: segment %dx%d pixels: sides must be multiples of the patch size %d", width, height, p)
	}
	return nil
}

// Features encodes images.
//
//	image  u8[B,H,W,3]
func (c Config) Features(s params.Scope, image *graph.Node) clip.VisionFeatures {
	return clip.DenseVision(s, c.CLIP, clip.Normalise(image))
}

// Caption holds the text features of the captions of a batch.
//
//	Text   f32[B,n,E]  features of all tokens, padded to n
//	Count  i32[B]      valid tokens
type Caption struct{ Text, Count *graph.Node }

// Logits guides the features by the captions and decodes them.
//
//	return  f32[K,B,height,width]  unnormalised
func (c Config) Logits(s params.Scope, f clip.VisionFeatures, caption Caption, height, width int) *graph.Node {
	in := dlg.Inputs{Vision: f.Dense, Skip: f.Skip, Text: caption.Text, Count: caption.Count}
	if c.Guidance.NeedsClasses() {
		in.ClassText = s.Buffer(ClassText, params.Normal(1), c.Decoder.Classes, c.CLIP.Embed).NodeValue(s.Graph())
	}
	return decode.Decode(s.At("decode"), c.Decoder, dlg.Guide(s.At("dlg"), c.Guidance, in), f.Skip, height, width)
}

// ClassText names the buffer of the class prompts' features, f32[K,E], that some
// kinds of guidance use. It is loaded before the graph is built.
const ClassText = "class_text"

// Slice takes images first to last-1 of a batch of features.
func Slice(f clip.VisionFeatures, first, last int) clip.VisionFeatures {
	return each(f, func(x *graph.Node) *graph.Node { return graph.SliceAxis(x, 0, graph.AxisRange(first, last)) })
}

// StopGradient marks the features of a frozen tower.
func StopGradient(f clip.VisionFeatures) clip.VisionFeatures { return each(f, graph.StopGradient) }

func each(f clip.VisionFeatures, change func(*graph.Node) *graph.Node) clip.VisionFeatures {
	return clip.VisionFeatures{Dense: change(f.Dense), Skip: change(f.Skip)}
}
