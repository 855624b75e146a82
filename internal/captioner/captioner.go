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
	BLIP2      = "blip2"
)

// Config chooses and parametrises a captioner.
type Config struct {
	// Kind is one of Sidecar, ClassNames, HTTP and BLIP2.
	Kind string
	// Classes are the names that the sentence of ClassNames lists, in order.
	Classes []string
	// Endpoint is the service that HTTP asks.
	Endpoint captionservice.Endpoint
}

// Costly reports whether a caption costs time or money, so that it is asked for once.
func (c Config) Costly() bool { return c.Kind == HTTP }

// New returns the captioner of a kind.
func New(cfg Config) (captions.Captioner, error) {
	switch cfg.Kind {
	case Sidecar:
		return &sidecar{}, nil
	case ClassNames:
		return captions.OfClassNames(cfg.Classes)
	case HTTP:
		return captionservice.New(cfg.Endpoint)
	case BLIP2:
		return nil, fmt.Errorf("caption: captioner %q: not available yet; use %q with an endpoint that serves "+
			"BLIP-2 or another vision model, or %q with captions written beforehand", BLIP2, HTTP, Sidecar)
	}
	return nil, fmt.Errorf("caption: captioner %q: unknown; valid: %s", cfg.Kind,
		strings.Join([]string{Sidecar, ClassNames, HTTP, BLIP2}, ", "))
}
