package cliptags

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/gonum/mat"

	"semidavil"
)

// Calibration says how a CLIP's features are read, and how often that was right.
type Calibration struct {
	// CLIP and Vocabulary are the digests of what it was made for.
	CLIP       string `json:"clip"`
	Vocabulary string `json:"vocabulary"`
	// Images is the number of labelled images.
	Images int `json:"images"`
	// Directions and Bias are those of a Readout; without them the texts are used.
	Directions [][]float32 `json:"directions,omitempty"`
	Bias       []float32   `json:"bias,omitempty"`
	Thresholds []float32   `json:"thresholds"`
}

// Sample is one labelled image.
type Sample struct {
	Features Features
	// Counts are the pixels of each thing in each patch, [Height·Width][K]; Pixels are those of a patch, and
	// Total those of the image.
	Counts [][]int
	Pixels int
	Total  int
}

// NewSample counts the pixels of things in the patches of features. classes are those of the label.
func NewSample(f Features, label *semidavil.LabelMap, classes semidavil.ClassSet) Sample {
	thing := make([]int, 256)
	for i := range thing {
		thing[i] = -1
		if i < classes.Len() {
			thing[i] = slices.IndexFunc(Things, func(t Thing) bool { return slices.Contains(t.Labels, classes.Classes[i].Name) })
		}
	}
	s := Sample{Features: f, Counts: make([][]int, f.Width*f.Height), Pixels: max(1, label.W*label.H/(f.Width*f.Height)), Total: label.W * label.H}
	for p := range s.Counts {
		s.Counts[p] = make([]int, len(Things))
	}
	for i, id := range label.Pix {
		if k := thing[id]; k >= 0 {
			s.Counts[i/label.W*f.Height/label.H*f.Width+i%label.W*f.Width/label.W][k]++
		}
	}
	return s
}

// Present tells whether enough of thing k can be seen to be named: one pixel in 1,500, as in
// MiniCity's captions.
func (s Sample) Present(k int) bool {
	n := 0
	for _, c := range s.Counts {
		n += c[k]
	}
	return n > 0 && n >= s.Total/1500
}

// Left is the share of thing k's pixels in the left half, where it is in the image.
func (s Sample) Left(k int) (share float64, ok bool) {
	left, n := 0.0, 0.0
	for p, c := range s.Counts {
		n += float64(c[k])
		if 2*(p%s.Features.Width)+1 < s.Features.Width {
			left += float64(c[k])
		}
	}
	return left / max(1, n), s.Present(k)
}

// Calibration limits.
const (
	// Precision is the share of right ones that a thing needs among the images in which it would be named.
	Precision = 0.75
	// fewPatches are too few to learn a direction from.
	fewPatches = 8
	// ridge is added to the covariance, as a share of its mean variance.
	ridge = 0.1
	// absent is the bias of a thing of which nothing was learned.
	absent = -1e9
)

// Calibrate learns from labelled images of one CLIP. With learn it fits directions (linear discriminant
// analysis of the patches that are mostly one thing), where not it keeps the texts. The threshold of a
// thing is the one, among those whose precision is at least Precision, at which its name tells most: by the share of images
// with it in which it is named less the share of those without it, over images that its directions were
// not fitted to. Of what is in nearly all images the former counts alone, up to 0.9. Where no threshold is so
// precise, or tells more than chance would (two standard errors), the thing is never named.
func (t *Tagger) Calibrate(samples []Sample, learn bool) (Calibration, error) {
	c := Calibration{CLIP: t.digest, Vocabulary: vocabularyDigest(), Images: len(samples)}
	if len(samples) < 2 {
		return c, fmt.Errorf("cliptags: calibrate: %d labelled images: want 2 or more", len(samples))
	}
	var probable [][][]float32 // by sample
	if !learn {
		for _, s := range samples {
			probable = append(probable, t.text.Probabilities(s.Features))
		}
	} else {
		half := len(samples) / 2
		for i, part := range [][]Sample{samples[:half], samples[half:]} {
			r, err := discriminant([][]Sample{samples[half:], samples[:half]}[i])
			if err != nil {
				return c, fmt.Errorf("cliptags: calibrate: %w", err)
			}
			for _, s := range part {
				probable = append(probable, r.Probabilities(s.Features))
			}
		}
		r, err := discriminant(samples)
		if err != nil {
			return c, fmt.Errorf("cliptags: calibrate: %w", err)
		}
		c.Directions, c.Bias = r.Directions, r.Bias
	}
	for k := range Things {
		c.Thresholds = append(c.Thresholds, bestThreshold(samples, probable, k))
	}
	return c, nil
}

