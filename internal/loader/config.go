package loader

import (
	"fmt"
	"runtime"
	"strings"

	"semidavil/transforms/augment"
)

// Config says what a batch is made of.
type Config struct {
	// Dir is the output of prepare, a local folder or gs:// URL.
	Dir  string
	Seed uint64
	// CropW and CropH are the size of all images of a batch; smaller samples are
	// padded. They may be 0 where no batches are made.
	CropW, CropH int
	// Source, Labelled and Unlabelled are images per step (docs/METHOD.md#batches: 4, 4, 4).
	Source, Labelled, Unlabelled int
	// Strong names the strong augmentation: cutmix, cowmix, classmix or none (docs/METHOD.md#augmentation).
	Strong string
	// RareClass draws source images by DAFormer's rare-class sampling, with
	// RareTemperature; 0 stands for its 0.01.
	RareClass       bool
	RareTemperature float64
	// Flip mirrors each view with probability 1/2.
	Flip bool
	// Volumes says what patches of volumes are like, in the place of CropW, CropH and Strong.
	Volumes *VolumeConfig `json:",omitempty"`
	// Workers make batches at the same time; 0 stands for one per processor.
	// Prefetch batches are made ahead of the one in use; 0 stands for Workers.
	Workers, Prefetch int
	// CacheDir is where shards of a bucket are copied to and found again; where
	// it is empty, a temporary folder that Close removes.
	CacheDir string
	// CacheBytes is the memory for decoded images; 0 stands for 1 GiB, and a
	// negative number for none.
	CacheBytes int64
}

// VolumeConfig says how patches of volumes are drawn.
type VolumeConfig struct {
	augment.PatchRecipe
	// Foreground is the share of the labelled patches that show a voxel of a class other than
	// 0: the class is drawn first, so that small organs are seen as often as large ones.
	Foreground float64
}

// The strong augmentations.
const (
	CutMix   = "cutmix"
	CowMix   = "cowmix"
	ClassMix = "classmix"
	None     = "none"
)

// maxSide bounds crops, so that the size of a batch fits into an int.
const maxSide = 1 << 14

// complete checks the configuration and fills in the defaults.
func (c Config) complete() (Config, error) {
	var faults []string
	fault := func(format string, args ...any) { faults = append(faults, fmt.Sprintf(format, args...)) }
	if c.Dir == "" {
		fault("no folder of shards is given")
	}
	for _, n := range []struct {
		name  string
		value int
	}{{"source", c.Source}, {"labelled", c.Labelled}, {"unlabelled", c.Unlabelled}, {"workers", c.Workers}, {"prefetch", c.Prefetch}} {
		if n.value < 0 || n.value > 1<<16 {
			fault("%s %d: want 0 to %d", n.name, n.value, 1<<16)
		}
	}
	switch v := c.Volumes; {
	case c.perStep() == 0:
	case v != nil:
		if min(v.D, v.H, v.W) < 1 || max(v.D, v.H, v.W) > maxSide || !(v.Foreground >= 0 && v.Foreground <= 1) || !(v.Rotate >= 0 && v.Rotate <= 180) {
			fault("patches of %dx%dx%d, %g of them of the foreground, turned by up to %g degrees: want sides of 1 to %d, a share and 0 to 180 degrees", v.D, v.H, v.W, v.Foreground, v.Rotate, maxSide)
		}
	default:
		if min(c.CropW, c.CropH) < 1 || max(c.CropW, c.CropH) > maxSide {
			fault("crop %dx%d: want sides of 1 to %d", c.CropW, c.CropH, maxSide)
		}
		switch c.Strong {
		case CutMix, CowMix, None:
		case ClassMix:
			if c.Unlabelled > 0 && c.Source == 0 {
				fault("strong %s pastes source images, but no source images are in a step", ClassMix)
			}
		default:
			fault("strong %q: unknown; valid: %s, %s, %s, %s", c.Strong, CutMix, CowMix, ClassMix, None)
		}
	}
	if c.RareTemperature == 0 {
		c.RareTemperature = 0.01
	}
	if !(c.RareTemperature > 0) {
		fault("rare-class temperature %g: want more than 0", c.RareTemperature)
	}
	if len(faults) > 0 {
		return c, fmt.Errorf("loader: check configuration: %s", strings.Join(faults, "; "))
	}
	if c.Workers == 0 {
		c.Workers = runtime.GOMAXPROCS(0)
	}
	if c.Prefetch == 0 {
		c.Prefetch = c.Workers
	}
	if c.CacheBytes == 0 {
		c.CacheBytes = 1 << 30
	}
	return c, nil
}

func (c Config) perStep() int { return c.Source + c.Labelled + c.Unlabelled }
