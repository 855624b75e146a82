package stages

import (
	"context"
	"fmt"
	"iter"
	"reflect"
	"runtime"

	"github.com/apache/beam/sdks/v2/go/pkg/beam"

	"semidavil"
	"semidavil/internal/parallel"
	"semidavil/internal/store"
	"semidavil/stages/plans"
	"semidavil/stages/rejects"
	"semidavil/transforms/captions"
	"semidavil/transforms/pixels"
	"semidavil/transforms/pixels/resize"
)

func init() {
	beam.RegisterType(reflect.TypeFor[CaptionPart]())
	beam.RegisterType(reflect.TypeFor[Thumbnailed]())
	beam.RegisterDoFn(reflect.TypeFor[thumbnailFn]())
}

// ThumbnailParams say how many images are shown.
type ThumbnailParams struct {
	// Images is their number at most; they are the first ones in the order of Assign, which mixes
	// them.
	Images int
	// Follow permits links out of the roots.
	Follow bool
}

// CaptionPart holds the captions of a plan.
type CaptionPart struct {
	Name   string
	Rows   []captions.Row
	Images []Thumbnailed
}

// Thumbnailed is an image to be shown.
type Thumbnailed struct {
	Key           string
	JPEG          []byte // empty where the image cannot be shown
	Width, Height int    // of the JPEG
	Fault         string // why the image cannot be shown
}

// thumbnailSide is the greatest side of a thumbnail, and thumbnailQuality that of its JPEG: about
// six kilobytes.
const thumbnailSide, thumbnailQuality = 256, 72

// Thumbnail makes small pictures of some of the captioned images. They are the only pixels
// that travel between stages.
//
// PCollection<Plan> -> PCollection<CaptionPart>.
func Thumbnail(s beam.Scope, p ThumbnailParams, captioned beam.PCollection) beam.PCollection {
	s = s.Scope("stages.Thumbnail")
	return beam.ParDo(s, &thumbnailFn{p}, captioned)
}

type thumbnailFn struct{ Params ThumbnailParams }

// thumbnailSlots bounds the images that are decoded at once in a process.
var thumbnailSlots = make(chan struct{}, runtime.GOMAXPROCS(0))

// ProcessElement makes the pictures of one plan.
func (f *thumbnailFn) ProcessElement(ctx context.Context, plan plans.Plan, emit func(CaptionPart)) error {
	part := CaptionPart{Name: plan.Name}
	for _, s := range plan.Samples {
		part.Rows = append(part.Rows, captions.Row{Key: s.Ref.Key, Image: s.Ref.Image, Caption: s.Caption, Captioner: s.Captioner})
	}
	n := min(max(0, f.Params.Images-plan.First), len(plan.Samples))
	for t, err := range parallel.Map(ctx, refsOf(plan.Samples[:n]), thumbnailSlots, cap(thumbnailSlots), f.draw) {
		if err != nil {
			return fmt.Errorf("stages: thumbnail %s: %w", plan.Name, err)
		}
		part.Images = append(part.Images, t)
	}
	emit(part)
	return nil
}

func refsOf(samples []plans.Sample) iter.Seq2[semidavil.Ref, error] {
	return func(yield func(semidavil.Ref, error) bool) {
		for _, s := range samples {
			if !yield(s.Ref, nil) {
				return
			}
		}
	}
}

// draw makes the picture of one image. An image that cannot be shown has its caption all the
// same: not every captioner looks at it.
func (f *thumbnailFn) draw(ctx context.Context, ref semidavil.Ref) (Thumbnailed, error) {
	t := Thumbnailed{Key: ref.Key}
	err := rejects.Guard(ctx, "thumbnail", ref, func() error {
		file, err := store.ReadBelow(ctx, nil, ref.Root, ref.Image, store.Links(f.Params.Follow))
		if err != nil {
			return err
		}
		image, err := new(pixels.Codec).DecodeRGB(file)
		if err != nil {
			return err
		}
		if w, h := resize.Within(image.W, image.H, thumbnailSide); w < image.W || h < image.H {
			small := semidavil.NewImage(w, h)
			if err := new(resize.Resizer).Resize(small, image, resize.Area); err != nil {
				return err
			}
			image = small
		}
		t.Width, t.Height = image.W, image.H
		t.JPEG, err = pixels.EncodeJPEG(nil, image, thumbnailQuality)
		return err
	})
	if err != nil {
		t = Thumbnailed{Key: ref.Key, Fault: rejects.BelowRoot(ref.Root, err).Error()}
	}
	return t, rejects.OfRun(ctx, err)
}
