package text

import (
	"bytes"
	"encoding/json"
	"fmt"
)

// Files returns the vocabulary as the files tokenizer.json, vocab.json and
// merges.txt of a Hugging Face model folder, byte for byte the same on every
// run. CLIPTokenizerFast and Load open them.
func (t *Tokenizer) Files() (map[string][]byte, error) {
	var vocab, merges, list bytes.Buffer
	merges.WriteString("#version: 0.2\n")
	vocab.WriteString("{")
	for id, token := range t.tokens {
		name, err := quote(token)
		if err != nil {
			return nil, fmt.Errorf("text: write %s: token %d: %w", fileVocab, id, err)
		}
		if id > 0 {
			vocab.WriteString(",")
		}
		fmt.Fprintf(&vocab, "%s:%d", name, id)
	}
	vocab.WriteString("}")
	for rank, m := range t.merges {
		line := t.tokens[m[0]] + " " + t.tokens[m[1]]
		merges.WriteString(line + "\n")
		name, err := quote(line)
		if err != nil {
			return nil, fmt.Errorf("text: write %s: merge %d: %w", fileTokenizer, rank, err)
		}
		if rank > 0 {
			list.WriteString(",")
		}
		list.WriteString(name)
	}
	pattern, err := quote(splitPattern)
	if err != nil {
		return nil, fmt.Errorf("text: write %s: %w", fileTokenizer, err)
	}
	var doc bytes.Buffer
	fmt.Fprintf(&doc, tokenizerTemplate, t.addedTokens(), pattern, eotToken, t.eot, sotToken, t.sot,
		eotToken, vocab.String(), list.String())
	return map[string][]byte{
		fileTokenizer: doc.Bytes(),
		fileVocab:     append(vocab.Bytes(), '\n'),
		fileMerges:    merges.Bytes(),
	}, nil
}

// addedTokens returns the two entries in the order of their ids, which the
// reader of Hugging Face wants.
func (t *Tokenizer) addedTokens() string {
	entry := func(token string, id int32, normalized bool) string {
		return fmt.Sprintf(`    {"id": %d, "content": %q, "single_word": false, "lstrip": false, "rstrip": false, "normalized": %t, "special": true}`,
			id, token, normalized)
	}
	sot, eot := entry(sotToken, t.sot, true), entry(eotToken, t.eot, false)
	if t.eot < t.sot {
		sot, eot = eot, sot
	}
	return sot + ",\n" + eot
}

// tokenizerTemplate is what the converter of CLIP in Hugging Face transformers
// writes.
const tokenizerTemplate = `{
  "version": "1.0",
  "truncation": null,
  "padding": null,
  "added_tokens": [
%s
  ],
  "normalizer": {"type": "Sequence", "normalizers": [
    {"type": "NFC"},
    {"type": "Replace", "pattern": {"Regex": "\\s+"}, "content": " "},
    {"type": "Lowercase"}
  ]},
  "pre_tokenizer": {"type": "Sequence", "pretokenizers": [
    {"type": "Split", "pattern": {"Regex": %s}, "behavior": "Removed", "invert": true},
    {"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": true}
  ]},
  "post_processor": {"type": "RobertaProcessing", "sep": [%q, %d], "cls": [%q, %d], "trim_offsets": false, "add_prefix_space": false},
  "decoder": {"type": "ByteLevel", "add_prefix_space": true, "trim_offsets": true, "use_regex": true},
  "model": {"type": "BPE", "dropout": null, "unk_token": %q, "continuing_subword_prefix": "", "end_of_word_suffix": "</w>", "fuse_unk": false, "byte_fallback": false,
    "vocab": %s,
    "merges": [%s]
  }
}
`

// quote returns s as a JSON string that keeps <, > and & as they are.
func quote(s string) (string, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(s); err != nil {
		return "", err
	}
	return string(bytes.TrimSuffix(b.Bytes(), []byte("\n"))), nil
}
