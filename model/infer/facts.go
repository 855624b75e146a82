package infer

import (
	"encoding/json"
	"fmt"

	"semidavil"
	"semidavil/model/segmenter"
	"semidavil/transforms/pixels"
	"semidavil/transforms/shards"
)

// FactsKey is the key of a checkpoint's metadata that holds [Facts] as JSON.
const FactsKey = "facts"

// Facts are what a trained network needs, beside its parameters, to be used on other
// images.
type Facts struct {
	Segmenter segmenter.Config     `json:"segmenter"`
	ClassSet  semidavil.ClassSet   `json:"class_set"`
	Tokenizer shards.TokenizerInfo `json:"tokenizer"`
	// TextTower is the digest of the text tower that the network was trained with;
	// empty stands for the random one of a training without CLIP.
	TextTower string `json:"text_tower"`
	// Width and Height are the size at which the target's images were prepared.
	Width  int `json:"width"`
	Height int `json:"height"`
	// Window is what the training's own evaluations covered the images with, and Crop
	// the width and height of its crops.
	Window Window `json:"window"`
	Crop   [2]int `json:"crop"`
	// SharedVision means that the teacher uses the student's vision tower.
	SharedVision bool `json:"shared_vision"`
}

// Encode writes the facts for a checkpoint.
func (f Facts) Encode() (string, error) {
	data, err := json.Marshal(f)
	if err != nil {
		return "", fmt.Errorf("infer: encode facts: %w", err)
	}
	return string(data), nil
}

// decodeFacts reads what Encode wrote.
func decodeFacts(text string) (f Facts, err error) {
	if text == "" {
		return f, fmt.Errorf("its metadata has no %q: it is no checkpoint of train, or one of an older version", FactsKey)
	}
	if err := json.Unmarshal([]byte(text), &f); err != nil {
		return f, fmt.Errorf("its metadata %q: %w", FactsKey, err)
	}
	if err := f.Segmenter.Check(); err != nil {
		return f, err
	}
	if k := f.Segmenter.Decoder.Classes; f.ClassSet.Len() != k {
		return f, fmt.Errorf("its network has %d classes, its class set %s has %d", k, f.ClassSet.Name, f.ClassSet.Len())
	}
	if f.ClassSet.Len() > semidavil.Ignore {
		return f, fmt.Errorf("its class set %s has %d classes, at most %d fit a label", f.ClassSet.Name, f.ClassSet.Len(), semidavil.Ignore)
	}
	if f.Width < 1 || f.Height < 1 || f.Width > pixels.DefaultMaxPixels/f.Height {
		return f, fmt.Errorf("its image size is %dx%d", f.Width, f.Height)
	}
	return f, nil
}
