// Package captionstore holds captions that need not be asked for: those that the user
// provides, and those that a service or a network gave in an earlier run.
package captionstore

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"

	"semidavil"
	"semidavil/internal/captionservice"
	"semidavil/internal/parallel"
	"semidavil/internal/plaintext"
	"semidavil/internal/store"
	"semidavil/transforms/captions"
	"semidavil/transforms/datasets"
)

// entry is a caption that cost something and the time when it was given, in Unix nanoseconds:
// an image that has changed since then needs another one.
type entry struct {
	text  string
	given int64
}

// Cache holds the captions that earlier runs stored in an output, by captioner
// ID + "\x00" + key.
type Cache map[string]entry

// shared holds the captions that this process got, by captioner ID, root, key and time of
// the image, so that an image of two shards is asked about once.
var shared parallel.Cache[string]

// Get returns the caption of an image, asking only where the image as it is now has none.
//
// A caller that waits for another bundle's request asks again if that one is cancelled.
func (c Cache) Get(ctx context.Context, captioner string, ref semidavil.Ref, ask func() (string, error)) (string, error) {
	if text, ok := c.stored(captioner, ref); ok {
		return text, nil
	}
	for {
		text, err := shared.Get(sharedKey(captioner, ref), ask)
		if err == nil || ctx.Err() != nil || !errors.Is(err, context.Canceled) {
			return text, err
		}
	}
}

// Find returns the caption of an image as it is now, where it is known.
func (c Cache) Find(captioner string, ref semidavil.Ref) (text string, known bool) {
	if text, known = c.stored(captioner, ref); known {
		return text, true
	}
	return shared.Load(sharedKey(captioner, ref))
}

// Keep makes the caption of an image known to this process.
func Keep(captioner string, ref semidavil.Ref, text string) error {
	_, err := shared.Get(sharedKey(captioner, ref), func() (string, error) { return text, nil })
	return err
}

func (c Cache) stored(captioner string, ref semidavil.Ref) (string, bool) {
	got, ok := c[captioner+"\x00"+ref.Key]
	return got.text, ok && got.given >= ref.Changed
}

func sharedKey(captioner string, ref semidavil.Ref) string {
	return fmt.Sprintf("%s\x00%s\x00%s\x00%d", captioner, ref.Root, ref.Key, ref.Changed)
}

// ReadCache reads the caption files of an output, of whichever shard. One that
// does not hold captions is ignored: it will be rewritten.
func ReadCache(ctx context.Context, output string) (Cache, error) {
	all := Cache{}
	err := eachCaptionFile(ctx, output, func(info store.Info, data []byte) error {
		rows, _, err := captions.ReadRowsCut(bytes.NewReader(data))
		if err != nil {
			return nil
		}
		for _, row := range rows {
			if text, err := captionservice.Sentence(row.Caption); err != nil || text != row.Caption {
				continue // of a revision that stored answers unprocessed
			}
			all[row.Captioner+"\x00"+row.Key] = entry{row.Caption, info.ModTime.UnixNano()}
		}
		return nil
	})
	if errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	return all, err
}

// given holds each captions file or folder that this process has read.
var given parallel.Cache[map[string]captions.Row]

// ReadGiven reads a JSONL file or a folder of them, by key: an output of caption too, or a folder
// of several.
func ReadGiven(ctx context.Context, from string) (map[string]captions.Row, error) {
	return given.Get(from, func() (map[string]captions.Row, error) {
		rows := map[string]captions.Row{}
		return rows, eachCaptionFile(ctx, from, func(info store.Info, data []byte) error {
			data, err := plaintext.Clean(data) // it may have been edited
			var list []captions.Row
			if err == nil {
				list, err = captions.ReadRows(bytes.NewReader(data))
			}
			switch {
			case err != nil && !bytes.Contains(data, []byte(`"key"`)):
				return fmt.Errorf("%s: %w; rows without keys belong into a captions.jsonl at the root of the data set", info.Path, err)
			case err != nil:
				return fmt.Errorf("%s: %w", info.Path, err)
			}
			for _, row := range list {
				rows[row.Key] = row
			}
			return nil
		})
	})
}

// rejectsFile is the table that lies beside the captions in an output.
const rejectsFile = "rejects.jsonl"

// eachCaptionFile calls fn for the JSONL file from, or for those below it.
func eachCaptionFile(ctx context.Context, from string, fn func(store.Info, []byte) error) error {
	read := func(info store.Info) error {
		data, err := store.ReadFile(ctx, info.Path, 0)
		if err != nil {
			return err
		}
		return fn(info, data)
	}
	info, err := store.Stat(ctx, from)
	switch {
	case err != nil:
	case !info.IsDir:
		err = read(info)
	default:
		err = store.List(ctx, from, func(info store.Info, err error) error {
			if err != nil || !datasets.HasEnding(info.Path, ".jsonl") || path.Base(info.Rel) == rejectsFile {
				return err
			}
			return read(info)
		})
	}
	if err != nil {
		return fmt.Errorf("stages: captions: %w", err)
	}
	return nil
}
