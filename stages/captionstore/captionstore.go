// Package captionstore holds the captions that are there before anybody is asked: those
// that a user gives, and those that a service was paid for in an earlier run.
package captionstore

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"

	"semidavil"
	"semidavil/internal/captionservice"
	"semidavil/internal/parallel"
	"semidavil/internal/plaintext"
	"semidavil/internal/store"
	"semidavil/transforms/captions"
	"semidavil/transforms/datasets"
)

// answer is a caption of a service and when it was given, in Unix nanoseconds:
// an image that has changed since then needs another one.
type answer struct {
	text  string
	given int64
}

// Answers are the captions that earlier runs stored in an output, by captioner
// ID + "\x00" + key.
type Answers map[string]answer

// received holds what this process was answered, by captioner ID, root, key and time of
// the image, so that an image of two shards is asked about once.
var received parallel.Cache[string]

// Get returns the caption of an image, asking only where no answer to the image
// as it is now is at hand.
//
// Whoever waits for the question of another bundle that is cancelled asks again.
func (a Answers) Get(ctx context.Context, captioner string, ref semidavil.Ref, ask func() (string, error)) (string, error) {
	if got, ok := a[captioner+"\x00"+ref.Key]; ok && got.given >= ref.Changed {
		return got.text, nil
	}
	for {
		text, err := received.Get(fmt.Sprintf("%s\x00%s\x00%s\x00%d", captioner, ref.Root, ref.Key, ref.Changed), ask)
		if err == nil || ctx.Err() != nil || !errors.Is(err, context.Canceled) {
			return text, err
		}
	}
}

// Forget forgets what this process was answered.
func Forget() { received.Clear(func(string) {}) }

// ReadAnswers reads the caption files of an output, of whichever shard. One
// that cannot be read as captions counts for nothing: it will be written anew.
func ReadAnswers(ctx context.Context, output string) (Answers, error) {
	all := Answers{}
	err := eachCaptionFile(ctx, output, func(info store.Info, data []byte) error {
		rows, _, err := captions.ReadRowsCut(bytes.NewReader(data))
		if err != nil {
			return nil
		}
		for _, row := range rows {
			if text, err := captionservice.Sentence(row.Caption); err != nil || text != row.Caption {
				continue // of a revision that stored answers as they were
			}
			all[row.Captioner+"\x00"+row.Key] = answer{row.Caption, info.ModTime.UnixNano()}
		}
		return nil
	})
	if errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	return all, err
}

// given holds each captions file or folder that was read, once a process.
var given parallel.Cache[map[string]captions.Row]

// ReadGiven reads a JSONL file or a folder of them, by key.
func ReadGiven(ctx context.Context, from string) (map[string]captions.Row, error) {
	return given.Get(from, func() (map[string]captions.Row, error) {
		rows := map[string]captions.Row{}
		return rows, eachCaptionFile(ctx, from, func(info store.Info, data []byte) error {
			data, err := plaintext.Clean(data) // somebody may have edited it
			var list []captions.Row
			if err == nil {
				list, err = captions.ReadRows(bytes.NewReader(data))
			}
			if err != nil {
				return fmt.Errorf("%s: %w", info.Path, err)
			}
			for _, row := range list {
				rows[row.Key] = row
			}
			return nil
		})
	})
}

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
			if err != nil || !datasets.HasEnding(info.Path, ".jsonl") {
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
