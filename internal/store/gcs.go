package store

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"cloud.google.com/go/storage"
	"google.golang.org/api/iterator"

	"semidavil/internal/parallel"
)

// gcs is Google Cloud Storage.
type gcs struct{ client *storage.Client }

// clients holds one client per process. It is keyed by the emulator's address,
// which the library reads from the environment when a client is made, so that
// tests can run several emulators; outside tests there is a single key.
var clients parallel.Cache[*storage.Client]

// sharedClient returns the client of this process. A failure is not kept, so
// that a later call can succeed.
func sharedClient() (*storage.Client, error) {
	return clients.Get(os.Getenv("STORAGE_EMULATOR_HOST"), func() (*storage.Client, error) {
		// The client outlives the call that made it, so it gets its own context.
		c, err := storage.NewClient(context.Background())
		if err != nil {
			return nil, unavailable{fmt.Errorf("open a client of Cloud Storage: %w: %w; see "+
				"`gcloud auth application-default login` and GOOGLE_APPLICATION_CREDENTIALS", ErrNoCredentials, err)}
		}
		limitRetries(c)
		return c, nil
	})
}

// object returns the handle of an object for operations that the library may
// retry by its own judgement.
func (g gcs) object(name string) (*storage.ObjectHandle, error) {
	bucket, object, err := splitURL(name)
	if err != nil {
		return nil, err
	}
	if object == "" || strings.HasSuffix(object, "/") {
		return nil, errIsDir
	}
	return g.client.Bucket(bucket).Object(object), nil
}

// repeatable returns the handle of an object for writing and removing. The
// library repeats these after a transient failure only under preconditions on
// the generation; here every writer of a name writes the same bytes and a
// removal may find nothing, so they can always be repeated.
func (g gcs) repeatable(name string) (*storage.ObjectHandle, error) {
	o, err := g.object(name)
	if err != nil {
		return nil, err
	}
	return o.Retryer(retries(storage.RetryAlways)...), nil
}

func (g gcs) open(ctx context.Context, name string) (io.ReadCloser, int64, error) {
	o, err := g.object(name)
	if err != nil {
		return nil, 0, err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	r, err := o.NewReader(ctx)
	if err != nil {
		cancel(nil)
		return nil, 0, classify(err)
	}
	if r.Attrs.ContentEncoding == "gzip" {
		// The service unpacks such an object on the way.
		return reader{r, ctx, cancel}, -1, nil
	}
	return reader{r, ctx, cancel}, r.Remain(), nil
}

func (g gcs) stat(ctx context.Context, name string) (Info, error) {
	bucket, object, err := splitURL(name)
	if err != nil {
		return Info{}, err
	}
	if object != "" && !strings.HasSuffix(object, "/") {
		attrs, err := g.client.Bucket(bucket).Object(object).Attrs(ctx)
		if err == nil {
			return Info{Path: name, Size: attrs.Size, ModTime: attrs.Updated, Generation: attrs.Generation}, nil
		}
		if !errors.Is(err, storage.ErrObjectNotExist) {
			return Info{}, classify(err)
		}
	}
	// One object below the name makes it a folder.
	it, prefix, err := g.objects(ctx, name, 1)
	if err != nil {
		return Info{}, err
	}
	_, err = it.Next()
	if errors.Is(err, iterator.Done) && prefix != "" {
		return Info{}, classify(storage.ErrObjectNotExist)
	}
	if err != nil && !errors.Is(err, iterator.Done) {
		return Info{}, classify(err)
	}
	return Info{Path: name, IsDir: true}, nil
}

func (g gcs) remove(ctx context.Context, name string) error {
	o, err := g.repeatable(name)
	if err != nil {
		return err
	}
	return classify(o.Delete(ctx))
}

func (gcs) removeTemporaries(context.Context, string, time.Time) (int, error) { return 0, nil }
