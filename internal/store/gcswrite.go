package store

import (
	"context"
	"errors"
	"hash/crc32"
	"io"

	"cloud.google.com/go/storage"
	"google.golang.org/api/googleapi"
)

// gcsSink is an upload. The object appears when the upload is closed, and an
// upload whose context is cancelled before leaves no object.
type gcsSink struct {
	ctx    context.Context
	object *storage.ObjectHandle
	w      *storage.Writer
	cancel context.CancelFunc
	size   int64
	sum    uint32 // CRC-32C
}

// create chooses the upload's buffer: it is as large as the file where that is
// known and small, because many small uploads with the library's buffer of
// 16 MiB would fill the memory.
func (g gcs) create(ctx context.Context, name string, size int64) (sink, error) {
	o, err := g.repeatable(name)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	u := &upload{name: name}
	w := o.Retryer(storage.WithErrorFunc(u.shouldRetry)).NewWriter(ctx)
	w.ChunkRetryDeadline, w.ProgressFunc = retryTimeout, u.progress
	if size >= 0 && size < googleapi.DefaultUploadChunkSize {
		// One byte more than the file lets it go in a single request.
		w.ChunkSize = int(size) + 1
	}
	return &gcsSink{ctx: ctx, object: o, w: w, cancel: cancel}, nil
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

func (s *gcsSink) Write(p []byte) (int, error) {
	n, err := s.w.Write(p)
	s.size += int64(n)
	s.sum = crc32.Update(s.sum, castagnoli, p[:n])
	return n, classify(err)
}

func (s *gcsSink) commit() error {
	defer s.cancel()
	err := s.w.Close()
	// The library does not repeat a request whose answer begins well and breaks off: the
	// object may be there.
	if errors.Is(err, io.ErrUnexpectedEOF) {
		if attrs, e := s.object.Attrs(s.ctx); e == nil && attrs.Size == s.size && attrs.CRC32C == s.sum {
			return nil
		}
	}
	return classify(err)
}

func (s *gcsSink) abort() error {
	s.cancel()
	// Close waits for the upload to stop; its error is that of the context.
	_ = s.w.Close()
	return nil
}
