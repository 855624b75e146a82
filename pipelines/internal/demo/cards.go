package demo

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"semidavil"
	"semidavil/internal/store"
	"semidavil/model/backend"
	"semidavil/model/infer"
	"semidavil/model/textfeatures"
	"semidavil/pipelines/internal/inputs"
	"semidavil/stages"
	"semidavil/transforms/labels"
	"semidavil/transforms/metrics"
	"semidavil/transforms/pixels"
	"semidavil/transforms/pixels/fastpng"
	"semidavil/transforms/pseudo"
	"semidavil/transforms/report"
	"semidavil/transforms/report/sheet"
	"semidavil/transforms/shards"
)

// cards segments some val images and shows their labels, predictions and pseudo-labels.
func (r *run) cards(ctx context.Context, set semidavil.ClassSet) ([]report.Card, error) {
	samples, err := r.pictured(ctx)
	if err != nil || len(samples) == 0 {
		return nil, err
	}
	settings, err := r.network(ctx)
	if err != nil {
		return nil, err
	}
	network, err := inputs.ReadNetwork(ctx, r.session, settings, []string{infer.Student})
	if err != nil {
		return nil, err
	}
	b, err := backend.Open(r.Backend)
	if err != nil {
		return nil, err
	}
	defer b.Backend.Finalize()
	options := network.Params[0].Options
	options.Batch, options.Second = 1, true
	m, err := infer.Open(ctx, b.Backend, options)
	if err != nil {
		return nil, err
	}
	defer m.Close()
	data, err := store.ReadFile(ctx, r.Output+"/pseudolabel/"+stages.ThresholdsFile, 0)
	if err != nil {
		return nil, err
	}
	var thresholds []uint32
	if err := json.Unmarshal(data, &thresholds); err != nil {
		return nil, fmt.Errorf("thresholds: %w", err)
	}
	var out []report.Card
	for _, s := range samples {
		card, err := draw(ctx, m, set, s, thresholds)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", s.Key, err)
		}
		out = append(out, card)
	}
	return out, nil
}

// pictured are val images that are spread evenly over the shards' order.
func (r *run) pictured(ctx context.Context) (out []shards.Sample, err error) {
	manifest, err := stages.ReadManifest(ctx, r.data())
	if err != nil || r.Cards == 0 {
		return nil, err
	}
	every, n := max(1, manifest.Samples[semidavil.Val]/r.Cards), 0
	for _, shard := range manifest.Shards {
		if shard.Subset != semidavil.Val {
			continue
		}
		file, err := store.Open(ctx, r.data()+"/shards/"+shard.Name+".tar")
		if err != nil {
			return nil, err
		}
		defer file.Close()
		for reader := shards.NewReader(file); len(out) < r.Cards; n++ {
			s, err := reader.Next()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				return nil, err
			}
			if n%every == 0 {
				out = append(out, s)
			}
		}
	}
	return out, nil
}

// draw makes the card of one sample.
func draw(ctx context.Context, m *infer.Model, set semidavil.ClassSet, s shards.Sample, thresholds []uint32) (report.Card, error) {
	card := report.Card{Caption: s.Caption}
	var codec pixels.Codec
	image, err := codec.DecodeRGB(s.Image)
	if err != nil {
		return card, err
	}
	ids, err := codec.DecodeIDs(s.Label)
	if err != nil {
		return card, err
	}
	truth := semidavil.NewLabelMap(ids.W, ids.H)
	if err := labels.Remap(truth, ids, labels.TrainIDs(set)); err != nil {
		return card, err
	}
	tokens, err := shards.DecodeTokens(s.Tokens)
	if err != nil {
		return card, err
	}
	caption := textfeatures.Tokens{IDs: tokens.Data().([]int32), Count: s.Meta.Tokens}
	predictions, _, err := m.Segment(ctx, []*semidavil.Image{image}, []textfeatures.Tokens{caption}, image.W, image.H)
	if err != nil {
		return card, err
	}
	p := predictions[0]
	kept, err := pseudo.NewPrediction(image.W, image.H, p.Label, p.Second, p.Confidence, p.SecondConfidence)
	if err != nil {
		return card, err
	}
	label, err := pseudo.Apply(kept, thresholds)
	if err != nil {
		return card, err
	}
	if card.Title, err = title(s.Key, set, truth, p.Label); err != nil {
		return card, err
	}
	heat := semidavil.NewImage(image.W, image.H)
	for i, v := range p.Confidence {
		c := sheet.Heat(float64(v))
		copy(heat.Pix[3*i:], c[:])
	}
	var encoder fastpng.Encoder
	for _, tile := range []struct {
		label, alt string
		image      *semidavil.Image
		photo      bool
	}{
		{"image", "the scene", image, true},
		{"truth", "the true classes in their colours", pseudo.Colour(truth, set), false},
		{"prediction", "the predicted classes in their colours", pseudo.Colour(&semidavil.LabelMap{W: image.W, H: image.H, Pix: p.Label}, set), false},
		{"pseudo-label", "the predicted classes where the network is sure, black elsewhere", pseudo.Colour(label, set), false},
		{"confidence", "the network's confidence, dark is low and yellow high", heat, false},
	} {
		png, err := encoder.EncodePNG(nil, tile.image, fastpng.Best)
		if err != nil {
			return card, err
		}
		card.Tiles = append(card.Tiles, report.Tile{Label: tile.label, PNG: png, Alt: tile.alt, Photo: tile.photo})
	}
	return card, nil
}

// title says how much of an image is right.
func title(key string, set semidavil.ClassSet, truth *semidavil.LabelMap, prediction []uint8) (string, error) {
	confusion := metrics.NewConfusion(set.Len())
	if err := confusion.Add(truth.Pix, prediction); err != nil {
		return "", err
	}
	all := make([]int, set.Len())
	for k := range all {
		all[k] = k
	}
	return fmt.Sprintf("%s: %s %% of the pixels right", key, metrics.Fraction(confusion.PixelAccuracy(all))), nil
}
