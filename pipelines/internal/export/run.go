package export

import (
	"context"
	_ "embed"
	"encoding/json"
	"fmt"
	"time"

	"semidavil"
	"semidavil/internal/store"
	"semidavil/model/backend"
	"semidavil/model/infer"
	"semidavil/model/params"
	"semidavil/model/textfeatures"
	"semidavil/model/weights"
	"semidavil/pipelines/internal/inputs"
	"semidavil/runners"
	"semidavil/stages"
	"semidavil/transforms/captions"
	"semidavil/transforms/text"
)

// The files of the output. The last one written is configFile, which segment.py reads first.
const (
	clipFolder = "clip"
	headFile   = "segmenter.safetensors"
	checkFile  = "check.safetensors"
	scriptFile = "segment.py"
	pageFile   = "README.md"
	configFile = "config.json"
)

//go:embed segment.py
var script []byte

// exported is a network with all that is written of it.
type exported struct {
	infer.Weights
	facts     infer.Facts
	options   infer.Options
	tokenizer *text.Tokenizer
	example   example
}

// example is what the network says of one image and caption.
type example struct {
	image   *semidavil.Image
	caption string
	tokens  text.Tokens
	logits  []float32 // [K,H,W]
}

// work writes the folder.
func work(ctx context.Context, r *job) error {
	begin := time.Now()
	if err := r.Params.write(ctx, r.Settings.Output); err != nil {
		return err
	}
	r.Result = runners.Result{Ran: true, Wall: time.Since(begin)}
	return nil
}

// read reads a network, its text tower and tokeniser, and computes the example.
func read(ctx context.Context, n inputs.Network) (e exported, err error) {
	b, err := backend.Open("go")
	if err != nil {
		return e, err
	}
	defer b.Backend.Finalize()
	o := n.Params[0].Options
	m, err := infer.Open(ctx, b.Backend, o)
	if err != nil {
		return e, err
	}
	defer m.Close()
	e = exported{facts: m.Facts(), options: o}
	if e.tokenizer, err = stages.LoadTokenizer(ctx, n.Tokenizer); err != nil {
		return e, err
	}
	if e.Weights, err = m.Weights(ctx); err != nil {
		return e, err
	}
	// Before the network runs, since it would make up what it lacks.
	if err := weights.CheckSegmenter(e.facts.Segmenter, e.CLIP, e.Head); err != nil {
		return e, fmt.Errorf("%s: %w", o.Checkpoint, err)
	}
	e.example, err = newExample(ctx, m, e.tokenizer)
	return e, err
}

// newExample computes the logits of a drawn image, whose grid of 9x6 patches is none of a
// position table, so that it tests their interpolation too.
func newExample(ctx context.Context, m *infer.Model, t *text.Tokenizer) (x example, err error) {
	patch := m.Facts().Segmenter.CLIP.PatchSize
	x = example{image: semidavil.NewImage(9*patch, 6*patch), caption: "A street with 2 cars, a bus and people's houses."}
	for i := range x.image.Pix {
		at, channel := i/3, i%3
		row, column := at/x.image.W, at%x.image.W
		x.image.Pix[i] = uint8((row*(channel+2)*5)^(column*(4-channel)*3)) ^ uint8(row*column/7)
	}
	x.tokens = t.Frame(x.caption)
	x.logits, err = m.Logits(ctx, x.image, textfeatures.Tokens{IDs: x.tokens.IDs, Count: x.tokens.N})
	return x, err
}

