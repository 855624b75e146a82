package store

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"

	"cloud.google.com/go/storage"
	"google.golang.org/api/googleapi"
)

// ErrUnavailable is wrapped by errors of the storage service as a whole: it does not answer,
// or refuses all requests. The file itself may be fine at the next attempt. Errors of local
// files never wrap it.
var ErrUnavailable = errors.New("the storage is not available")

// ErrNoCredentials means that there are no usable credentials for Cloud Storage.
var ErrNoCredentials = errors.New("no credentials")

var (
	errIsDir      = errors.New("is a folder, not a file")
	errNotRegular = errors.New("is not a regular file")
)

// wrap adds the package, the operation and the name to an error.
func wrap(op, name string, err error) error {
	return fmt.Errorf("store: %s %s: %w", op, name, err)
}

// trimPath strips the operation and path that package os puts in front of its
// errors, since wrap adds them.
func trimPath(err error) error {
	var path *fs.PathError
	if errors.As(err, &path) {
		return path.Err
	}
	var link *os.LinkError
	if errors.As(err, &link) {
		return link.Err
	}
	return err
}

// unavailable makes an error wrap ErrUnavailable without changing its text.
type unavailable struct{ error }

func (u unavailable) Unwrap() error      { return u.error }
func (unavailable) Is(target error) bool { return target == ErrUnavailable }

// classify makes an error of Cloud Storage wrap the error of package fs that
// means the same, and takes credentials out of its text.
func classify(err error) error {
	err = redact(err)
	if err == nil || errors.Is(err, io.EOF) || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	if errors.Is(err, storage.ErrObjectNotExist) || errors.Is(err, storage.ErrBucketNotExist) {
		return fmt.Errorf("%w: %w", fs.ErrNotExist, err)
	}
	var api *googleapi.Error
	if errors.As(err, &api) {
		switch api.Code {
		case http.StatusNotFound:
			return fmt.Errorf("%w: %w", fs.ErrNotExist, err)
		case http.StatusUnauthorized, http.StatusForbidden:
			return unavailable{fmt.Errorf("%w: %w", fs.ErrPermission, err)}
		}
	}
	return unavailable{err}
}

func firstError(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
