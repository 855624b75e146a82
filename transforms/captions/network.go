package captions

import (
	"context"

	"semidavil"
)

// Network is a captioner that looks at images in this process, several at once.
type Network interface {
	// Prepare returns what Captions reads of an image of any size, such as f32[3,H,W]. It keeps
	// nothing of the image, and may be called by several goroutines at a time.
	Prepare(image *semidavil.Image) ([]float32, error)
	// Captions returns the caption of each prepared image, not normalised and possibly empty.
	Captions(ctx context.Context, prepared [][]float32) ([]string, error)
	// Close releases what the network holds.
	Close()
}
