package augment

import (
	"math/rand/v2"

	"semidavil"
)

// Recipe says how strongly colours are changed. Probabilities are 0 to 1.
type Recipe struct {
	// Jitter is the probability of the four changes that follow: factors within
	// 1 ± Brightness, 1 ± Contrast and 1 ± Saturation, not below 0, and turns of
	// the hue within ± Hue, at most 0.5.
	Jitter                                float64
	Brightness, Contrast, Saturation, Hue float64
	// Gray is the probability of a gray image.
	Gray float64
	// Blur is the probability of a blur with a standard deviation from SigmaMin
	// to SigmaMax pixels.
	Blur, SigmaMin, SigmaMax float64
}

// UniMatch is the strong augmentation of UniMatch and SemiVL.
func UniMatch() Recipe {
	return Recipe{Jitter: 0.8, Brightness: 0.5, Contrast: 0.5, Saturation: 0.5, Hue: 0.25, Gray: 0.2, Blur: 0.5, SigmaMin: 0.1, SigmaMax: 2}
}

// DACS is what DACS does to an image mixed by classes. Its blur is kornia's kernel
// there; here it is Blur.
func DACS() Recipe {
	return Recipe{Jitter: 0.8, Brightness: 0.25, Contrast: 0.25, Saturation: 0.25, Hue: 0.25, Blur: 0.5, SigmaMin: 0.15, SigmaMax: 1.15}
}

// Op is one change of the colour jitter.
type Op uint8

// The four changes.
const (
	OpBrightness Op = iota
	OpContrast
	OpSaturation
	OpHue
)

// Photometric is one draw of a recipe. The zero value changes nothing.
type Photometric struct {
	// Jitter says whether the changes of Order are made, in that order.
	Jitter bool
	Order  [4]Op
	// Factors are indexed by Op; the last one is the turn of the hue.
	Factors [4]float64
	Gray    bool
	Blur    bool
	Sigma   float64
}

// Draw draws the changes of one image. The recipe has passed Check. All numbers
// are drawn whether they are used or not.
func (r Recipe) Draw(rng *rand.Rand) Photometric {
	var p Photometric
	p.Jitter = rng.Float64() < r.Jitter
	for i, at := range rng.Perm(4) {
		p.Order[i] = Op(at)
	}
	for i, strength := range [...]float64{r.Brightness, r.Contrast, r.Saturation} {
		p.Factors[i] = between(rng, max(0, 1-strength), 1+strength)
	}
	p.Factors[OpHue] = between(rng, -r.Hue, r.Hue)
	p.Gray = rng.Float64() < r.Gray
	p.Blur = rng.Float64() < r.Blur
	p.Sigma = between(rng, r.SigmaMin, r.SigmaMax)
	return p
}

// Apply changes img: jitter, gray, blur. spare holds memory between calls, as in
// Blur.
func (p Photometric) Apply(img *semidavil.Image, spare *[]uint8) error {
	if p.Jitter {
		for _, op := range p.Order {
			f := p.Factors[op]
			switch op {
			case OpBrightness:
				Brightness(img, f)
			case OpContrast:
				Contrast(img, f)
			case OpSaturation:
				Saturation(img, f)
			case OpHue:
				Hue(img, f)
			}
		}
	}
	if p.Gray {
		Gray(img)
	}
	if p.Blur {
		return Blur(img, p.Sigma, spare)
	}
	return nil
}
