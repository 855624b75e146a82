package captionstore

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"semidavil/internal/store"
)

// remotePause is the time between two writes of one object: Cloud Storage takes one a second.
const remotePause = time.Second

// File is the caption file of a plan in progress. What is saved is written in the background,
// so that a process that is killed loses no more than the answers of a moment. It is for one
// goroutine.
type File struct {
	name   string
	stored []byte // what the file holds
	next   chan []byte
	ended  chan struct{}
}

// OpenFile reads what the file holds; it need not exist.
func OpenFile(ctx context.Context, name string) (*File, error) {
	data, err := store.ReadFile(ctx, name, 0)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("stages: captions: %w", err)
	}
	return &File{name: name, stored: data}, nil
}

// Save writes data soon, unless it is followed by other data until then. Errors are left to
// Close, which writes once more.
func (f *File) Save(ctx context.Context, data []byte) {
	if f.next == nil {
		f.next, f.ended = make(chan []byte, 1), make(chan struct{})
		go f.write(ctx)
	}
	select {
	case <-f.next: // it has not been taken, and is out of date
	default:
	}
	f.next <- data
}

func (f *File) write(ctx context.Context) {
	defer close(f.ended)
	for data := range f.next {
		if store.WriteFile(ctx, f.name, data) == nil {
			f.stored = data
		}
		if store.IsRemote(f.name) {
			select {
			case <-time.After(remotePause):
			case <-ctx.Done():
			}
		}
	}
}

// Close makes the file hold data, also when ctx has ended: captions may have been paid for.
func (f *File) Close(ctx context.Context, data []byte) error {
	if f.next != nil {
		close(f.next)
		<-f.ended
	}
	if bytes.Equal(data, f.stored) {
		return nil
	}
	saving, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
	defer cancel()
	if err := store.WriteFile(saving, f.name, data); err != nil {
		return fmt.Errorf("stages: captions: %w", err)
	}
	return nil
}
