// Command compare_export writes checkpoints of every kind of guidance, decoder and
// normalisation, with drawn values, for run.sh beside it.
//
//	go run ./tools/compare_export FOLDER [vit-b-16]
//
// With vit-b-16 it writes one, of that size.
package main

import (
	"context"
	"fmt"
	"hash/fnv"
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"strings"

	"semidavil"
	"semidavil/model/checkpoint"
	"semidavil/model/clip"
	"semidavil/model/decode"
	"semidavil/model/dlg"
	"semidavil/model/infer"
	"semidavil/model/params"
	"semidavil/model/segmenter"
	"semidavil/model/weights"
	"semidavil/transforms/shards"
	"semidavil/transforms/text"
	"semidavil/transforms/text/builtin"
)

func main() {
	large := len(os.Args) == 3 && os.Args[2] == "vit-b-16"
	if len(os.Args) != 2 && !large {
		fmt.Fprintln(os.Stderr, "usage: compare_export FOLDER [vit-b-16]")
		os.Exit(2)
	}
	if err := run(context.Background(), os.Args[1], large); err != nil {
		fmt.Fprintln(os.Stderr, "compare_export:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, dir string, large bool) error {
	tokenizer, err := text.Load(builtin.Files)
	if err != nil {
		return err
	}
	towers := clip.Tiny(tokenizer.VocabSize())
	facts := infer.Facts{ClassSet: semidavil.Cityscapes19, Width: 256, Height: 128, SharedVision: true,
		Window: infer.Sliding(128, 64), Crop: [2]int{128, 64},
		Tokenizer: shards.TokenizerInfo{Name: builtin.Name, Vocab: tokenizer.VocabSize(), SHA256: tokenizer.Digest()}}
	kinds, decoders, norms := dlg.Kinds(), decode.Kinds(), decode.Norms()
	if large {
		towers = clip.Config{ImageSize: 224, PatchSize: 16, VisionWidth: 768, VisionLayers: 12, VisionHeads: 12,
			TextWidth: 512, TextLayers: 12, TextHeads: 8, Context: 77, Vocab: tokenizer.VocabSize(), Embed: 512}
		facts.Width, facts.Height, facts.Window, facts.Crop = 1024, 512, infer.Sliding(512, 512), [2]int{512, 512}
		kinds, decoders, norms = kinds[:1], decoders[:1], norms[:1]
	}
	var names []string
	for _, guidance := range kinds {
		for _, decoder := range decoders {
			for _, norm := range norms {
				facts.Segmenter = segmenter.Config{CLIP: towers, Guidance: dlg.Config{Kind: guidance, Context: towers.Context, Classes: facts.ClassSet.Len()},
					Decoder: decode.Config{Kind: decoder, Norm: norm, Classes: facts.ClassSet.Len()}}
				if decoder == "dlv3p" { // one that never predicts some classes
					facts.Segmenter.Decoder.Absent = []int{9, 14, 16}
				}
				if facts.Segmenter.Check() != nil || decoder == "resize" && norm != norms[0] {
					continue
				}
				name := strings.Join([]string{guidance, decoder, norm}, "-")
				if large {
					name = "vit-b-16-" + name
				}
				if err := write(ctx, dir+"/"+name, facts); err != nil {
					return err
				}
				names = append(names, name)
			}
		}
	}
	fmt.Println(strings.Join(names, "\n"))
	return nil
}

// write writes best weights.
func write(ctx context.Context, dir string, facts infer.Facts) error {
	meta, err := facts.Encode()
	if err != nil {
		return err
	}
	values := params.Values{}
	for _, e := range append(weights.HeadEntries(facts.Segmenter), weights.CLIPEntries(facts.Segmenter.CLIP)...) {
		if !strings.HasPrefix(e.Param, "text/") && e.Param != "logit_scale" { // the text tower is the one that the training draws
			values[e.Param] = params.Dense(draw(e.Param, e.ParamShape), e.ParamShape...)
		}
	}
	k := checkpoint.Keeper{Dir: dir}
	return k.MarkBest(ctx, 1, 0.5, values, map[string]string{infer.FactsKey: meta})
}

// draw gives values of about the size that a training gives them.
func draw(name string, shape []int) []float32 {
	h := fnv.New64a()
	h.Write([]byte(name))
	r := rand.New(rand.NewPCG(h.Sum64(), 1))
	last := name[strings.LastIndex(name, "/")+1:]
	scale, shift := 0.2, 0.0
	switch {
	case len(shape) == 2 && last != "positions":
		scale = 1 / math.Sqrt(float64(shape[0]))
	case slices.Contains([]string{"weight", "running_var"}, last):
		shift = 1
	}
	n := 1
	for _, d := range shape {
		n *= d
	}
	values := make([]float32, n)
	for i := range values {
		values[i] = float32(shift + scale*min(max(r.NormFloat64(), -3), 3))
	}
	return values
}
