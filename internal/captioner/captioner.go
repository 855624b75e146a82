// Package captioner makes the captioner of each kind, by where captions come from: text files beside the images, a
// fixed sentence of class names, or a vision model behind an HTTP endpoint.
package captioner

import (
	"fmt"
	"strings"

	"semidavil/internal/captionservice"
	"semidavil/transforms/captions"
)

// The kinds of captioners.
const (
	Sidecar    = "sidecar"
	ClassNames = "classnames"
	HTTP       = "http"
	BLIP       = "blip"
	BLIP2      = "blip2"
	CLIPTags   = "cliptags"
)

// Config chooses and parametrises a captioner.
type Config struct {
	// Kind is one of Sidecar, ClassNames, HTTP, BLIP, BLIP2 and CLIPTags.
	Kind string
	// Classes are the names that the sentence of ClassNames lists, in order.
	Classes []string
	// Endpoint is the service that HTTP asks.
	Endpoint captionservice.Endpoint
	// Network is that of the kinds that look at images in this process.
	Network Network
}

// Network describes a network that writes captions.
type Network struct {
	// Weights is its model folder, a path or gs:// URL, or of CLIPTags "minicity", the built-in one, and Digest what [Digest] says of it: one
	// that was replaced since is refused.
	Weights, Digest string
	// Prompt is the beginning of the sentence, or a question; it may be empty.
	Prompt string
	// Beams is the number of sentences that are followed at once; 1 is greedy.
	Beams int
	// MinTokens and MaxTokens bound the length of what is written.
	MinTokens, MaxTokens int
	// BFloat16 computes in that type, not on the Go backend.
	BFloat16 bool
	// Backend is a name that backend.Open reads, Batch the number of images that are computed
	// at once.
	Backend string
	Batch   int
}

// Looks reports whether a captioner of the kind is a network that [Open] opens; [New] makes the others.
func (c Config) Looks() bool { return c.Kind == BLIP || c.Kind == BLIP2 || c.Kind == CLIPTags }

// Costly reports whether a caption costs time or money, so that it is asked for once.
func (c Config) Costly() bool { return c.Kind == HTTP || c.Looks() }

// New returns the captioner of a kind that is no network.
func New(cfg Config) (captions.Captioner, error) {
	switch cfg.Kind {
	case Sidecar:
		return &sidecar{}, nil
	case ClassNames:
		return captions.OfClassNames(cfg.Classes)
	case HTTP:
		return captionservice.New(cfg.Endpoint)
	}
	if cfg.Looks() {
		return nil, fmt.Errorf("caption: captioner %q is a network", cfg.Kind)
	}
	return nil, fmt.Errorf("caption: captioner %q: unknown; valid: %s", cfg.Kind,
		strings.Join([]string{Sidecar, ClassNames, HTTP, BLIP, BLIP2, CLIPTags}, ", "))
}
