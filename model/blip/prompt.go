package blip

import (
	"errors"
	"fmt"
	"slices"
)

// prompt is a prompt around what the network saw.
type prompt struct{ before, after []int32 }

func (p prompt) length(queries int) int { return len(p.before) + queries + len(p.after) }

// prompt takes a prompt apart.
func (m *Model) prompt(tokens []int32) (p prompt, err error) {
	if len(tokens) == 0 {
		if m.generation.BOS == nil {
			return p, errors.New("the folder names no token that begins a text (bos_token_id): give a prompt")
		}
		tokens = []int32{int32(*m.generation.BOS)}
	}
	for _, id := range tokens {
		if id < 0 || int(id) >= m.network.vocab() {
			return p, fmt.Errorf("the prompt has the token %d, the vocabulary ids 0 to %d", id, m.network.vocab()-1)
		}
	}
	return m.network.prompt(tokens)
}

// prompt finds the place of the image: that of the image tokens, or the beginning.
func (c blip2Config) prompt(tokens []int32) (p prompt, err error) {
	p.after = tokens
	if c.ImageToken != nil {
		image := int32(*c.ImageToken)
		first, count := slices.Index(tokens, image), 0
		for _, id := range tokens {
			if id == image {
				count++
			}
		}
		if count > 0 {
			last := first + c.Queries
			if count != c.Queries || last > len(tokens) || slices.ContainsFunc(tokens[first:last], func(id int32) bool { return id != image }) {
				return p, fmt.Errorf("the prompt has the image token %d times, want it %d times in one piece, or not at all", count, c.Queries)
			}
			p.before, p.after = tokens[:first], tokens[last:]
		}
	}
	if len(p.after) == 0 {
		return p, errors.New("the prompt has no token after those of the image")
	}
	return p, nil
}
