package loader

import (
	"archive/tar"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"strings"

	"semidavil"
	"semidavil/internal/store"
	"semidavil/transforms/pixels"
	"semidavil/transforms/shards"
)

// shard is one tar file on this machine.
type shard struct{ name, path string }

// span is a member's place in its shard; n is 0 where there is none.
type span struct{ at, n int64 }

// members are the files of a sample that training reads.
type members struct{ image, volume, label, tokens, caption span }

// maxMember is the largest member that is read: 256 MiB, as package shards has it.
const maxMember = 256 << 20

// openShard reads the index of a shard, fetches the shard and finds its members.
func (f *Loader) openShard(ctx context.Context, want shards.Shard) ([]*sample, error) {
	name, err := store.Join(f.cfg.Dir, "shards/"+want.Name+".json", store.FollowLinks)
	if err != nil {
		return nil, err
	}
	data, err := store.ReadFile(ctx, name, 0)
	if err != nil {
		return nil, err
	}
	index, err := shards.DecodeIndex(data)
	if err != nil {
		return nil, err
	}
	if index.Shard != want {
		return nil, fmt.Errorf("index %s describes another shard than the manifest", name)
	}
	local, err := f.fetch(ctx, want)
	if err != nil {
		return nil, err
	}
	file, err := os.Open(local)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return nil, err
	}
	if info.Size() != want.Bytes {
		return nil, fmt.Errorf("%s has %d bytes, the manifest says %d", local, info.Size(), want.Bytes)
	}
	found, err := scan(file, info.Size())
	if err != nil {
		return nil, err
	}
	if len(found) != len(index.Samples) {
		return nil, fmt.Errorf("it holds %d samples, its index %d", len(found), len(index.Samples))
	}
	out, at := make([]*sample, 0, len(found)), &shard{want.Name, local}
	for _, meta := range index.Samples {
		files, ok := found[meta.Key]
		if !ok {
			return nil, fmt.Errorf("sample %q of the index is missing or listed twice", meta.Key)
		}
		delete(found, meta.Key)
		if err := f.checkMeta(meta, want, files); err != nil {
			return nil, fmt.Errorf("sample %s: %w", meta.Key, err)
		}
		s := &sample{key: meta.Key, shard: at, files: *files, w: meta.Size[0], h: meta.Size[1], pixels: meta.Pixels, ignored: meta.Ignored, tokens: meta.Tokens}
		if v := meta.Volume; v != nil {
			s.grid, s.spacing = semidavil.Grid{D: v.Size[0], H: v.Size[1], W: v.Size[2]}, v.Spacing
		}
		out = append(out, s)
	}
	return out, nil
}

// checkMeta refuses samples that could not be trained on.
func (f *Loader) checkMeta(m shards.Meta, in shards.Shard, files *members) error {
	switch volume := f.manifest.Volumes != nil; {
	case m.Subset != in.Subset:
		return fmt.Errorf("it is of subset %s, its shard of %s", m.Subset, in.Subset)
	case volume != (m.Volume != nil):
		return errors.New("volumes and images are mixed")
	case volume && files.volume.n == 0:
		return errors.New("it has no volume.npy")
	case volume:
	case m.Size[0] < 1 || m.Size[1] < 1 || m.Size[0] > pixels.DefaultMaxPixels/m.Size[1]:
		return fmt.Errorf("its size is %dx%d", m.Size[0], m.Size[1])
	case files.image.n == 0:
		return errors.New("it has no image")
	case files.tokens.n == 0:
		return errors.New("it has no tokens.npy")
	case in.Subset == semidavil.Unlabelled:
		return nil
	case files.label.n == 0:
		return errors.New("it has no label")
	case len(m.Pixels) != len(f.manifest.Classes):
		return fmt.Errorf("pixels of %d classes are counted, of %d", len(m.Pixels), len(f.manifest.Classes))
	}
	return nil
}

// scan reads the headers of a shard of size bytes and returns the members of each
// sample. The members' bytes are skipped, not read.
func scan(r io.ReadSeeker, size int64) (map[string]*members, error) {
	out := map[string]*members{}
	reader := tar.NewReader(r)
	for {
		header, err := reader.Next()
		if errors.Is(err, io.EOF) {
			return out, nil
		}
		if err != nil {
			return nil, err
		}
		if header.Typeflag == tar.TypeDir {
			continue
		}
		if !shards.Plain(header) {
			return nil, fmt.Errorf("member %q is no regular file", header.Name)
		}
		// The tar reader reads whole headers and nothing ahead.
		at, err := r.Seek(0, io.SeekCurrent)
		if err != nil {
			return nil, err
		}
		key, ext, ok := strings.Cut(path.Base(header.Name), ".")
		if err := shards.CheckKey(key); !ok || err != nil {
			return nil, fmt.Errorf("member %q is no part of a sample", header.Name)
		}
		if header.Size > maxMember || header.Size > size-at {
			return nil, fmt.Errorf("member %q of %d bytes at %d: the shard has %d, and at most %d are read", header.Name, header.Size, at, size, int64(maxMember))
		}
		m := out[key]
		if m == nil {
			m = new(members)
			out[key] = m
		}
		to := m.file(ext)
		if to == nil {
			continue
		}
		if to.n > 0 {
			return nil, fmt.Errorf("member %q occurs twice", header.Name)
		}
		*to = span{at, header.Size}
	}
}

// file returns the place of a file by its extension, or nil for files that
// training does not read.
func (m *members) file(ext string) *span {
	switch ext {
	case "image.png", "image.jpg", "image.jpeg":
		return &m.image
	case "volume.npy":
		return &m.volume
	case "label.png", "label.npy":
		return &m.label
	case "tokens.npy":
		return &m.tokens
	case "caption.txt":
		return &m.caption
	}
	return nil
}
