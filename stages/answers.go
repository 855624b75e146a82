package stages

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"

	"semidavil"
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

// answers are the captions that earlier runs stored in an output, by captioner
// ID + "\x00" + key.
type answers map[string]answer

// received holds what this process was answered, by captioner ID, root and key,
// so that an image of two shards is asked about once; asking lets the second of
// two questions at the same time wait for the first.
var (
	received sync.Map // -> answer
	asking   singleflight.Group
)

// get returns the caption of an image, asking only where no answer to the image
// as it is now is at hand.
//
// Whoever waits for the question of another bundle that is cancelled asks again.
func (a answers) get(ctx context.Context, captioner string, ref semidavil.Ref, ask func() (string, error)) (string, error) {
	for {
		text, err := a.once(captioner, ref, ask)
		if err == nil || ctx.Err() != nil || !errors.Is(err, context.Canceled) {
			return text, err
		}
	}
}

// once is get, which may end with the context of another.
func (a answers) once(captioner string, ref semidavil.Ref, ask func() (string, error)) (string, error) {
	if got, ok := a[captioner+"\x00"+ref.Key]; ok && got.given >= ref.Changed {
		return got.text, nil
	}
	place := captioner + "\x00" + ref.Root + "\x00" + ref.Key
	text, err, _ := asking.Do(place, func() (_ any, err error) {
		defer func() {
			if v := recover(); v != nil { // Do's own panic has the stack in its text
				err = fmt.Errorf("stages: panic: %v", v)
			}
		}()
		if got, ok := received.Load(place); ok && got.(answer).given >= ref.Changed {
			return got.(answer).text, nil
		}
		text, err := ask()
		if err == nil {
			received.Store(place, answer{text, time.Now().UnixNano()})
		}
		return text, err
	})
	if err != nil {
		return "", err
	}
	return text.(string), nil
}

// readAnswers reads the caption files of an output, of whichever shard. One
// that cannot be read as captions counts for nothing: it will be written anew.
func readAnswers(ctx context.Context, output string) (answers, error) {
	all := answers{}
	err := eachCaptionFile(ctx, output, func(info store.Info, data []byte) error {
		rows, _, err := captions.ReadRowsCut(bytes.NewReader(data))
		if err != nil {
			return nil
		}
		for _, row := range rows {
			all[row.Captioner+"\x00"+row.Key] = answer{row.Caption, info.ModTime.UnixNano()}
		}
		return nil
	})
	if isMissing(err) {
		err = nil
	}
	return all, err
}

// given holds each captions file or folder that was read, once a process.
var given struct {
	mu   sync.Mutex
	rows map[string]map[string]captions.Row
}

// readGiven reads a JSONL file or a folder of them, by key.
func readGiven(ctx context.Context, from string) (map[string]captions.Row, error) {
	given.mu.Lock()
	defer given.mu.Unlock()
	if rows, ok := given.rows[from]; ok {
		return rows, nil
	}
	rows := map[string]captions.Row{}
	err := eachCaptionFile(ctx, from, func(info store.Info, data []byte) error {
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
	if err != nil {
		return nil, err
	}
	if given.rows == nil {
		given.rows = map[string]map[string]captions.Row{}
	}
	given.rows[from] = rows
	return rows, nil
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
