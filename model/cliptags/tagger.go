// Package cliptags sees with CLIP alone what stands in a street scene, how often and where: its
// dense image features (MaskCLIP: docs/METHOD.md#vision-tower) are compared with a vocabulary of
// things, patch by patch.
//
// Without labels the things are texts, read by CLIP's text tower. [Calibrate] learns from labelled
// images from which probability on a thing is named, and, where CLIP's texts do not point at
// what its patches show, directions that do.
package cliptags

import (
	"context"
	"fmt"
	"math"
	"runtime"

	"github.com/gomlx/compute"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"
	"golang.org/x/sync/semaphore"

	"semidavil"
	"semidavil/model/clip"
	"semidavil/model/params"
	"semidavil/model/weights"
	clips "semidavil/model/weights/builtin"
	"semidavil/transforms/captions"
	"semidavil/transforms/pixels/resize"
)

// network is the root of CLIP's parameters.
const network = "clip"

// Tagger looks at images. Its methods may be called by several goroutines: on XLA they take
// turns, on the Go backend as many compute at once as there are cores.
type Tagger struct {
	config  clip.Config
	digest  string // of the weights
	exec    *model.Exec
	slots   *semaphore.Weighted
	text    *Readout // of the texts; nil where the calibration has directions
	readout *Readout
}

// Open reads a CLIP from a folder as of weights.LoadCLIP, with its tokeniser and, where there is one, its
// calibration ([File]); "minicity" is the built-in one. Where the calibration has no directions it
// encodes the vocabulary, in a hundred texts.
func Open(ctx context.Context, b compute.Backend, folder string) (*Tagger, error) {
	return open(ctx, b, folder, true)
}

// OpenPlain is Open without a calibration: the things are texts.
func OpenPlain(ctx context.Context, b compute.Backend, folder string) (*Tagger, error) {
	return open(ctx, b, folder, false)
}

func open(ctx context.Context, b compute.Backend, folder string, calibrated bool) (*Tagger, error) {
	config, values, err := weights.LoadCLIP(ctx, folder)
	if err != nil {
		return nil, err
	}
	store := model.NewStore()
	if err := params.Load(store, network, values); err != nil {
		return nil, fmt.Errorf("cliptags: open %s: %w", folder, err)
	}
	t := &Tagger{config: config, digest: values.Digest(), slots: semaphore.NewWeighted(atOnce(b))}
	var c *Calibration
	if calibrated {
		c, err = readCalibration(ctx, folder, t.digest)
	}
	if err == nil && (c == nil || c.Directions == nil) {
		if t.text, err = readTexts(ctx, b, store, config, folder); err == nil {
			if scale, ok := values["logit_scale"].ScalarValue().(float32); ok {
				t.text.scale(math.Min(100, math.Exp(float64(scale))))
			}
			t.readout = t.text
		}
	}
	if err == nil && c != nil {
		err = t.Use(*c)
	}
	if err != nil {
		return nil, fmt.Errorf("cliptags: open %s: %w", folder, err)
	}
	t.exec, err = model.NewExec(b, store, func(_ *model.Scope, image *graph.Node) *graph.Node {
		s := params.In(store, image.Graph(), network, params.Options{})
		return graph.L2NormalizeWithEpsilon(clip.DenseVision(s, config, clip.Normalise(image)).Dense, 1e-12, -1)
	})
	if err != nil {
		return nil, fmt.Errorf("cliptags: open %s: %w", folder, err)
	}
	t.exec.SetMaxCache(-1) // bounded by the shapes of fit
	return t, nil
}

// CheckFolder reads what surrounds the CLIP in a folder: its tokeniser and its calibration.
func CheckFolder(ctx context.Context, folder string) error {
	if _, err := weights.LoadTokenizer(ctx, folder); err != nil {
		return err
	}
	_, err := parseCalibration(ctx, folder)
	return err
}

// atOnce is how many images compute together.
func atOnce(b compute.Backend) int64 {
	if b.String() == "go" {
		return int64(runtime.GOMAXPROCS(0))
	}
	return 1
}

