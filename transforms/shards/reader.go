package shards

import (
	"archive/tar"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"
)

// maxMember is the largest member of a sample that a reader accepts: 256 MiB.
const maxMember = 256 << 20

// Reader reads the samples of one shard in order. The members of a sample may be
// in any order; members that it does not know are skipped.
type Reader struct {
	tar  *tar.Reader
	next *tar.Header
	seen map[string]bool
}

// NewReader returns a reader of a shard.
func NewReader(r io.Reader) *Reader {
	return &Reader{tar: tar.NewReader(r), seen: map[string]bool{}}
}

// Next returns the next sample, or io.EOF after the last one. A sample needs a description
// and either a volume or an image, a caption and tokens; a shard that ends within a
// member, repeats a key or a member, or holds other things than files is
// refused.
func (r *Reader) Next() (Sample, error) {
	header, err := r.peek()
	if err != nil {
		return Sample{}, err // io.EOF among them
	}
	key, _, err := split(header.Name)
	if err != nil {
		return Sample{}, err
	}
	if r.seen[key] {
		return Sample{}, fmt.Errorf("shards: read sample %q: the key occurs twice", key)
	}
	r.seen[key] = true
	s := Sample{Key: key}
	parts := map[string]bool{}
	for {
		header, err := r.peek()
		if errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return Sample{}, err
		}
		k, ext, err := split(header.Name)
		if err != nil {
			return Sample{}, err
		}
		if k != key {
			break
		}
		r.next = nil
		if err := r.part(&s, ext, header, parts); err != nil {
			return Sample{}, fmt.Errorf("shards: read sample %q: %s: %w", key, ext, err)
		}
	}
	needs := []string{"image", "caption.txt", "tokens.npy", "json"}
	if parts["volume.npy"] {
		needs = []string{"json"}
	}
	for _, need := range needs {
		if !parts[need] {
			return Sample{}, fmt.Errorf("shards: read sample %q: it has no %s", key, need)
		}
	}
	if s.Meta.Key != key {
		return Sample{}, fmt.Errorf("shards: read sample %q: its description has the key %q", key, s.Meta.Key)
	}
	return s, nil
}

// part reads one member into s.
func (r *Reader) part(s *Sample, ext string, header *tar.Header, parts map[string]bool) error {
	name := ext
	switch ext {
	case "image.png", "image.jpg", "image.jpeg":
		name = "image"
	case "label.png", "label.npy":
		name = "label"
	case "caption.txt", "tokens.npy", "volume.npy", "json":
	default:
		return nil // not ours
	}
	if parts[name] {
		return errors.New("it occurs twice")
	}
	parts[name] = true
	if header.Size > maxMember {
		return fmt.Errorf("%d bytes: at most %d are read", header.Size, int64(maxMember))
	}
	data, err := io.ReadAll(r.tar)
	if err != nil {
		return err
	}
	switch name {
	case "image":
		s.Image, s.ImageExt = data, "jpg"
		if ext == "image.png" {
			s.ImageExt = "png"
		}
	case "label":
		s.Label = data
	case "volume.npy":
		s.Volume = data
	case "caption.txt":
		s.Caption = string(data)
	case "tokens.npy":
		s.Tokens = data
	case "json":
		return decode(data, &s.Meta)
	}
	return nil
}

// peek returns the header of the next regular member without consuming it.
func (r *Reader) peek() (*tar.Header, error) {
	for r.next == nil {
		header, err := r.tar.Next()
		if errors.Is(err, io.EOF) {
			return nil, io.EOF
		}
		if err != nil {
			return nil, fmt.Errorf("shards: read: %w", err)
		}
		switch {
		case Plain(header):
			r.next = header
		case header.Typeflag != tar.TypeDir:
			return nil, fmt.Errorf("shards: read: member %q is no regular file", header.Name)
		}
	}
	return r.next, nil
}

// Plain reports whether the bytes of a member lie in the tar file as they are. Those of a
// sparse file do not: a few of them may claim any number of zeros.
func Plain(header *tar.Header) bool {
	for key := range header.PAXRecords {
		if strings.HasPrefix(key, "GNU.sparse.") {
			return false
		}
	}
	return header.Typeflag == tar.TypeReg
}

// split cuts a member's name at the first dot of its last element.
func split(name string) (key, ext string, err error) {
	key, ext, ok := strings.Cut(path.Base(name), ".")
	if err := CheckKey(key); !ok || err != nil {
		return "", "", fmt.Errorf("shards: read: member %q is no part of a sample", name)
	}
	return key, ext, nil
}
