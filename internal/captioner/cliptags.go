package captioner

import (
	"context"
	"fmt"

	"semidavil"
	"semidavil/model/backend"
	"semidavil/model/cliptags"
	"semidavil/model/weights"
	clips "semidavil/model/weights/builtin"
	"semidavil/transforms/captions"
)

// clipTags writes sentences about what a CLIP alone sees: docs/METHOD.md#captions. Decoding settings
// do not concern it.
type clipTags struct{ *cliptags.Tagger }

// checkCLIPTags reads all of a folder but the weights.
func checkCLIPTags(ctx context.Context, folder string) error {
	if folder == clips.Name {
		return nil
	}
	if err := cliptags.CheckFolder(ctx, folder); err != nil {
		return err
	}
	f, err := weights.OpenFolder(ctx, folder, "CLIPModel")
	if err != nil {
		return err
	}
	return f.Close()
}

func openCLIPTags(ctx context.Context, b backend.Choice, c Network) (captions.Network, error) {
	t, err := cliptags.Open(ctx, b.Backend, c.Weights)
	if err != nil {
		return nil, err
	}
	return clipTags{t}, nil
}

// Prepare gives width and height, which follow the image's shape, and then the pixels, 0 to 255 in the order of
// an Image.
func (n clipTags) Prepare(image *semidavil.Image) ([]float32, error) {
	seen, err := n.Tagger.Prepare(image)
	if err != nil {
		return nil, err
	}
	out := make([]float32, 2, 2+len(seen.Pix))
	out[0], out[1] = float32(seen.W), float32(seen.H)
	for _, x := range seen.Pix {
		out = append(out, float32(x))
	}
	return out, nil
}

// Captions describes the images one after the other, so that none depends on its batch.
func (n clipTags) Captions(ctx context.Context, prepared [][]float32) ([]string, error) {
	out := make([]string, len(prepared))
	for i, p := range prepared {
		if len(p) < 2 || len(p) != 2+3*int(p[0])*int(p[1]) {
			return nil, fmt.Errorf("caption: cliptags: %d numbers are no prepared image", len(p))
		}
		image := semidavil.NewImage(int(p[0]), int(p[1]))
		for j, x := range p[2:] {
			image.Pix[j] = uint8(x)
		}
		features, err := n.Features(ctx, image)
		if err != nil {
			return nil, err
		}
		out[i] = captions.SceneSentence(n.See(features))
	}
	return out, nil
}
