package configs

import (
	"fmt"
	"strconv"
	"strings"
)

// VolumeSettings are those of prepare for volumes.
type VolumeSettings struct {
	// MiniCT draws built-in CT volumes: Cases of them for train, val and test.
	MiniCT   bool   `json:"minict" help:"draw MiniCT, built-in CT volumes with 13 organs, instead of road scenes"`
	Cases    [3]int `json:"cases" default:"20,4,6" range:"0.." wants:"three numbers: train, val, test" help:"<counts> of MiniCT's volumes: train, val, test"`
	CaseSize string `json:"case_size" default:"48x96x96" help:"<size> of MiniCT's volumes, in voxels: DEPTHxHEIGHTxWIDTH"`
	// Values is the range of values that become 0 and 1.
	Values [2]float64 `json:"values" default:"-75,275" wants:"two numbers: lowest and highest" help:"<range> of the values of volumes (Hounsfield units of CT) that is kept, lowest and highest; what is outside is clipped"`
	// VolumeSize is "own", "half" or "DxHxW".
	VolumeSize string `json:"volume_size" default:"own" help:"<size> of stored volumes: own, half (height and width alone), or DEPTHxHEIGHTxWIDTH such as 80x160x160"`
}

// VolumeTraining are the settings of trainings on volumes, beside those of the losses, batches and the
// optimisation.
type VolumeTraining struct {
	// Patch is what a step sees of a volume, "DxHxW".
	Patch string `json:"patch" default:"64x128x128" help:"<size> of the patches that V-Net sees, in voxels: DEPTHxHEIGHTxWIDTH"`
	// Filters and Levels are V-Net's; its sides halve from level to level.
	Filters int  `json:"filters" default:"32" range:"1..1024" help:"<channels> of V-Net's first level; each further one has twice as many"`
	Levels  int  `json:"levels" default:"5" range:"2..6" help:"<resolutions> of V-Net; a patch is a multiple of 2^(levels-1)"`
	Dropout bool `json:"dropout" default:"true" help:"drop half of the channels at V-Net's bottom and before its output"`
	// Dice is the weight of the soft Dice loss beside the voxel-wise one.
	Dice float64 `json:"dice" default:"1" range:"0..1e6" help:"<weight> of the soft Dice loss beside --loss"`
	// Foreground is the share of patches that show a voxel of an organ.
	Foreground float64 `json:"foreground" default:"0.33" range:"0..1" help:"<share> of the patches that show an organ, each organ as often"`
	Rotate     float64 `json:"rotate" default:"0" range:"0..180" help:"largest <angle> in degrees by which patches are turned about the body's axis"`
	Flip       string  `json:"flip" default:"none" valid:"none,d,h,w,dh,dw,hw,dhw" help:"<axes> along which patches are mirrored: none, or some of d, h and w; w takes left organs for right ones"`
	Overlap    float64 `json:"overlap" default:"0.5" range:"0..0.95" help:"<share> by which the patches overlap in which V-Net sees whole volumes"`
}

// check reports faults of the settings of volumes.
func (c VolumeSettings) check(f *faults) {
	if !(c.Values[0] < c.Values[1]) || c.Values[1]-c.Values[0] > 1e9 {
		f.add("values", "%v: want the lowest and the highest value", c.Values)
	}
	if _, err := ParseGrid(c.CaseSize); err != nil {
		f.add("case_size", "%v", err)
	}
	if c.VolumeSize != "own" && c.VolumeSize != "half" {
		if _, err := ParseGrid(c.VolumeSize); err != nil {
			f.add("volume_size", "%v, own or half", err)
		}
	}
}

// maxVoxels bounds prepared volumes.
const maxVoxels = 1 << 28

// ParseGrid reads "DEPTHxHEIGHTxWIDTH" in voxels.
func ParseGrid(s string) (size [3]int, err error) {
	parts := strings.Split(s, "x")
	voxels := 1
	for i, part := range parts {
		if len(parts) != 3 {
			break
		}
		n, err := strconv.Atoi(part)
		if err != nil || n < 1 || n > maxVoxels/voxels {
			parts = nil
			break
		}
		size[i] = n
		voxels *= n
	}
	if len(parts) != 3 {
		return size, fmt.Errorf("%q: want DEPTHxHEIGHTxWIDTH in voxels, such as 80x160x160, and at most 268 million of them", s)
	}
	return size, nil
}
