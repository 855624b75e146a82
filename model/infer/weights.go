package infer

import (
	"context"
	"fmt"
	"math"
	"strings"

	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"

	"semidavil"
	"semidavil/model/params"
	"semidavil/model/segmenter"
	"semidavil/model/textfeatures"
)

// LogitScale is the parameter of model/clip that belongs to neither tower.
const LogitScale = "logit_scale"

// Weights are the parameters of a network, in two parts.
type Weights struct {
	// CLIP has the vision tower of the network and the text tower that reads its captions,
	// with all names of model/clip.
	CLIP params.Values
	// Head has guidance, decoder and class prompts, by their names below the network's root.
	Head params.Values
}

// Weights copies the parameters as the checkpoint holds them; whether they are all is for the
// reader to see. The text tower of a training without CLIP is drawn as the training drew it.
func (m *Model) Weights(ctx context.Context) (Weights, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.text.Add(ctx, []textfeatures.Tokens{{IDs: make([]int32, m.facts.Segmenter.CLIP.Context), Count: 1}}, nil); err != nil {
		return Weights{}, err // it makes the text tower
	}
	w := Weights{CLIP: params.Values{}, Head: params.Values{}}
	text, err := params.Read(m.store, textRoot)
	if err != nil {
		return Weights{}, err
	}
	for name, value := range text {
		w.CLIP[name] = value
	}
	if w.CLIP[LogitScale] == nil { // as CLIP starts
		w.CLIP[LogitScale] = params.Dense([]float32{float32(math.Log(1 / 0.07))})
	}
	vision, err := params.Read(m.store, m.vision())
	if err != nil {
		return Weights{}, err
	}
	for name, value := range vision.Under("vision") {
		w.CLIP[name] = value
	}
	network, err := params.Read(m.store, m.options.Network)
	if err != nil {
		return Weights{}, err
	}
	for name, value := range network {
		if !strings.HasPrefix(name, "vision/") {
			w.Head[name] = value
		}
	}
	return w, nil
}

// Logits are f32[K,H,W], unnormalised, of one image whose sides are multiples of the patch size.
func (m *Model) Logits(ctx context.Context, image *semidavil.Image, caption textfeatures.Tokens) ([]float32, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	c := m.facts.Segmenter
	if err := c.CheckSize(image.W, image.H); err != nil {
		return nil, err
	}
	captions := []textfeatures.Tokens{caption}
	if err := m.text.Add(ctx, captions, nil); err != nil {
		return nil, err
	}
	exec, err := model.NewExec(m.backend, m.store, func(_ *model.Scope, image, text, count *graph.Node) *graph.Node {
		d, o := image.Shape().Dimensions, params.Options{Constant: true}
		network, vision := params.In(m.store, image.Graph(), m.options.Network, o), params.In(m.store, image.Graph(), m.vision(), o)
		return c.Logits(network, c.Features(vision, image), segmenter.Caption{Text: text, Count: count}, d[1], d[2])
	})
	if err != nil {
		return nil, fmt.Errorf("infer: logits: %w", err)
	}
	defer exec.Finalize()
	text, count := m.text.Batch(captions, c.CLIP.Context)
	out, err := exec.Call1(tensors.FromFlatDataAndDimensions(image.Pix, 1, image.H, image.W, 3), text, count)
	if err != nil {
		return nil, fmt.Errorf("infer: logits: %w", err)
	}
	return tensors.CopyFlatData[float32](out)
}
