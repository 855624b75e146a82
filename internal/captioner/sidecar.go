package captioner

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"

	"semidavil/internal/store"
	"semidavil/transforms/captions"
)

// maxSidecar is the greatest length of a caption file, in bytes. Larger files
// are something else.
const maxSidecar = 64 << 10

// sidecar reads captions from files of the data set, in this order:
// a .txt or a .caption.txt file beside the image, with the same stem;
// captions.jsonl in the folder of the data set.
type sidecar struct{ tables tables }

func (s *sidecar) ID() string { return "sidecar" }

func (s *sidecar) Caption(ctx context.Context, req captions.Request) (string, error) {
	text, err := s.text(ctx, req)
	if err == nil {
		if text = captions.Normalise(text); text == "" {
			err = captions.ErrEmpty
		}
	}
	if err == nil {
		return text, nil
	}
	return "", fmt.Errorf("caption: read the caption of %s: %w", req.Key, err)
}

// text returns the caption as it was written.
func (s *sidecar) text(ctx context.Context, req captions.Request) (string, error) {
	if req.Image == "" {
		return "", errors.New("the request names no image")
	}
	places := sidecarNames(req.Image)
	for _, name := range places {
		text, err := readBelow(ctx, req, name)
		if !errors.Is(err, fs.ErrNotExist) {
			return text, err
		}
	}
	looked := strings.Join(places, ", ")
	if req.Root != "" {
		text, name, err := s.tables.lookup(ctx, req)
		if !errors.Is(err, captions.ErrMissing) {
			return text, err
		}
		looked += ", " + name
	}
	return "", fmt.Errorf("%w in %s", captions.ErrMissing, looked)
}

// readBelow reads a text of the data set. A link that leads out of its root is an error
// that wraps store.ErrLink: the text would become part of what is shared as data.
func readBelow(ctx context.Context, req captions.Request, name string) (string, error) {
	if req.Root == "" || store.IsRemote(name) {
		return readText(ctx, name)
	}
	rel, err := relative(req.Root, name)
	if err != nil {
		return "", err
	}
	joined, err := store.Join(req.Root, rel, store.Links(req.FollowLinks))
	if err != nil {
		return "", err
	}
	return readText(ctx, joined)
}

func readText(ctx context.Context, name string) (string, error) {
	data, err := store.ReadText(ctx, name, maxSidecar)
	return string(data), err
}

// sidecarNames returns the names of the text files that may hold the caption of an
// image, the preferred one first: its extension replaced by .txt and by
// .caption.txt.
func sidecarNames(image string) []string {
	stem := image
	slash := strings.LastIndexByte(image, '/')
	if !store.IsRemote(image) {
		slash = max(slash, strings.LastIndexByte(image, filepath.Separator))
	}
	// A dot at the front of the name begins no extension.
	if dot := strings.LastIndexByte(image, '.'); dot > slash+1 {
		stem = image[:dot]
	}
	return []string{stem + ".txt", stem + ".caption.txt"}
}