// readTexts encodes the vocabulary: for each thing the mean of the unit features of its prompts.
func readTexts(ctx context.Context, b compute.Backend, store *model.Store, config clip.Config, folder string) (*Readout, error) {
	if folder == clips.Name {
		folder = ""
	}
	tokenizer, err := weights.LoadTokenizer(ctx, folder)
	if err != nil {
		return nil, err
	}
	if tokenizer.VocabSize() != config.Vocab {
		return nil, fmt.Errorf("its tokeniser has %d ids, its text tower %d", tokenizer.VocabSize(), config.Vocab)
	}
	exec, err := model.NewExec(b, store, func(_ *model.Scope, tokens *graph.Node) *graph.Node {
		_, pooled := clip.Text(params.In(store, tokens.Graph(), network, params.Options{}), config, tokens)
		return graph.L2NormalizeWithEpsilon(pooled, 1e-12, -1)
	})
	if err != nil {
		return nil, err
	}
	defer exec.Finalize()
	out := &Readout{}
	for _, thing := range Things {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		sum := make([]float64, config.Embed)
		for _, prompt := range thing.Prompts {
			for _, template := range templates {
				// One at a time: the Go backend rounds a row by its place in the batch.
				f := tokenizer.Frame(fmt.Sprintf(template, prompt))
				ids := make([]int32, config.Context)
				copy(ids, f.IDs[:min(f.N, config.Context)])
				pooled, err := exec.Call1(tensors.FromFlatDataAndDimensions(ids, 1, config.Context))
				if err != nil {
					return nil, err
				}
				values, err := tensors.CopyFlatData[float32](pooled)
				if err != nil {
					return nil, err
				}
				for i, x := range values {
					sum[i] += float64(x)
				}
			}
		}
		normalise(sum)
		out.Directions = append(out.Directions, narrow(sum))
		out.Bias = append(out.Bias, 0)
		out.Thresholds = append(out.Thresholds, defaultThreshold)
	}
	return out, nil
}

// Close releases the compiled graphs.
func (t *Tagger) Close() { t.exec.Finalize() }

// Version stands for what the tags depend on beside the CLIP and its calibration.
func Version() string {
	return captions.Digest(vocabularyDigest() + fmt.Sprint(zoom, defaultThreshold, smallest(1000)) + string(builtin))
}

// Features are the unit features of the patches of one image.
type Features struct {
	Width, Height, Embed int
	Values               []float32 // [Height,Width,Embed]
}

// Prepare resizes an image of any size to what the tower sees.
func (t *Tagger) Prepare(img *semidavil.Image) (*semidavil.Image, error) {
	if img.W < 1 || img.H < 1 {
		return nil, fmt.Errorf("cliptags: prepare image: %dx%d pixels", img.W, img.H)
	}
	out := new(semidavil.Image)
	out.W, out.H = fit(t.config, img.W, img.H)
	var r resize.Resizer
	return out, r.Resize(out, img, resize.Bicubic)
}

// Features computes those of a prepared image.
func (t *Tagger) Features(ctx context.Context, prepared *semidavil.Image) (Features, error) {
	if err := t.slots.Acquire(ctx, 1); err != nil {
		return Features{}, err
	}
	defer t.slots.Release(1)
	dense, err := t.exec.Call1(tensors.FromFlatDataAndDimensions(prepared.Pix, 1, prepared.H, prepared.W, 3))
	if err != nil {
		return Features{}, fmt.Errorf("cliptags: look at image: %w", err)
	}
	values, err := tensors.CopyFlatData[float32](dense)
	if err != nil {
		return Features{}, fmt.Errorf("cliptags: look at image: %w", err)
	}
	return Features{prepared.W / t.config.PatchSize, prepared.H / t.config.PatchSize, t.config.Embed, values}, nil
}

// zoom is the shorter side at which a tower sees an image, as a multiple of that of its own images:
// things in street scenes are small.
const zoom = 2

// fit is the size at which a tower sees an image of w x h: the shorter side of zoom, the other one of few
// multiples of half of it, each of which is compiled once.
func fit(c clip.Config, w, h int) (int, int) {
	short := zoom * c.ImageSize
	halves := math.Round(2 * float64(max(w, h)) / float64(min(w, h)))
	long := int(min(max(halves, 2), 6)) * short / 2 / c.PatchSize * c.PatchSize
	if w >= h {
		return long, short
	}
	return short, long
}

// See names the things in the image of the features and their places, in the order of Things.
func (t *Tagger) See(f Features) []captions.Sighting { return t.readout.See(f) }

// Likeliest is the greatest probability of thing k among the patches.
func (t *Tagger) Likeliest(f Features, k int) float32 {
	top := float32(0)
	for _, p := range t.readout.Probabilities(f) {
		top = max(top, p[k])
	}
	return top
}
