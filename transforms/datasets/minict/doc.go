// Package minict is the built-in medical data set: small abdominal CT scans that a
// program draws, with the 13 organs of Synapse in a long tail. It lets the volume
// pipelines run without a download.
//
// A case is a patient: the pose, the places and sizes of the organs, the phase of the
// contrast agent. The organs are solids around the trunk's axis, in millimetres; a
// voxel belongs to the first solid that holds its centre. Smooth noise bends the whole
// patient and roughens each surface. What is not an organ is drawn too: wall, ribs,
// spine, lungs, heart, bowel, and vessels without a label. Neighbours share their
// intensities, so that an organ is told by its place and shape.
//
// The field of view is the same at every size, about 350 mm high, 380 mm wide and
// deep: a larger grid shows the same patient in finer voxels.
//
// The same seed, number and grid give the same bits on every processor: the drawing
// uses only operations that IEEE 754 rounds exactly, and every product is converted
// before it is added to something, so that no compiler fuses the two.
package minict

import (
	"fmt"

	"semidavil"
)

// Version counts the deliberate changes of the drawing: cases of another version are
// redrawn.
const Version = 1

// DefaultGrid is the smallest comfortable size: every organ has at least MinVoxels
// voxels there. Smaller grids are drawn as well, but from about half as many voxels a
// side the adrenal glands are crumbs or missing.
var DefaultGrid = semidavil.Grid{D: 48, H: 96, W: 96}

// MinVoxels is the least number of voxels of an organ at DefaultGrid (the least of 1000
// cases has a right adrenal gland of 15).
const MinVoxels = 15

// MaxSide is the largest side of a grid.
const MaxSide = 512

// The train ids of semidavil.Synapse14.
const (
	background uint8 = iota
	spleen
	rightKidney
	leftKidney
	gallbladder
	oesophagus
	liver
	stomach
	aorta
	cava
	portal
	pancreas
	rightAdrenal
	leftAdrenal
	classes
)

// Case is a scan and its labels, of the same grid and spacing.
type Case struct {
	// Volume holds whole Hounsfield units from -1024 to 3071.
	Volume semidavil.Volume
	// Label holds the train ids of semidavil.Synapse14, 0 to 13; no voxel is ignored.
	Label semidavil.LabelVolume
}

// check refuses grids that cannot be drawn.
func check(g semidavil.Grid) error {
	for _, side := range []int{g.D, g.H, g.W} {
		if side < 1 || side > MaxSide {
			return fmt.Errorf("minict: draw case: grid %dx%dx%d: want sides of 1 to %d", g.D, g.H, g.W, MaxSide)
		}
	}
	return nil
}
