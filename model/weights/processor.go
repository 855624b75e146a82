package weights

import (
	"encoding/json"
	"fmt"

	"semidavil/model/clip"
	"semidavil/transforms/pixels"
)

// ProcessorFiles are the files, by name, that transformers' AutoProcessor wants in a folder of
// [ExportCLIP] beside the vocabulary: how images of CLIP's own size are made, and which
// tokeniser it is.
func ProcessorFiles(c clip.Config) (map[string][]byte, error) {
	const sot, eot = "<|startoftext|>", "<|endoftext|>"
	specials := map[string]any{"bos_token": sot, "eos_token": eot, "unk_token": eot, "pad_token": eot}
	tokenizer := map[string]any{
		"tokenizer_class": "CLIPTokenizer", "processor_class": "CLIPProcessor", "model_max_length": c.Context,
		"do_lower_case": true, "errors": "replace", "add_prefix_space": false,
	}
	for key, token := range specials {
		tokenizer[key] = token
	}
	out := map[string][]byte{}
	for name, value := range map[string]any{
		"preprocessor_config.json": pixels.CLIPProcessor(c.ImageSize),
		"tokenizer_config.json":    tokenizer,
		"special_tokens_map.json":  specials,
	} {
		data, err := json.MarshalIndent(value, "", "  ")
		if err != nil {
			return nil, fmt.Errorf("weights: encode %s: %w", name, err)
		}
		out[name] = append(data, '\n')
	}
	return out, nil
}
