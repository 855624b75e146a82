package vnet

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"semidavil"
)

// Config is the network.
type Config struct {
	// Classes is K, the number of logits of a voxel.
	Classes int
	// Filters is the number of channels of the first level; every level below has twice as
	// many.
	Filters int
	// Levels is the number of resolutions, 2 to 6. The bottom one has 2^(Levels-1)-th sides.
	Levels int
	// Norm is one of [Norms].
	Norm string
}

// Norms lists the normalisations: bn is by batch, gn by group with 16 groups, which does not
// mix the volumes of a batch.
func Norms() []string { return []string{"bn", "gn"} }

// Check reports everything that is invalid in c.
func (c Config) Check() error {
	var faults []error
	fault := func(format string, args ...any) {
		faults = append(faults, fmt.Errorf("vnet: check config: "+format, args...))
	}
	if c.Classes < 2 || c.Classes > semidavil.Ignore {
		fault("%d classes: not within 2 to %d", c.Classes, semidavil.Ignore)
	}
	if c.Filters < 1 {
		fault("%d filters, want 1 or more", c.Filters)
	}
	if c.Levels < 2 || c.Levels > 6 {
		fault("%d levels: not within 2 to 6", c.Levels)
	}
	if !slices.Contains(Norms(), c.Norm) {
		fault("unknown norm %q; valid: %s", c.Norm, strings.Join(Norms(), ", "))
	}
	return errors.Join(faults...)
}

// Multiple is what the sides of a volume are multiples of, 2^(Levels-1).
func (c Config) Multiple() int { return 1 << (c.Levels - 1) }

// CheckSize reports where the sides of a volume are not such multiples.
func (c Config) CheckSize(depth, height, width int) error {
	m := c.Multiple()
	for _, side := range []int{depth, height, width} {
		if side < m || side%m != 0 {
			return fmt.Errorf("vnet: check size: %dx%dx%d (depth, height, width) has a side that is not a multiple of %d, as %d levels want it", depth, height, width, m, c.Levels)
		}
	}
	return nil
}

// Channels are those of a level, counted from 1.
func (c Config) Channels(level int) int { return c.Filters << (level - 1) }

// Convolutions is the number of them in a block of a level.
func (c Config) Convolutions(level int) int { return min(level, 3) }

// Groups is the number of groups of the norm gn: 16, or fewer where channels need that.
func Groups(channels int) int {
	groups := 16
	for channels%groups != 0 {
		groups /= 2
	}
	return groups
}
