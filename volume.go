package semidavil

// Grid is the shape of a volume: D slices of H rows of W voxels. The slices follow each
// other from the patient's feet to the head, the rows from the back to the front and the
// voxels of a row from left to right (RAS+, the canonical orientation of nibabel).
type Grid struct{ D, H, W int }

// Voxels is their number.
func (g Grid) Voxels() int { return g.D * g.H * g.W }

// Volume is a grid of values, such as a CT scan in Hounsfield units.
type Volume struct {
	Grid
	// Spacing is the distance between neighbours along D, H and W, in millimetres.
	Spacing [3]float64
	Values  []float32 // len D*H*W, W fastest
}

// LabelVolume holds one train id a voxel; Ignore marks voxels without a class.
type LabelVolume struct {
	Grid
	Spacing [3]float64
	IDs     []uint8 // len D*H*W, W fastest
}
