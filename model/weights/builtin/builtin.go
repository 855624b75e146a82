// Package builtin holds the weights of a small CLIP, in half precision, that was trained
// on MiniCity's images and captions: plain contrastive training of 200 steps, see
// tools/pretrain_minicity and docs/BENCHMARKS.md. Its sizes are those of
// clip.Tiny with the vocabulary of transforms/text/builtin, without which its text tower
// means nothing.
package builtin

import "embed"

// Files are model.safetensors and config.json, as transformers names them.
//
//go:embed model.safetensors config.json
var Files embed.FS

// Name stands for these weights where a CLIP folder is asked for.
const Name = "minicity"
