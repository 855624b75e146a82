package labels

import (
	"fmt"

	"semidavil"
	"semidavil/transforms/pixels/fastpng"
)

// Remap writes the train ids of a label raster at the size of dst, by nearest
// neighbour: each pixel takes the id under its centre, floor((x+1/2)·W/w), exactly.
// (Pillow's NEAREST adds up a rounded step instead, and takes the neighbour at a
// few centres that fall between two pixels, such as for 2048 to 1280; it agrees
// for 2048 to 1024, 1914 to 1280 and the other usual sizes.)
// Every pixel of the raster must be in the table, also those that the resize
// leaves out, so that the verdict on a file does not depend on the size.
//
// dst u8[H,W] train ids or Ignore; its size is set by the caller.
func Remap(dst *semidavil.LabelMap, src fastpng.IDs, t Table) error {
	if src.W < 1 || src.H < 1 || dst.W < 1 || dst.H < 1 {
		return fmt.Errorf("labels: remap: empty raster: %dx%d to %dx%d", src.W, src.H, dst.W, dst.H)
	}
	var to [256]uint8
	for id := range to {
		to[id], _ = t.TrainID(id)
	}
	if src.W == dst.W && src.H == dst.H && src.Pix8 != nil && same(dst.Pix, src.Pix8, &to, t) {
		return nil
	}
	if err := check(src, t); err != nil {
		return fmt.Errorf("labels: remap: %w", err)
	}
	cols, rows := make([]int, dst.W), make([]int, dst.H)
	nearest(cols, src.W)
	nearest(rows, src.H)
	for y, sy := range rows {
		out := dst.Pix[y*dst.W : (y+1)*dst.W]
		if src.Pix8 != nil {
			in := src.Pix8[sy*src.W : (sy+1)*src.W]
			for x, sx := range cols {
				out[x] = to[in[sx]]
			}
			continue
		}
		in := src.Pix16[sy*src.W : (sy+1)*src.W]
		for x, sx := range cols {
			out[x] = uint8(t.to[in[sx]]) // check has refused what the table does not have
		}
	}
	return nil
}

// same maps a raster of the same size, as evaluation has it, in one pass, and reports
// whether all its ids are in the table.
func same(dst, src []uint8, to *[256]uint8, t Table) bool {
	var bad [256]uint8
	for id := range bad {
		if _, ok := t.TrainID(id); !ok {
			bad[id] = 1
		}
	}
	var met uint8
	dst = dst[:len(src)]
	for i, id := range src {
		dst[i] = to[id]
		met |= bad[id]
	}
	return met == 0
}

// nearest fills index with the positions, of in, under the centres of its pixels.
func nearest(index []int, in int) {
	for x := range index {
		index[x] = (2*x + 1) * in / (2 * len(index))
	}
}

// check finds the first pixel, in row-major order, whose id is not in the table.
func check(src fastpng.IDs, t Table) error {
	for i, id := range src.Pix8 {
		if int(id) >= len(t.to) || t.to[id] == unknown {
			return outside(src, i, int(id))
		}
	}
	for i, id := range src.Pix16 {
		if int(id) >= len(t.to) || t.to[id] == unknown {
			return outside(src, i, int(id))
		}
	}
	return nil
}

func outside(src fastpng.IDs, i, id int) error {
	return fmt.Errorf("id %d at column %d, row %d is outside the table of the data set", id, i%src.W, i/src.W)
}
