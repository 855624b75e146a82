package weights

import "semidavil/model/params"

// shape is that of the parameter, once all numbers in want are known.
func (p place) shape() []int {
	switch {
	case p.dims != nil:
		return p.dims
	case p.order == patches:
		return []int{p.want[2] * p.want[3] * p.want[1], p.want[0]}
	case p.order == doubled:
		return []int{p.want[0], p.want[1] * p.want[2] * p.want[3]}
	case p.order == transposed:
		return []int{p.want[1], p.want[0] * p.parts}
	case len(p.want) == 0:
		return nil
	}
	shape := append([]int(nil), p.want...)
	shape[len(shape)-1] *= p.parts
	return shape
}

// straight is the part of the parameter that is the tensor, of n elements, as it stands.
func (p place) straight(param []float32, n int) (part []float32, ok bool) {
	if p.order != copied {
		return nil, false
	}
	return param[p.part*n : (p.part+1)*n], true
}

// runs calls run for stretches of the tensor: n elements that follow each other in the
// file from index file, and in the parameter from index param with gaps of stride.
func (p place) runs(run func(file, param, n, stride int)) {
	switch p.order {
	case copied:
		n := params.Size(p.want)
		run(0, p.part*n, n, 1)
	case transposed:
		// In bands, so that the lines of the parameter stay in the cache from one row
		// of the file to the next.
		const band = 64
		out, in := p.want[0], p.want[1]
		width := out * p.parts
		for i := 0; i < in; i += band {
			for o := range out {
				run(o*in+i, i*width+p.part*out+o, min(band, in-i), width)
			}
		}
	case doubled:
		in, out, taps := p.want[0], p.want[1], p.want[2]*p.want[3]
		for i := range in {
			for o := range out {
				run((i*out+o)*taps, i*out*taps+o, taps, out)
			}
		}
	case patches:
		out, channels, side := p.want[0], p.want[1], p.want[2]
		for o := range out {
			for c := range channels {
				for dy := range side {
					run(((o*channels+c)*side+dy)*side, (dy*side*channels+c)*out+o, side, channels*out)
				}
			}
		}
	}
}

// toParam copies a tensor of a file into the parameter.
func (p place) toParam(param, file []float32) {
	p.runs(func(f, at, n, stride int) {
		for _, v := range file[f : f+n] {
			param[at] = v
			at += stride
		}
	})
}

// toFile is the reverse of toParam.
func (p place) toFile(file, param []float32) {
	p.runs(func(f, at, n, stride int) {
		part := file[f : f+n]
		for i := range part {
			part[i] = param[at]
			at += stride
		}
	})
}
