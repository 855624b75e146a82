package loss

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
)

// Config is the supervised loss.
type Config struct {
	// Kind is one of [Kinds].
	Kind string

	// Omega is DyCE's exponent ω in [0, 1]: 1 gives the mean cross-entropy over the
	// hard pixels, 0 the sum of their means per class.
	Omega float64
	// Hard says which pixels DyCE counts: "top", the HardFraction with the largest
	// cross-entropy, or "ohem", those with a probability of their class of at most
	// OHEMThreshold.
	Hard string
	// HardFraction is DyCE's h in (0, 1].
	HardFraction float64
	// OHEMThreshold is a probability in (0, 1). Where fewer than OHEMMinKept valid
	// pixels are at or below it, it is raised until that many are, pixels of equal
	// probability together.
	OHEMThreshold float64
	OHEMMinKept   int

	// ClassWeights are the weights of "wce", one per class, finite and not negative. Only
	// their ratios matter; by convention their mean is 1, as of those that
	// classstats.InverseFrequency gives.
	ClassWeights []float32

	// FocalGamma is the exponent γ >= 0 and FocalAlpha the scale of "focal".
	FocalGamma, FocalAlpha float64

	// DualAlpha > 0 and DualBeta >= 0 are the constants α and β of "dual_ce".
	DualAlpha, DualBeta float64

	// The constants of "dual_focal": α >= 0, β >= 0, γ >= 1, ρ > 0 and τ > 0.
	DualFocalAlpha, DualFocalBeta, DualFocalGamma, DualFocalRho, DualFocalTau float64
}

// Constants has what no setting changes: the constants of the papers that the losses come
// from, and SemiVL's for Cityscapes of OHEM. Kind and the numbers of DyCE are the
// caller's.
func Constants() Config {
	return Config{
		OHEMThreshold: 0.7, OHEMMinKept: 200_000,
		FocalGamma: 2, FocalAlpha: 1,
		DualAlpha: 1, DualBeta: 1,
		DualFocalAlpha: 1, DualFocalBeta: 1, DualFocalGamma: 1, DualFocalRho: 1, DualFocalTau: 1e-3,
	}
}

// Kinds lists the supervised losses: cross-entropy, weighted by class, focal, dual
// cross-entropy, dual focal, and DyCE.
func Kinds() []string { return []string{"ce", "wce", "focal", "dual_ce", "dual_focal", "dyce"} }

// Check reports everything that is invalid in c for that number of classes. It looks only
// at what the loss of that kind uses.
func (c Config) Check(classes int) error {
	var f faults
	if classes < 1 || classes > 255 {
		f.add("%d classes: not within 1 to 255", classes)
	}
	switch c.Kind {
	case "ce":
	case "wce":
		f.weights(c.ClassWeights, classes)
	case "focal":
		f.within("focal gamma", c.FocalGamma, 0, 100)
		f.within("focal alpha", c.FocalAlpha, 0, 1e6)
	case "dual_ce":
		f.within("dual alpha", c.DualAlpha, 1e-6, 1e6)
		f.within("dual beta", c.DualBeta, 0, 1e6)
	case "dual_focal":
		f.within("dual focal alpha", c.DualFocalAlpha, 0, 1e6)
		f.within("dual focal beta", c.DualFocalBeta, 0, 1e6)
		f.within("dual focal gamma", c.DualFocalGamma, 1, 100)
		f.within("dual focal rho", c.DualFocalRho, 1e-6, 1e6)
		f.within("dual focal tau", c.DualFocalTau, 1e-30, 1)
	case "dyce":
		f.within("omega", c.Omega, 0, 1)
		switch c.Hard {
		case "top":
			f.within("hard fraction", c.HardFraction, 0, 1)
			if c.HardFraction == 0 {
				f.add("hard fraction is 0: no pixel would count")
			}
		case "ohem":
			f.within("OHEM threshold", c.OHEMThreshold, 1e-6, 1)
			if c.OHEMMinKept < 0 || c.OHEMMinKept > math.MaxInt32 {
				f.add("OHEM minimum of kept pixels is %d: not within 0 to %d", c.OHEMMinKept, math.MaxInt32)
			}
		default:
			f.unknown("hard", c.Hard, "top", "ohem")
		}
	default:
		f.unknown("kind", c.Kind, Kinds()...)
	}
	return errors.Join(f...)
}

// faults collects all that is wrong.
type faults []error

func (f *faults) add(format string, args ...any) {
	*f = append(*f, fmt.Errorf("loss: check config: "+format, args...))
}

func (f *faults) within(name string, value, low, high float64) {
	if !(value >= low && value <= high) { // true of NaN too
		f.add("%s is %v: not within %v to %v", name, value, low, high)
	}
}

func (f *faults) unknown(name, value string, valid ...string) {
	f.add("%s %q is unknown; valid: %s", name, value, strings.Join(valid, ", "))
}

func (f *faults) weights(weights []float32, classes int) {
	if len(weights) != classes {
		f.add("there are %d class weights for %d classes", len(weights), classes)
		return
	}
	for i, w := range weights {
		if !(w >= 0) || math.IsInf(float64(w), 0) {
			f.add("weight of class %d is %v", i, w)
		}
	}
	if len(weights) > 0 && slices.Max(weights) == 0 {
		f.add("all class weights are 0")
	}
}