// bestThreshold is that of one thing.
func bestThreshold(samples []Sample, probable [][][]float32, k int) float32 {
	best, at := 0.0, float32(never)
	for step := 98; step > 0; step -= 2 {
		threshold := float32(step) / 100
		named, right, there := 0, 0, 0
		for i, s := range samples {
			present := s.Present(k)
			if present {
				there++
			}
			if len(regions(probable[i], s.Features.Width, s.Features.Height, k, threshold)) > 0 {
				named++
				if present {
					right++
				}
			}
		}
		absent := len(samples) - there
		hit, err1 := share(right, there)
		slip, err2 := share(named-right, absent)
		gain, doubt := hit-slip, 2*math.Sqrt(err1+err2)
		if 20*absent < len(samples) { // It is always there; the greatest threshold shows best where.
			gain, doubt = min(hit, 0.9), 0
		}
		if gain > max(best, doubt) && float64(right) >= Precision*float64(named) {
			best, at = gain, threshold
		}
	}
	return at
}

// share is part of whole and the variance of that estimate.
func share(part, whole int) (p, variance float64) {
	n := float64(max(1, whole))
	p = float64(part) / n
	return p, p * (1 - p) / n
}

// discriminant fits one Gaussian of common covariance Σ to the features of each thing, all equally
// likely: Σ⁻¹μ_k·f - ½μ_k·Σ⁻¹μ_k. Of a thing with too few patches nothing is learned, and it has no probability.
func discriminant(samples []Sample) (*Readout, error) {
	embed := samples[0].Features.Embed
	var rows [][]float32
	var kinds []int
	for _, s := range samples {
		for p, counts := range s.Counts {
			k := slices.Index(counts, slices.Max(counts))
			if 3*counts[k] > s.Pixels {
				rows, kinds = append(rows, s.Features.Values[p*embed:][:embed]), append(kinds, k)
			}
		}
	}
	number := make([]float64, len(Things))
	means := make([][]float64, len(Things))
	for k := range means {
		means[k] = make([]float64, embed)
	}
	for i, row := range rows {
		number[kinds[i]]++
		for j, x := range row {
			means[kinds[i]][j] += float64(x)
		}
	}
	for k := range means {
		for j := range means[k] {
			means[k][j] /= max(1, number[k])
		}
	}
	centred := mat.NewDense(max(1, len(rows)), embed, nil)
	for i, row := range rows {
		for j, x := range row {
			centred.Set(i, j, float64(x)-means[kinds[i]][j])
		}
	}
	covariance := mat.NewSymDense(embed, nil)
	covariance.SymOuterK(1/float64(max(1, len(rows))), centred.T())
	shrink := ridge*mat.Trace(covariance)/float64(embed) + 1e-9
	for j := range embed {
		covariance.SetSym(j, j, covariance.At(j, j)+shrink)
	}
	var chol mat.Cholesky
	if !chol.Factorize(covariance) {
		return nil, errors.New("the covariance of the features has no inverse")
	}
	out := &Readout{}
	for k := range Things {
		w := mat.NewVecDense(embed, nil)
		bias := float32(absent)
		if number[k] >= fewPatches {
			mean := mat.NewVecDense(embed, means[k])
			if err := chol.SolveVecTo(w, mean); err != nil {
				return nil, err
			}
			bias = float32(-0.5 * mat.Dot(w, mean))
		}
		out.Directions = append(out.Directions, narrow(w.RawVector().Data))
		out.Bias = append(out.Bias, bias)
	}
	return out, nil
}
