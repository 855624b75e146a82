package nifti

import "slices"

// block is how many lines are transposed at a time: so many floats fill a cache line.
const block = 16

// unroll fills dst, in canonical order, with what read makes of stored voxels: read converts
// those from i on, as many as dst has, and returns the index of a voxel that it refuses, or
// -1. unroll returns that.
func unroll[T float32 | uint8](dst []T, f *File, read func(dst []T, i int) int) int {
	base, step := f.steps()
	nx, ny, nz := f.dims[0], f.dims[1], f.dims[2]
	if f.orient.to[0] == 0 {
		for z := range nz {
			for y := range ny {
				at := base + y*step[1] + z*step[2]
				if step[0] < 0 {
					at -= nx - 1
				}
				line := dst[at:][:nx]
				if bad := read(line, (z*ny+y)*nx); bad >= 0 {
					return bad
				}
				if step[0] < 0 {
					slices.Reverse(line)
				}
			}
		}
		return -1
	}
	// Lines along the first stored axis lie across those of dst: block lines that are next to
	// each other in dst are read, and written in pieces of as many.
	across, other := 1, 2
	if f.orient.to[2] == 0 {
		across, other = 2, 1
	}
	stored := [3]int{1, nx, nx * ny}
	lines := make([]T, block*nx)
	for o := range f.dims[other] {
		for a := 0; a < f.dims[across]; a += block {
			n := min(block, f.dims[across]-a)
			for i := range n {
				if bad := read(lines[i*nx:(i+1)*nx], o*stored[other]+(a+i)*stored[across]); bad >= 0 {
					return bad
				}
			}
			at := base + o*step[other] + a*step[across]
			for x := range nx {
				if step[across] > 0 {
					to := dst[at+x*step[0]:][:n]
					for i := range to {
						to[i] = lines[i*nx+x]
					}
					continue
				}
				to := dst[at+x*step[0]-(n-1):][:n]
				for i := range to {
					to[n-1-i] = lines[i*nx+x]
				}
			}
		}
	}
	return -1
}

// steps returns where the first stored voxel lies in the canonical order, and how far its
// neighbours along the stored axes are from it.
func (f *File) steps() (base int, step [3]int) {
	g := f.Grid()
	stride, n := [3]int{1, g.W, g.W * g.H}, [3]int{g.W, g.H, g.D}
	for axis, to := range f.orient.to {
		step[axis] = stride[to]
		if f.orient.flip[axis] {
			base += (n[to] - 1) * stride[to]
			step[axis] = -stride[to]
		}
	}
	return base, step
}
