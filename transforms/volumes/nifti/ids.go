package nifti

import (
	"fmt"
	"math"
	"slices"

	"semidavil/transforms/labels"
)

// trainIDs returns a function that reads the voxels from i on as ids into the train ids dst,
// and returns the index of one that is not in the table, or -1.
func (f *File) trainIDs(table labels.Table) func(dst []uint8, i int) int {
	if f.kind == uint8Type && !f.scaled {
		var to [256]uint8
		var bad [256]uint8
		for id := range to {
			train, ok := table.TrainID(id)
			to[id] = train
			if !ok {
				bad[id] = 1
			}
		}
		return func(dst []uint8, i int) int {
			var met uint8
			from := f.voxels[i:][:len(dst)]
			for j, id := range from {
				dst[j] = to[id]
				met |= bad[id]
			}
			if met == 0 {
				return -1
			}
			return i + slices.IndexFunc(from, func(id uint8) bool { return bad[id] != 0 })
		}
	}
	return func(dst []uint8, i int) int {
		var buffer [part]float64
		for from := 0; from < len(dst); from += part {
			to := dst[from:min(from+part, len(dst))]
			f.scaledPart(buffer[:len(to)], i+from)
			for j := range to {
				id, ok := f.whole(buffer[j])
				if to[j], ok = trainID(table, id, ok); !ok {
					return i + from + j
				}
			}
		}
		return -1
	}
}

// maxID bounds ids, so that they fit into an int; a table has none beyond 16 bits.
const maxID = 1 << 31

// whole returns a value as an id, and whether it is one.
func (f *File) whole(v float64) (id int, ok bool) {
	if f.scaled {
		v = float64(float32(v))
	}
	if !(v > -maxID && v < maxID) {
		return 0, false
	}
	id = int(v)
	return id, float64(id) == v
}

func trainID(table labels.Table, id int, ok bool) (uint8, bool) {
	if !ok {
		return 0, false
	}
	return table.TrainID(id)
}

// fault says why voxel i is refused.
func (f *File) fault(i int) error {
	v := f.value(i)
	if f.scaled {
		v = float64(float32(v))
	}
	if v != math.Trunc(v) || math.IsInf(v, 0) {
		return fmt.Errorf("id %g is no whole number", v)
	}
	return fmt.Errorf("id %.0f is outside the table of the data set", v)
}
