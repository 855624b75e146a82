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
	"semidavil/model/blip"
	"semidavil/model/weights"
	"semidavil/transforms/captions"
	"semidavil/transforms/pixels"
	"semidavil/transforms/pixels/resize"
	"semidavil/transforms/text"
)

// families are the networks by kind of captioner.
var families = map[string]blip.Family{BLIP: blip.BLIP, BLIP2: blip.BLIP2}

// blipFiles are what surrounds the network in its folder.
type blipFiles struct {
	tokenizer interface {
		Encode(text string) []int32
		Decode(ids []int32, skipSpecial bool) string
		VocabSize() int
	}
	processor pixels.Processor
}

// readBLIPFiles reads the tokeniser and how images are prepared; without a file for the latter it is
// as the network was trained.
func readBLIPFiles(ctx context.Context, folder, kind string) (f blipFiles, err error) {
	const limit, processorFile = 32 << 20, "preprocessor_config.json"
	read := func(name string) ([]byte, error) { return store.ReadText(ctx, folder+"/"+name, limit) }
	side := 224
	if kind == BLIP {
		side = 384
		f.tokenizer, err = text.ReadWordPiece(read)
	} else {
		f.tokenizer, err = text.ReadGPT2(read)
	}
	if err != nil {
		return f, err
	}
	switch data, err := read(processorFile); {
	case errors.Is(err, fs.ErrNotExist):
		f.processor = pixels.Processor{Width: side, Height: side, Filter: resize.Bicubic, Scale: 1.0 / 255, Mean: pixels.CLIPMean, Std: pixels.CLIPStd}
	case err != nil:
		return f, err
	default:
		if f.processor, err = pixels.ParseProcessor(data); err != nil {
			return f, fmt.Errorf("%s: %w", processorFile, err)
		}
	}
	return f, nil
}

// checkBLIP reads all of a folder but the weights.
func checkBLIP(ctx context.Context, folder, kind string) (err error) {
	f, err := weights.OpenFolder(ctx, folder, families[kind].Class())
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	if err := blip.CheckFolder(ctx, f, families[kind]); err != nil {
		for other, family := range families {
			if other != kind && blip.CheckFolder(ctx, f, family) == nil {
				return fmt.Errorf("%w; it is one for --captions=%s", err, other)
			}
		}
		return err
	}
	_, err = readBLIPFiles(ctx, folder, kind)
	return err
}

// blipNetwork writes captions with BLIP or BLIP-2: docs/METHOD.md#captions.
type blipNetwork struct {
	*blip.Model
	blipFiles
	// prompt is the tokens of the beginning of the captions, written what of it captions begin with.
	prompt, written []int32
	decoding        blip.Decoding
}

func openBLIP(ctx context.Context, b backend.Choice, kind string, c Network) (captions.Network, error) {
	files, err := readBLIPFiles(ctx, c.Weights, kind)
	if err != nil {
		return nil, fmt.Errorf("caption: open %s: %w", c.Weights, err)
	}
	n := &blipNetwork{blipFiles: files}
	if c.Prompt != "" { // nil is the token that begins a text
		n.prompt = files.tokenizer.Encode(c.Prompt)
		if kind == BLIP { // whose prompt is the beginning of a sentence, as transformers has it, and never a question
			n.written = n.prompt
		}
	}
	if n.Model, err = blip.Open(ctx, b.Backend, c.Weights, blip.Options{Family: families[kind], BFloat16: c.BFloat16}); err != nil {
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
func (n *blipNetwork) Prepare(image *semidavil.Image) ([]float32, error) {
	return n.processor.Tensor(image)
}

// Captions writes what follows the prompt, and for BLIP the prompt too.
func (n *blipNetwork) Captions(ctx context.Context, prepared [][]float32) ([]string, error) {
	ids, err := n.Generate(ctx, slices.Concat(prepared...), n.prompt, n.decoding)
	if err != nil {
		return nil, err
	}
	texts := make([]string, len(ids))
	for i, caption := range ids {
		texts[i] = n.tokenizer.Decode(slices.Concat(n.written, caption), true)
	}
	return texts, nil
}
