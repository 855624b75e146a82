package cliptags

import (
	"math"

	"semidavil/transforms/captions"
)

// Readout gives the probabilities of the things from the features f of a patch:
// softmax over things k of Directions[k]·f + Bias[k].
type Readout struct {
	Directions [][]float32 // [K][E]
	Bias       []float32
	// Thresholds are the probabilities from which a patch counts as the thing; above 1 it is never named.
	Thresholds []float32
}

const (
	// defaultThreshold is that of things without calibration: more likely than all others together.
	defaultThreshold = 0.5
	// never is the threshold of things that are not named.
	never = 2
)

func (r *Readout) scale(by float64) {
	for _, d := range r.Directions {
		for i := range d {
			d[i] = float32(float64(d[i]) * by)
		}
	}
}

// Probabilities returns those of the things, f32[Height·Width][K].
func (r *Readout) Probabilities(f Features) [][]float32 {
	out := make([][]float32, f.Width*f.Height)
	logits := make([]float64, len(r.Directions))
	for p := range out {
		x := f.Values[p*f.Embed:][:f.Embed]
		top := math.Inf(-1)
		for k, d := range r.Directions {
			sum := float64(r.Bias[k])
			for i, v := range x {
				sum += float64(float64(d[i]) * float64(v))
			}
			logits[k] = sum
			top = max(top, sum)
		}
		var total float64
		for k, z := range logits {
			logits[k] = math.Exp(z - top)
			total += logits[k]
		}
		out[p] = make([]float32, len(logits))
		for k, e := range logits {
			out[p][k] = float32(e / total)
		}
	}
	return out
}

// See names the things and their places, in the order of Things.
func (r *Readout) See(f Features) []captions.Sighting {
	probable := r.Probabilities(f)
	var out []captions.Sighting
	for k, thing := range Things {
		if thing.Many == "" {
			continue
		}
		if found := regions(probable, f.Width, f.Height, k, r.Thresholds[k]); len(found) > 0 {
			out = append(out, captions.Sighting{One: thing.One, Many: thing.Many, Beside: thing.Beside, Regions: found})
		}
	}
	return out
}

// smallest is how many patches a region has at least: one in 400.
func smallest(patches int) int { return max(1, patches/400) }

// regions returns the connected patches (by their sides) of which thing k has the probability, row by row.
func regions(probable [][]float32, width, height, k int, threshold float32) []captions.Region {
	var out []captions.Region
	met := make([]bool, len(probable))
	var stack []int
	for start := range probable {
		if met[start] || probable[start][k] < threshold {
			continue
		}
		met[start], stack = true, append(stack[:0], start)
		n, sum, bottom := 0, 0.0, 0
		for len(stack) > 0 {
			p := stack[len(stack)-1]
			stack = stack[:len(stack)-1]
			x, y := p%width, p/width
			n, sum, bottom = n+1, sum+float64(x)+0.5, max(bottom, y+1)
			for _, next := range []struct {
				at int
				ok bool
			}{{p - 1, x > 0}, {p + 1, x < width-1}, {p - width, y > 0}, {p + width, y < height-1}} {
				if next.ok && !met[next.at] && probable[next.at][k] >= threshold {
					met[next.at] = true
					stack = append(stack, next.at)
				}
			}
		}
		if n >= smallest(len(probable)) {
			out = append(out, captions.Region{X: sum / float64(n*width), Bottom: float64(bottom) / float64(height)})
		}
	}
	return out
}

func normalise(v []float64) {
	var sum float64
	for _, x := range v {
		sum += x * x
	}
	if sum = math.Sqrt(sum); sum > 0 {
		for i := range v {
			v[i] /= sum
		}
	}
}

func narrow(v []float64) []float32 {
	out := make([]float32, len(v))
	for i, x := range v {
		out[i] = float32(x)
	}
	return out
}
