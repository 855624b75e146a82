// Package builtin holds the small CLIP-style vocabulary that is used where no
// CLIP model folder is given. It was trained by this project on captions of the
// built-in MiniCity scenes and is stored as a Hugging Face tokenizer; being
// byte-level, it encodes any text, if at more tokens than CLIP's own.
package builtin

import "embed"

// Files are vocab.json, merges.txt and tokenizer.json, for text.Load.
//
//go:embed tokenizer.json vocab.json merges.txt
var Files embed.FS

// Name identifies the vocabulary in manifests.
const Name = "minicity"
