package dlg

import (
	"fmt"
	"math"
	"slices"
	"strings"
)

// Config chooses the guidance.
type Config struct {
	// Kind is one of [Kinds].
	Kind string
	// Context is the largest number of tokens of a caption: outer_res, outer and wpct
	// have a row of weights for each. CLIP's is 77.
	Context int
	// Classes is the number of class prompts, for wpct_classes and vlga.
	Classes int
	// WPCTScale multiplies the cosines of wpct and wpct_classes; 0 means 1/0.07, the
	// inverse temperature that CLIP starts with.
	WPCTScale float64
}

// Kinds of guidance. With F_V the pixels' features, F_L the tokens', K and V linear maps
// of them, A = K_L K_Vᵀ/√C, S_V its softmax over pixels, S_L that of Aᵀ over tokens, LN
// layer normalisation (which also F_V and F_L pass first, except in the kinds marked *)
// and Φ, Ψ linear maps that start at 0:
//
//	sum_res       LN(F_V) + Ψ(S_L(V_L + S_V V_V)), the default
//	outer_res     LN(F_V) + Φ(F_Mᵀ/√C), F_M = (S_V V_V)(S_L V_L)ᵀ: the product of the paper's Eq. (3)
//	outer         Φ(F_Mᵀ/√C), where Φ starts at random
//	sum_raw *     S_L V_L + S_L(S_Lᵀ V_V)
//	add_lang *    F_V + S_L V_L
//	cross         LN(F_V) + softmax(Q_V K_Lᵀ/√C) V_L
//	cross_lang    LN(F_V) + S_L F, F = softmax(Q_L K_Vᵀ/√C) V_V: queries from tokens
//	wpct *        Φ(scale·cos(F_V, F_L)), word-pixel correlation, where Φ starts at random
//	wpct_classes* scale·cos(F_V, class prompts): logits, no parameters
//	vlga          SemiVL's decoder on the cosines of F_V and class prompts: logits
//	none          LN(F_V)
func Kinds() []string {
	return []string{"sum_res", "outer_res", "outer", "sum_raw", "add_lang", "cross", "cross_lang", "wpct", "wpct_classes", "vlga", "none"}
}

// Check reports what is invalid in c.
func (c Config) Check() error {
	switch {
	case !slices.Contains(Kinds(), c.Kind):
		return fmt.Errorf("dlg: check config: unknown kind %q; valid: %s", c.Kind, strings.Join(Kinds(), ", "))
	case c.hasPositions() && c.Context <= 0:
		return fmt.Errorf("dlg: check config: context is %d tokens", c.Context)
	case c.NeedsClasses() && c.Classes <= 0:
		return fmt.Errorf("dlg: check config: kind %s of %d classes", c.Kind, c.Classes)
	case c.WPCTScale < 0 || math.IsNaN(c.WPCTScale) || math.IsInf(c.WPCTScale, 0):
		return fmt.Errorf("dlg: check config: scale of cosines is %v", c.WPCTScale)
	}
	return nil
}

// hasPositions is true of the kinds that give the k-th token weights of its own.
func (c Config) hasPositions() bool {
	return c.Kind == "outer_res" || c.Kind == "outer" || c.Kind == "wpct"
}

// NeedsClasses is true of the kinds that use class prompts and no caption.
func (c Config) NeedsClasses() bool { return c.GivesLogits() }

// ReadsCaptions is true of the kinds on whose result the caption of an image has an influence.
func (c Config) ReadsCaptions() bool { return c.Kind != "none" && !c.NeedsClasses() }

// GivesLogits is true of the kinds that are a decoder themselves: what [Guide] returns
// are logits, which the decoder "resize" brings to the size of the image.
func (c Config) GivesLogits() bool { return c.Kind == "wpct_classes" || c.Kind == "vlga" }

// Scale is what the cosines of wpct and wpct_classes are multiplied by.
func (c Config) Scale() float64 {
	if c.WPCTScale == 0 {
		return 1 / 0.07
	}
	return c.WPCTScale
}
