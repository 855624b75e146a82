// Package optim updates the weights of a network from their gradients: AdamW and SGD
// as PyTorch defines them, with groups of parameters, a schedule, clipping of the
// gradient's norm, and steps that change nothing where a result is not finite.
//
// All state lies in the parameter store below "optimizer", as float32 under names that
// follow from those of the weights, so that a checkpoint of the store is enough to
// resume bit for bit. The schedule is a function of the step and has no state.
package optim

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
)

// Kinds are the optimisers.
var Kinds = []string{"adamw", "sgd"}

// Config is the optimiser.
type Config struct {
	// Kind is one of [Kinds].
	Kind string
	// LR is the learning rate of groups without one of their own.
	LR float64
	// Beta1, Beta2 in [0,1) and Epsilon > 0 are AdamW's.
	Beta1, Beta2, Epsilon float64
	// WeightDecay is decoupled from the gradient in AdamW and added to it in SGD, as
	// in PyTorch.
	WeightDecay float64
	// Momentum in [0,1) is SGD's.
	Momentum float64
	// Nesterov takes SGD's step from where the momentum leads.
	Nesterov bool `json:",omitempty"`
	// ClipNorm is the largest global norm of the gradient; 0 leaves it as it is.
	ClipNorm float64
}

// Constants has what no setting of a training changes, PyTorch's values of AdamW.
func Constants() Config { return Config{Beta2: 0.999, Epsilon: 1e-8} }

// Check reports everything that is invalid in c.
func (c Config) Check() error {
	var faults []error
	fault := func(format string, args ...any) {
		faults = append(faults, fmt.Errorf("optim: check config: "+format, args...))
	}
	atLeast0 := func(name string, x float64) {
		if !(x >= 0) || math.IsInf(x, 1) {
			fault("%s %v must be 0 or more", name, x)
		}
	}
	below1 := func(name string, x float64) {
		if !(x >= 0 && x < 1) {
			fault("%s %v must be 0 or more and less than 1", name, x)
		}
	}
	if !slices.Contains(Kinds, c.Kind) {
		fault("optimiser %q is unknown; valid: %s", c.Kind, strings.Join(Kinds, ", "))
	}
	atLeast0("learning rate", c.LR)
	atLeast0("weight decay", c.WeightDecay)
	atLeast0("clipping norm", c.ClipNorm)
	switch c.Kind {
	case "adamw":
		below1("beta1", c.Beta1)
		below1("beta2", c.Beta2)
		if !(c.Epsilon > 0) || math.IsInf(c.Epsilon, 1) {
			fault("epsilon %v must be more than 0", c.Epsilon)
		}
	case "sgd":
		below1("momentum", c.Momentum)
		if c.Nesterov && c.Momentum == 0 {
			fault("Nesterov needs a momentum")
		}
	}
	return errors.Join(faults...)
}
