package store

import (
	"context"

	"cloud.google.com/go/storage"
	"google.golang.org/api/googleapi"
)

// gcsSink is an upload. The object appears when the upload is closed, and an
// upload whose context is cancelled before leaves no object.
type gcsSink struct {
	w      *storage.Writer
	cancel context.CancelFunc
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
	w := o.NewWriter(ctx)
	if size >= 0 && size < googleapi.DefaultUploadChunkSize {
		// One byte more than the file lets it go in a single request.
		w.ChunkSize = int(size) + 1
	}
	return &gcsSink{w: w, cancel: cancel}, nil
}

func (s *gcsSink) Write(p []byte) (int, error) {
	n, err := s.w.Write(p)
	return n, classify(err)
}

func (s *gcsSink) commit() error {
	defer s.cancel()
	return classify(s.w.Close())
}

func (s *gcsSink) abort() error {
	s.cancel()
	// Close waits for the upload to stop; its error is that of the context.
	s.w.Close()
	return nil
}