// write writes the folder; configFile, by which a reader knows that it is whole, comes last.
func (e exported) write(ctx context.Context, output string) error {
	clip := output + "/" + clipFolder
	files, err := weights.ProcessorFiles(e.facts.Segmenter.CLIP)
	if err != nil {
		return err
	}
	vocabulary, err := e.tokenizer.Files()
	if err != nil {
		return err
	}
	for _, group := range []map[string][]byte{files, vocabulary} {
		for name, data := range group {
			if err := store.WriteFile(ctx, clip+"/"+name, data); err != nil {
				return err
			}
		}
	}
	if err := weights.ExportCLIP(ctx, clip, e.facts.Segmenter.CLIP, e.CLIP, weights.HF); err != nil {
		return err
	}
	if err := weights.ExportHead(ctx, output+"/"+headFile, e.facts.Segmenter, e.Head); err != nil {
		return err
	}
	if err := e.example.write(ctx, output+"/"+checkFile); err != nil {
		return err
	}
	config, err := e.config()
	if err != nil {
		return err
	}
	for _, f := range []struct {
		name string
		data []byte
	}{{scriptFile, script}, {pageFile, e.page()}, {configFile, config}} {
		if err := store.WriteFile(ctx, output+"/"+f.name, f.data); err != nil {
			return err
		}
	}
	return nil
}

// write writes the example as PyTorch wants it: planes of colours, and 64-bit ids.
func (x example) write(ctx context.Context, name string) error {
	w, h := x.image.W, x.image.H
	planes := make([]float32, 3*w*h)
	for i, v := range x.image.Pix {
		planes[i%3*w*h+i/3] = float32(v)
	}
	ids := make([]int64, len(x.tokens.IDs))
	for i, id := range x.tokens.IDs {
		ids[i] = int64(id)
	}
	return weights.WriteTensors(ctx, name, params.Values{
		"image": params.Dense(planes, 1, 3, h, w), "tokens": params.Dense(ids, 1, len(ids)), "count": params.Dense([]int64{int64(x.tokens.N)}, 1),
		"logits": params.Dense(x.logits, 1, len(x.logits)/(w*h), h, w),
	}, map[string]string{"caption": x.caption})
}

// config is the contents of configFile.
func (e exported) config() ([]byte, error) {
	type class struct {
		Name  string `json:"name"`
		ID    int    `json:"id"`
		Color [3]int `json:"color"`
	}
	f, s := e.facts, e.facts.Segmenter
	var classes []class
	for _, c := range f.ClassSet.Classes {
		classes = append(classes, class{c.Name, c.ID, [3]int{int(c.Color[0]), int(c.Color[1]), int(c.Color[2])}})
	}
	caption, err := captions.ClassSentence(f.ClassSet.Names())
	if err != nil {
		return nil, err
	}
	window := []int{}
	if w := f.Window; w != (infer.Window{}) {
		window = []int{w.Width, w.Height, w.Stride}
	}
	data, err := json.MarshalIndent(map[string]any{
		"format": "semidavil network", "version": 1, "network": e.options.Network,
		"image":     map[string]int{"width": f.Width, "height": f.Height},
		"window":    window,
		"guidance":  map[string]any{"kind": s.Guidance.Kind, "context": s.CLIP.Context, "scale": s.Guidance.Scale()},
		"decoder":   map[string]any{"kind": s.Decoder.Kind, "norm": s.Decoder.Norm, "classes": s.Decoder.Classes, "absent": append([]int{}, s.Decoder.Absent...)},
		"class_set": f.ClassSet.Name, "classes": classes, "default_caption": caption,
	}, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("export: encode %s: %w", configFile, err)
	}
	return append(data, '\n'), nil
}

// summarise says what was written and how it is used.
func summarise(_ context.Context, r *job) error {
	s, out := r.Params.facts.Segmenter, inputs.Shorten(r.Settings.Output)
	fmt.Fprintf(r.Stdout, "\nnetwork    %s of %s: guidance %s, decoder %s, %d classes\n", r.Settings.Model, inputs.Shorten(r.Params.options.Checkpoint),
		s.Guidance.Kind, s.Decoder.Kind, s.Decoder.Classes)
	fmt.Fprintf(r.Stdout, "output     %s (%s, %s, %s, %s; every tensor in %s) after %s\n", out, scriptFile, headFile, clipFolder, configFile, pageFile, r.Result.Wall.Round(100*time.Millisecond))
	fmt.Fprintf(r.Stdout, "try        python3 %s/%s --check\n", out, scriptFile)
	return nil
}
