package decode

import (
	"fmt"
	"slices"
	"strings"
)

// Config chooses the decoder.
type Config struct {
	// Kind is one of [Kinds], Norm one of [Norms].
	Kind, Norm string
	// Classes is K, the number of logits of a pixel.
	Classes int
	// Absent are classes that the data does not have, such as SYNTHIA's 9, 14 and 16:
	// their logits are [AbsentLogit] and pass no gradient.
	Absent []int
}

// AbsentLogit is the logit of an absent class: low enough that its probability is
// exactly 0 beside any other class, and finite, so that no loss becomes NaN.
const AbsentLogit = -1e9

// Kinds of decoders.
//
//	simple  conv 3×3 to 256 channels, norm, ReLU, conv 1×1 to the classes
//	dlv3p   DeepLabv3+ as in SemiVL, with the low-level features
//	resize  none: the features are logits already (see dlg.Config.GivesLogits)
func Kinds() []string { return []string{"simple", "dlv3p", "resize"} }

// Norms of decoders: bn is batch normalisation, gn group normalisation with 32 groups,
// which does not mix the images of a batch. "resize" uses neither.
func Norms() []string { return []string{"bn", "gn"} }

// Check reports what is invalid in c.
func (c Config) Check() error {
	switch {
	case !slices.Contains(Kinds(), c.Kind):
		return fmt.Errorf("decode: check config: unknown kind %q; valid: %s", c.Kind, strings.Join(Kinds(), ", "))
	case c.Kind != "resize" && !slices.Contains(Norms(), c.Norm):
		return fmt.Errorf("decode: check config: unknown norm %q; valid: %s", c.Norm, strings.Join(Norms(), ", "))
	case c.Classes < 2:
		return fmt.Errorf("decode: check config: %d classes, want 2 or more", c.Classes)
	}
	absent := map[int]bool{}
	for _, k := range c.Absent {
		if k < 0 || k >= c.Classes {
			return fmt.Errorf("decode: check config: absent class %d is none of the %d classes", k, c.Classes)
		}
		absent[k] = true
	}
	if len(absent) == c.Classes {
		return fmt.Errorf("decode: check config: all %d classes are absent", c.Classes)
	}
	return nil
}

// TakesLogits is true of the decoder for features that are logits.
func (c Config) TakesLogits() bool { return c.Kind == "resize" }
