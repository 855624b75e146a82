// Package captions holds what is true of captions wherever they come from: their normal
// form, the JSONL files that store them, tables of data sets, and the sentence of class
// names. They are computed once and stored as data: docs/METHOD.md#captions.
package captions

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
)

var (
	// ErrMissing is wrapped by the error for an image that has no caption.
	ErrMissing = errors.New("there is no caption")
	// ErrEmpty is wrapped by the error for a caption without any text.
	ErrEmpty = errors.New("the caption is empty")
)

// Captioner gives every image the sentence that guides its segmentation. It may be used
// by several goroutines at a time.
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

// Request describes the image that needs a caption. A captioner uses only what it
// needs: class names nothing, sidecar files the paths, a service the image.
type Request struct {
	// Key names the sample; it appears in errors.
	Key string
	// Image is the local path or gs:// URL of the image.
	Image string
	// Root is the folder of the data set, a path or URL above Image. It is where
	// captions.jsonl is looked for; empty for nowhere.
	Root string
	// FollowLinks permits links that lead out of Root to the texts of a data set.
	FollowLinks bool
	// Images lists the paths of all images of the data set, relative to Root, with
	// forward slashes. It is called where captions.jsonl has no row for the exact path
	// of the image; nil leaves it at that.
	Images func(ctx context.Context) ([]string, error)
	// ReadImage returns the bytes of the image file. It is called at most once a
	// caption, and only by captioners that look at the image.
	ReadImage func(ctx context.Context) ([]byte, error)
}

// Digest returns 16 hexadecimal digits that stand for a text in the ID of a captioner.
func Digest(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:8])
}
