// Package caption gives every image the sentence that guides its segmentation
// (docs/METHOD.md#captions: they are computed once and stored as data).
//
// Where the captions come from is one of a few kinds behind one interface: text
// files beside the images, a fixed sentence of class names, or a vision model
// behind an HTTP endpoint.
package caption

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
)

var (
	// ErrMissing is wrapped by the error for an image that has no caption.
	ErrMissing = errors.New("there is no caption")
	// ErrEmpty is wrapped by the error for a caption without any text.
	ErrEmpty = errors.New("the caption is empty")
	// ErrService matches, by errors.Is, failures of a service that was asked, as
	// opposed to faults of the image.
	ErrService = errors.New("the service failed")
)

// Captioner gives captions. It may be used by several goroutines at a time.
type Captioner interface {
	// Caption returns the caption of one image, normalised as by Normalise and
	// never empty.
	Caption(ctx context.Context, req Request) (string, error)
	// ID names the kind of captioner and the parameters that its captions depend
	// on, and holds no secrets. A stored caption of the same ID may be reused as
	// long as the image is the same; of a sidecar captioner, as long as the text
	// is the same too.
	ID() string
}

// Request describes the image that needs a caption. A kind uses only what it
// needs: classnames nothing, sidecar the paths, http the image.
type Request struct {
	// Key names the sample; it appears in errors.
	Key string
	// Image is the local path or gs:// URL of the image.
	Image string
	// Root is the folder of the data set, a path or URL above Image. It is where
	// captions.jsonl is looked for; empty for nowhere.
	Root string
	// Sidecar is the path or URL of the caption text where that is known; empty
	// to look beside the image.
	Sidecar string
	// FollowLinks permits links that lead out of Root to the texts of a data set.
	FollowLinks bool
	// ReadImage returns the bytes of the image file. It is called at most once a
	// caption, and only by kinds that look at the image.
	ReadImage func(ctx context.Context) ([]byte, error)
}

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
	Endpoint Endpoint
}

// New returns the captioner of a kind.
func New(cfg Config) (Captioner, error) {
	switch cfg.Kind {
	case Sidecar:
		return &sidecar{}, nil
	case ClassNames:
		return newClassNames(cfg.Classes)
	case HTTP:
		return newHTTP(cfg.Endpoint)
	case BLIP2:
		return nil, fmt.Errorf("caption: captioner %q: not available yet; use %q with an endpoint that serves "+
			"BLIP-2 or another vision model, or %q with captions written beforehand", BLIP2, HTTP, Sidecar)
	}
	return nil, fmt.Errorf("caption: captioner %q: unknown; valid: %s", cfg.Kind,
		strings.Join([]string{Sidecar, ClassNames, HTTP, BLIP2}, ", "))
}

// digest returns 16 hexadecimal digits that stand for a text in an ID.
func digest(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:8])
}
