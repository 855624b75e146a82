package store

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"cloud.google.com/go/storage"
	"google.golang.org/api/googleapi"
)

// gcsLease is an object that only the holder of its generation may replace.
type gcsLease struct {
	object     *storage.ObjectHandle
	name       string
	self       holder
	generation int64
}

func (g gcs) lock(ctx context.Context, name string, self holder) (lease, error) {
	o, err := g.object(name)
	if err != nil {
		return nil, err
	}
	l := &gcsLease{object: o, name: name, self: self}
	for {
		err := l.put(ctx, storage.Conditions{DoesNotExist: true})
		if !ambiguous(err) {
			return l, classify(err)
		}
		h, attrs, err := l.read(ctx)
		switch {
		case errors.Is(err, storage.ErrObjectNotExist):
			continue // its holder removed it in between
		case err != nil:
			return nil, classify(err)
		case h.ID == self.ID:
			l.generation = attrs.Generation
			return l, nil
		case !h.dead() && time.Since(attrs.LastModified) < leaseTimeout:
			return nil, lockedError(name, h)
		}
		if err := l.put(ctx, storage.Conditions{GenerationMatch: attrs.Generation}); !ambiguous(err) {
			return l, classify(err)
		}
	}
}

// ambiguous reports whether the outcome of a request can be told only from the object: its
// precondition failed, perhaps because an earlier attempt had succeeded, or its response broke off.
func ambiguous(err error) bool {
	var api *googleapi.Error
	return errors.As(err, &api) && api.Code == http.StatusPreconditionFailed || errors.Is(err, io.ErrUnexpectedEOF)
}

// put writes the object.
func (l *gcsLease) put(ctx context.Context, c storage.Conditions) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	u := &upload{name: l.name}
	w := l.object.If(c).Retryer(storage.WithErrorFunc(u.shouldRetry)).NewWriter(ctx)
	data := l.self.encode()
	w.ChunkSize = len(data) + 1
	if _, err := w.Write(data); err != nil {
		return err
	}
	if err := w.Close(); err != nil {
		return err
	}
	l.generation = w.Attrs().Generation
	return nil
}

// read returns who holds the lock, and the object's attributes at that time.
func (l *gcsLease) read(ctx context.Context) (holder, storage.ReaderObjectAttrs, error) {
	r, err := l.object.NewReader(ctx)
	if err != nil {
		return holder{}, storage.ReaderObjectAttrs{}, err
	}
	return decodeHolder(r), r.Attrs, r.Close()
}

func (l *gcsLease) refresh(ctx context.Context) error {
	err := l.put(ctx, storage.Conditions{GenerationMatch: l.generation})
	if !ambiguous(err) {
		return classify(err)
	}
	h, attrs, err := l.read(ctx)
	switch {
	case errors.Is(err, storage.ErrObjectNotExist):
		return fmt.Errorf("%w: somebody removed %s", ErrLockLost, l.name)
	case err != nil:
		return classify(err)
	case h.ID != l.self.ID:
		return fmt.Errorf("%w to another run: %s", ErrLockLost, h)
	}
	l.generation = attrs.Generation
	return nil
}

func (l *gcsLease) release(ctx context.Context) error {
	err := l.object.Generation(l.generation).Retryer(retries(storage.RetryAlways)...).Delete(ctx)
	if errors.Is(err, storage.ErrObjectNotExist) {
		return nil // lost
	}
	return classify(err)
}
