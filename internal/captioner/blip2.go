package captioner

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"

	"semidavil"
	"semidavil/internal/store"
	"semidavil/model/backend"
	"semidavil/model/blip2"
	"semidavil/model/weights"
	"semidavil/transforms/captions"
	"semidavil/transforms/pixels"
	"semidavil/transforms/pixels/resize"
	"semidavil/transforms/text"
)

// blip2Class is the class of transformers whose folders are read.
const blip2Class = "Blip2ForConditionalGeneration"

// blip2Files are what surrounds the network in its folder.
type blip2Files struct {
	tokenizer *text.GPT2
	processor pixels.Processor
}

// readBLIP2Files reads the tokeniser and how images are prepared; without a file for the latter it is
// as BLIP-2 was trained.
func readBLIP2Files(ctx context.Context, folder string) (f blip2Files, err error) {
	const limit, processorFile = 32 << 20, "preprocessor_config.json"
	read := func(name string) ([]byte, error) { return store.ReadText(ctx, folder+"/"+name, limit) }
	if f.tokenizer, err = text.ReadGPT2(read); err != nil {
		return f, err
	}
	switch data, err := read(processorFile); {
	case errors.Is(err, fs.ErrNotExist):
		f.processor = pixels.Processor{Width: 224, Height: 224, Filter: resize.Bicubic, Scale: 1.0 / 255, Mean: pixels.CLIPMean, Std: pixels.CLIPStd}
	case err != nil:
		return f, err
	default:
		if f.processor, err = pixels.ParseProcessor(data); err != nil {
			return f, fmt.Errorf("%s: %w", processorFile, err)
		}
	}
	return f, nil
}

// checkBLIP2 reads all of a folder but the weights.
func checkBLIP2(ctx context.Context, folder string) error {
	_, err := readBLIP2Files(ctx, folder)
	if err == nil {
		var f *weights.Folder
		if f, err = weights.OpenFolder(ctx, folder, blip2Class); err == nil {
			err = f.Close()
		}
	}
	return err
}

// blip2Network writes captions with BLIP-2: docs/METHOD.md#captions.
type blip2Network struct {
	*blip2.Model
	blip2Files
	prompt   []int32
	decoding blip2.Decoding
}

func openBLIP2(ctx context.Context, b backend.Choice, c Network) (captions.Network, error) {
	files, err := readBLIP2Files(ctx, c.Weights)
	if err != nil {
		return nil, fmt.Errorf("caption: open %s: %w", c.Weights, err)
	}
	n := &blip2Network{blip2Files: files}
	if c.Prompt != "" { // nil is the token that begins a text
		n.prompt = files.tokenizer.Encode(c.Prompt)
	}
	if n.Model, err = blip2.Open(ctx, b.Backend, c.Weights); err != nil {
		return nil, err
	}
	n.decoding = n.Decoding()
	if c.Beams > 0 {
		n.decoding.Beams = c.Beams
	}
	if c.MaxTokens > 0 {
		n.decoding.MaxNewTokens = c.MaxTokens
		n.decoding.MinNewTokens = min(n.decoding.MinNewTokens, c.MaxTokens)
	}
	if c.MinTokens > 0 {
		n.decoding.MinNewTokens = c.MinTokens
		n.decoding.MaxNewTokens = max(n.decoding.MaxNewTokens, c.MinTokens)
	}
	height, width := n.ImageSize()
	if w, h := files.processor.Size(width, height); w != width || h != height {
		err = fmt.Errorf("caption: open %s: images become %dx%d pixels by preprocessor_config.json, and config.json wants %dx%d", c.Weights, w, h, width, height)
	} else if files.tokenizer.VocabSize() > n.Vocab() {
		err = fmt.Errorf("caption: open %s: the tokeniser has %d ids, the network %d", c.Weights, files.tokenizer.VocabSize(), n.Vocab())
	}
	if err != nil {
		n.Close()
		return nil, err
	}
	return n, nil
}

// Prepare makes f32[3,H,W] of an image.
func (n *blip2Network) Prepare(image *semidavil.Image) ([]float32, error) {
	return n.processor.Tensor(image)
}

// Captions writes what follows the prompt.
func (n *blip2Network) Captions(ctx context.Context, prepared [][]float32) ([]string, error) {
	ids, err := n.Generate(ctx, slices.Concat(prepared...), n.prompt, n.decoding)
	if err != nil {
		return nil, err
	}
	texts := make([]string, len(ids))
	for i, caption := range ids {
		texts[i] = n.tokenizer.Decode(caption, true)
	}
	return texts, nil
}
