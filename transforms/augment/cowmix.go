package augment

import (
	"math"
	"math/rand/v2"
)

// Ranges of CowMask (French et al. 2020): the standard deviation of the blur in pixels, drawn on a
// logarithmic scale, and the share of the view.
const (
	minCowSigma, maxCowSigma = 4, 16
	minCowShare, maxCowShare = 0.2, 0.8
)

// DrawCow draws the mask of CowMix in a view of w x h, 1 in the spots and 0 elsewhere: Gaussian
// noise that is blurred, where it is above the threshold that so large a share of it is expected to pass.
func DrawCow(rng *rand.Rand, w, h int) []uint8 {
	sigma := math.Exp(between(rng, math.Log(minCowSigma), math.Log(maxCowSigma)))
	share := between(rng, minCowShare, maxCowShare)
	noise := make([]float64, w*h)
	for i := range noise {
		noise[i] = rng.NormFloat64()
	}
	kernel := gaussian(sigma)
	blurred := make([]float64, w*h)
	blurLines(blurred, noise, kernel, w, h, 1, w)
	blurLines(noise, blurred, kernel, h, w, w, 1)
	var mean, square float64
	for _, v := range noise {
		mean += v
	}
	mean /= float64(len(noise))
	for _, v := range noise {
		square += float64((v - mean) * (v - mean))
	}
	threshold := mean + float64(math.Sqrt2*math.Erfinv(1-2*share)*math.Sqrt(square/float64(len(noise))))
	mask := make([]uint8, w*h)
	for i, v := range noise {
		if v > threshold {
			mask[i] = 1
		}
	}
	return mask
}

// gaussian is half of a kernel up to three standard deviations; its first weight is that of the
// centre.
func gaussian(sigma float64) []float64 {
	kernel := make([]float64, int(3*sigma)+1)
	for i := range kernel {
		kernel[i] = math.Exp(-float64(float64(i*i) / (2 * sigma * sigma)))
	}
	return kernel
}

// blurLines blurs lines of n values that are step apart in memory, the next line lineStep further;
// beyond its ends a line is mirrored.
func blurLines(dst, src, kernel []float64, n, lines, step, lineStep int) {
	inside := func(i int) int { // mirrored at both ends, however often
		i %= 2 * n
		if i < 0 {
			i += 2 * n
		}
		return min(i, 2*n-1-i) * step
	}
	for line := range lines {
		first := line * lineStep
		for i := range n {
			sum := kernel[0] * src[first+i*step]
			for k := 1; k < len(kernel); k++ {
				sum += float64(kernel[k] * (src[first+inside(i-k)] + src[first+inside(i+k)]))
			}
			dst[first+i*step] = sum
		}
	}
}
