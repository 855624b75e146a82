package shards

import (
	"archive/tar"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"hash"
	"io"
	"strings"

	"semidavil"
)

// Writer writes one shard.
type Writer struct {
	tar   *tar.Writer
	out   *counter
	seen  map[string]bool
	count int
}

// counter hashes and counts what passes through.
type counter struct {
	w   io.Writer
	sum hash.Hash
	n   int64
}

func (c *counter) Write(p []byte) (int, error) {
	n, err := c.w.Write(p)
	c.sum.Write(p[:n])
	c.n += int64(n)
	return n, err
}

// NewWriter returns a writer of a shard to w.
func NewWriter(w io.Writer) *Writer {
	out := &counter{w: w, sum: sha256.New()}
	return &Writer{tar: tar.NewWriter(out), out: out, seen: map[string]bool{}}
}

// member is a file of a sample.
type member struct {
	ext  string
	data []byte
}

// Write appends a sample. Keys have letters, digits, '_' and '-', at most 80,
// and occur once in a shard.
func (w *Writer) Write(s Sample) error {
	fail := func(format string, args ...any) error {
		return fmt.Errorf("shards: write sample %q: "+format, append([]any{s.Key}, args...)...)
	}
	if err := CheckKey(s.Key); err != nil {
		return fail("%w", err)
	}
	if w.seen[s.Key] {
		return fail("the shard has this key already")
	}
	if s.Volume == nil && s.ImageExt != "png" && s.ImageExt != "jpg" {
		return fail("image extension %q: want png or jpg", s.ImageExt)
	}
	if s.Meta.Key != s.Key {
		return fail("its description has the key %q", s.Meta.Key)
	}
	meta, err := json.Marshal(s.Meta)
	if err != nil {
		return fail("%w", err)
	}
	w.seen[s.Key] = true
	w.count++
	parts := []member{{"image." + s.ImageExt, s.Image}, {"label.png", s.Label}, {"caption.txt", []byte(s.Caption)}, {"tokens.npy", s.Tokens}, {"json", meta}}
	if s.Volume != nil {
		parts = []member{{"volume.npy", s.Volume}, {"label.npy", s.Label}, {"json", meta}}
	}
	for _, part := range parts {
		if part.data == nil && strings.HasPrefix(part.ext, "label.") {
			continue
		}
		header := &tar.Header{Typeflag: tar.TypeReg, Name: s.Key + "." + part.ext, Size: int64(len(part.data)), Mode: 0o644, Format: tar.FormatUSTAR}
		if err := w.tar.WriteHeader(header); err != nil {
			return fail("%w", err)
		}
		if _, err := w.tar.Write(part.data); err != nil {
			return fail("%w", err)
		}
	}
	return nil
}

// Close ends the shard and returns its description. It does not close the
// underlying writer.
func (w *Writer) Close(name string, subset semidavil.Subset) (Shard, error) {
	if err := w.tar.Close(); err != nil {
		return Shard{}, fmt.Errorf("shards: close %s: %w", name, err)
	}
	return Shard{Name: name, Subset: subset, Samples: w.count, Bytes: w.out.n, SHA256: hex.EncodeToString(w.out.sum.Sum(nil))}, nil
}

// CheckKey refuses keys that a tar member's name or a WebDataset reader could
// misread.
func CheckKey(key string) error {
	if key == "" || len(key) > 80 {
		return fmt.Errorf("key of %d bytes: want 1 to 80", len(key))
	}
	for _, r := range key {
		if !strings.ContainsRune("_-", r) && (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') {
			return fmt.Errorf("key has %q: want letters, digits, '_' and '-'", r)
		}
	}
	return nil
}
