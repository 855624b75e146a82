package stages

import (
	"context"
	"fmt"
	"reflect"
	"slices"

	"github.com/apache/beam/sdks/v2/go/pkg/beam"

	"semidavil/stages/inference"
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

// Thumbnail makes small pictures of some of the captioned images. With those of [Draw] they are
// the only pixels that travel between stages: a page needs them all, and their number is bounded.
//
// PCollection<Plan> -> PCollection<CaptionPart>.
func Thumbnail(s beam.Scope, p ThumbnailParams, captioned beam.PCollection) beam.PCollection {
	s = s.Scope("stages.Thumbnail")
	return beam.ParDo(s, &thumbnailFn{p}, captioned)
}

type thumbnailFn struct{ Params ThumbnailParams }

// ProcessElement makes the pictures of one plan. An image that cannot be shown has its caption
// all the same: not every captioner looks at it.
func (f *thumbnailFn) ProcessElement(ctx context.Context, plan plans.Plan, emit func(CaptionPart)) error {
	part := CaptionPart{Name: plan.Name}
	for _, s := range plan.Samples {
		part.Rows = append(part.Rows, captions.Row{Key: s.Ref.Key, Image: s.Ref.Image, Caption: s.Caption, Captioner: s.Captioner})
	}
	plan.Samples = slices.Clone(plan.Samples[:min(max(0, f.Params.Images-plan.First), len(plan.Samples))])
	for i := range plan.Samples {
		plan.Samples[i].Ref.Label = "" // it is not shown
	}
	load := inference.LoadParams{Side: thumbnailSide, Filter: resize.Area, Follow: f.Params.Follow}
	for image, err := range inference.Read(ctx, load, plan) {
		t := Thumbnailed{}
		if err == nil {
			t, err = thumbnailed(image)
			err = rejects.OfRun(ctx, err)
		}
		if err != nil {
			return fmt.Errorf("stages: thumbnail %s: %w", plan.Name, err)
		}
		part.Images = append(part.Images, t)
	}
	emit(part)
	return nil
}

// thumbnailed is the picture of an image, or why there is none, and that error.
func thumbnailed(image *inference.Image) (t Thumbnailed, err error) {
	t.Key = image.Ref.Key
	if err = image.Err; err == nil {
		t.Width, t.Height = image.Pixels.W, image.Pixels.H
		t.JPEG, err = pixels.EncodeJPEG(nil, image.Pixels, thumbnailQuality)
	}
	if err != nil {
		t.Fault = rejects.BelowRoot(image.Ref.Root, err).Error()
	}
	return t, err
}
