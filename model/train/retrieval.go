package train

import (
	"context"
	"fmt"

	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"

	"semidavil"
	"semidavil/model/clip"
	"semidavil/model/params"
	"semidavil/model/textfeatures"
)

// Retrieval is how often the right partner among all val pairs is the nearest, 0 to
// 1. Captions that are the same count as right.
type Retrieval struct {
	ImageToText float64 `json:"image_to_text"`
	TextToImage float64 `json:"text_to_image"`
	Pairs       int     `json:"pairs"`
}

// evaluate measures the retrieval among the val pairs.
func (p *pretrainer) evaluate(ctx context.Context, done int, _ bool) error {
	exec, err := model.NewExec(p.backend.Backend, p.store, func(_ *model.Scope, images, tokens *graph.Node) []*graph.Node {
		s := params.In(p.store, images.Graph(), clipNetwork, params.Options{})
		_, text := clip.Text(s, p.CLIP, tokens)
		return []*graph.Node{graph.L2Normalize(clip.PooledVision(s, p.CLIP, clip.Normalise(images)), -1), graph.L2Normalize(text, -1)}
	})
	if err != nil {
		return fmt.Errorf("train: evaluate: %w", err)
	}
	defer exec.Finalize()
	var images, texts [][]float32
	var captions []string
	for batch, err := range p.loader.ValPairs(ctx, p.Width, p.Height) {
		if err != nil {
			return err
		}
		out, err := exec.Call(array[uint8](batch.Images), tokenRows(p.ids(batch)))
		if err != nil {
			return fmt.Errorf("train: evaluate: %w", err)
		}
		for i, dst := range []*[][]float32{&images, &texts} {
			values, err := tensors.CopyFlatData[float32](out[i])
			if err != nil {
				return fmt.Errorf("train: evaluate: %w", err)
			}
			*dst = append(*dst, values)
		}
		captions = append(captions, textfeatures.Key(p.byKey[batch.Keys[0]]))
		p.watch.phase("evaluate", len(images), p.loader.Len(semidavil.Val))
	}
	p.retrieval = Retrieval{Pairs: len(images), ImageToText: hits(images, texts, captions), TextToImage: hits(texts, images, captions)}
	if r := p.retrieval; r.Pairs > 0 {
		p.record.retrieval(done, r)
		p.watch.note("step %d: the right caption is nearest for %.0f %% of %d val images, the right image for %.0f %% of the captions",
			done, 100*r.ImageToText, r.Pairs, 100*r.TextToImage)
	}
	return nil
}

// hits is the share of queries whose nearest candidate has the same caption.
func hits(queries, candidates [][]float32, captions []string) float64 {
	if len(queries) == 0 {
		return 0
	}
	right := 0
	for i, q := range queries {
		best, at := -2.0, 0
		for j, c := range candidates {
			var dot float64
			for k := range q {
				dot += float64(q[k]) * float64(c[k])
			}
			if dot > best {
				best, at = dot, j
			}
		}
		if captions[at] == captions[i] {
			right++
		}
	}
	return float64(right) / float64(len(queries))
}
