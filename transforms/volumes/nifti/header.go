package nifti

import (
	"encoding/binary"
	"fmt"
	"math"
)

// The places of the fields of a header in it.
const (
	headerSize  = 348
	firstOffset = 352     // of voxels: behind the header and four bytes that announce extensions
	lastOffset  = 1 << 24 // up to here a float32, as which it is stored, holds every whole number
	atDim       = 40
	atDatatype  = 70
	atBitpix    = 72
	atPixdim    = 76
	atVoxOffset = 108
	atSlope     = 112
	atInter     = 116
	atUnits     = 123
	atCalMax    = 124
	atCalMin    = 128
	atGlmax     = 140
	atGlmin     = 144
	atQformCode = 252
	atSformCode = 254
	atQuatern   = 256
	atQoffset   = 268
	atSrow      = 280
	atMagic     = 344
)

// header is what a file says of its voxels.
type header struct {
	order binary.ByteOrder
	// dims are the numbers of voxels along the stored axes, the first of which is fastest.
	dims   [3]int
	kind   datatype
	offset int // of the first voxel in the file
	// A value is slope·stored + inter where scaled.
	scaled       bool
	slope, inter float64
	affine       affine
	// millimetres is the length of a unit of the affine.
	millimetres float64
}

// parseHeader reads the first 348 bytes of a file.
func parseHeader(raw []byte, maxVoxels int) (h header, err error) {
	switch {
	case binary.LittleEndian.Uint32(raw) == headerSize:
		h.order = binary.LittleEndian
	case binary.BigEndian.Uint32(raw) == headerSize:
		h.order = binary.BigEndian
	case binary.LittleEndian.Uint32(raw) == 540 || binary.BigEndian.Uint32(raw) == 540:
		return h, fmt.Errorf("a NIfTI-2 file; want NIfTI-1")
	default:
		return h, fmt.Errorf("not a NIfTI file: it begins with %d, want the size of the header, %d", binary.LittleEndian.Uint32(raw), headerSize)
	}
	switch magic := string(raw[atMagic : atMagic+4]); magic {
	case "n+1\x00":
	case "ni1\x00":
		return h, fmt.Errorf("half of a NIfTI-1 pair (.hdr and .img); want a single file")
	default:
		return h, fmt.Errorf("magic %q, want \"n+1\\x00\"; ANALYZE files are not read", magic)
	}
	if err := h.readDims(raw, maxVoxels); err != nil {
		return h, err
	}
	h.kind = datatype(h.short(raw, atDatatype))
	if h.kind.size() == 0 {
		return h, fmt.Errorf("voxels of %s; want whole numbers or floats of 8 to 64 bits", h.kind)
	}
	at := h.float(raw, atVoxOffset)
	if !(at >= firstOffset && at <= lastOffset) || at != math.Trunc(at) {
		return h, fmt.Errorf("voxels begin at byte %g; want a whole number of %d to %d", at, firstOffset, lastOffset)
	}
	h.offset = int(at)
	if err := h.readScale(raw); err != nil {
		return h, err
	}
	switch units := raw[atUnits] & 7; units {
	case 0, 2:
		h.millimetres = 1
	case 1:
		h.millimetres = 1000
	case 3:
		h.millimetres = 1e-3
	default:
		return h, fmt.Errorf("unit of length %d: unknown; valid: 0 (none, taken as mm), 1 (m), 2 (mm), 3 (µm)", units)
	}
	h.affine, err = h.bestAffine(raw)
	return h, err
}

// readDims wants three axes; further ones may follow if they are of one voxel.
func (h *header) readDims(raw []byte, maxVoxels int) error {
	axes := h.short(raw, atDim)
	if axes < 3 || axes > 7 {
		return fmt.Errorf("%d axes; want 3", axes)
	}
	voxels := 1
	for a := 1; a <= axes; a++ {
		n := h.short(raw, atDim+2*a)
		switch {
		case n < 1:
			return fmt.Errorf("axis %d has %d voxels; want at least 1", a, n)
		case a == 4 && n > 1:
			return fmt.Errorf("a series of %d volumes (time points); want one volume", n)
		case a > 4 && n > 1:
			return fmt.Errorf("%d values a voxel along axis %d; want one value", n, a)
		case n > maxVoxels/voxels:
			return fmt.Errorf("%d x %d x %d voxels; want at most %d", h.short(raw, atDim+2), h.short(raw, atDim+4), h.short(raw, atDim+6), maxVoxels)
		case a <= 3:
			h.dims[a-1] = n
		}
		voxels *= n
	}
	return nil
}

// readScale reads slope and intercept; a slope of 0, NaN or Inf means none.
func (h *header) readScale(raw []byte) error {
	slope, inter := h.float(raw, atSlope), h.float(raw, atInter)
	if slope == 0 || math.IsNaN(slope) || math.IsInf(slope, 0) || slope == 1 && inter == 0 {
		return nil
	}
	if math.IsNaN(inter) || math.IsInf(inter, 0) {
		return fmt.Errorf("scaled by %g, but with an intercept of %g", slope, inter)
	}
	h.scaled, h.slope, h.inter = true, slope, inter
	return nil
}

func (h *header) short(raw []byte, at int) int { return int(int16(h.order.Uint16(raw[at:]))) }

func (h *header) float(raw []byte, at int) float64 {
	return float64(math.Float32frombits(h.order.Uint32(raw[at:])))
}

// voxels is their number.
func (h *header) voxels() int { return h.dims[0] * h.dims[1] * h.dims[2] }

// place names a voxel by its stored axes, as nibabel indexes it.
func (h *header) place(i int) string {
	x, y, z := i%h.dims[0], i/h.dims[0]%h.dims[1], i/(h.dims[0]*h.dims[1])
	return fmt.Sprintf("voxel [%d, %d, %d] as stored", x, y, z)
}
