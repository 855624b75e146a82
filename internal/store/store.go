// Package store reads, writes and lists files on a local disk and in Google
// Cloud Storage behind one set of functions.
//
// A file is named by a local path or by a gs://bucket/object URL. URLs are cut
// at slashes and never parsed as such, so that object names with '#', '%', '?',
// spaces or other letters mean exactly what they say.
//
// Errors wrap fs.ErrNotExist and fs.ErrPermission for both kinds of storage.
// A written file becomes visible under its name at Commit, whole or not at all,
// and a second writer of the same name replaces it.
package store

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"time"

	"semidavil/internal/plaintext"
)

// DefaultLimit is the number of bytes above which ReadFile refuses a file where
// the caller names no limit: 256 MiB.
const DefaultLimit = 256 << 20

// ErrTooLarge is wrapped by the error of ReadFile for a file above the limit.
var ErrTooLarge = errors.New("file is too large")

// Option changes how links on a local disk are treated.
type Option int

// FollowLinks permits symbolic links that lead out of the root. Without it they
// are refused. The root itself may always be a link.
const FollowLinks Option = 1

// Links is FollowLinks where follow says so, else an option without an effect.
func Links(follow bool) Option {
	if follow {
		return FollowLinks
	}
	return 0
}

// Info describes one file.
type Info struct {
	// Path is the local path or URL that the other functions take.
	Path string
	// Rel is the path relative to the listed root, with forward slashes; it is
	// empty in the result of Stat.
	Rel string
	// Size is the length in bytes.
	Size int64
	// ModTime is the time of the last change.
	ModTime time.Time
	// Generation is the generation of an object in Cloud Storage, 0 on a disk.
	Generation int64
	// IsDir means a folder, which only Stat returns.
	IsDir bool
}

// backend is one kind of storage. Names are local paths or URLs; errors carry
// neither the package's name nor the operation, which the callers add.
type backend interface {
	list(ctx context.Context, root string, follow bool, fn WalkFunc) error
	stat(ctx context.Context, name string) (Info, error)
	// open returns a reader and the number of bytes it will give, or -1 where that
	// is not known.
	open(ctx context.Context, name string) (io.ReadCloser, int64, error)
	// create begins a file; size is the expected length, or -1.
	create(ctx context.Context, name string, size int64) (sink, error)
	remove(ctx context.Context, name string) error
	removeTemporaries(ctx context.Context, root string, before time.Time) (int, error)
	// lock takes the lock of that name; its error wraps ErrLocked where another has it.
	lock(ctx context.Context, name string, self holder) (lease, error)
}

// backendOf returns the storage that a local path or URL names.
func backendOf(ctx context.Context, name string) (backend, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	scheme, err := schemeOf(name)
	if err != nil {
		return nil, err
	}
	if scheme == gsScheme {
		client, err := sharedClient()
		if err != nil {
			return nil, err
		}
		return gcs{client}, nil
	}
	return local{}, nil
}

// ReadFile returns the content of a file of at most limit bytes; a limit of 0
// stands for DefaultLimit. A larger file gives an error that wraps ErrTooLarge.
func ReadFile(ctx context.Context, name string, limit int64) ([]byte, error) {
	return ReadFileInto(ctx, nil, name, limit)
}

// ReadBelow reads the file rel below root, as [Join] has it, into a buffer that is used
// again: it returns buf or a larger one, buf itself with an error. A file without a byte
// is an error, since no reader could do anything with it.
func ReadBelow(ctx context.Context, buf []byte, root, rel string, opts ...Option) ([]byte, error) {
	name, err := Join(root, rel, opts...)
	if err != nil {
		return buf, err
	}
	data, err := ReadFileInto(ctx, buf, name, 0)
	if err != nil {
		return buf, err
	}
	if len(data) == 0 {
		return buf, fmt.Errorf("%s: the file is empty", rel)
	}
	return data, nil
}

// ReadFileInto is ReadFile into a buffer that is used again: the content replaces
// what buf holds, in a larger buffer where it does not fit.
func ReadFileInto(ctx context.Context, buf []byte, name string, limit int64) ([]byte, error) {
	data, err := readFile(ctx, buf, name, limit)
	if err != nil {
		return nil, wrap("read", name, err)
	}
	return data, nil
}

func readFile(ctx context.Context, buf []byte, name string, limit int64) (data []byte, err error) {
	if limit <= 0 {
		limit = DefaultLimit
	}
	b, err := backendOf(ctx, name)
	if err != nil {
		return nil, err
	}
	r, size, err := b.open(ctx, name)
	if err != nil {
		return nil, err
	}
	defer func() { err = firstError(err, r.Close()) }()
	if size > limit {
		return nil, fmt.Errorf("%w: %d bytes, the limit is %d", ErrTooLarge, size, limit)
	}
	return readAll(r, buf, size, limit)
}

// readAll reads r to its end into buf or one of the announced size; it does not
// trust that size, because a file may grow while it is read.
func readAll(r io.Reader, buf []byte, size, limit int64) ([]byte, error) {
	data := buf[:0]
	if int64(cap(data)) < max(size, 0)+1 {
		data = make([]byte, 0, max(size, 0)+1)
	}
	for {
		n, err := r.Read(data[len(data):cap(data)])
		data = data[:len(data)+n]
		if int64(len(data)) > limit {
			return nil, fmt.Errorf("%w: the limit is %d bytes", ErrTooLarge, limit)
		}
		if err == io.EOF {
			return data, nil
		}
		if err != nil {
			return nil, err
		}
		if len(data) == cap(data) {
			data = append(data, 0)[:len(data)]
		}
	}
}

// ReadText is ReadFile for text that people write, in the one form of plaintext.Clean.
func ReadText(ctx context.Context, name string, limit int64) ([]byte, error) {
	data, err := readFile(ctx, nil, name, limit)
	if err == nil {
		data, err = plaintext.Clean(data)
	}
	if err != nil {
		return nil, wrap("read", name, err)
	}
	return data, nil
}

// Open returns a reader of a whole file, for files too large to hold in memory.
// The caller closes it.
func Open(ctx context.Context, name string) (io.ReadCloser, error) {
	b, err := backendOf(ctx, name)
	if err != nil {
		return nil, wrap("open", name, err)
	}
	r, _, err := b.open(ctx, name)
	if err != nil {
		return nil, wrap("open", name, err)
	}
	return r, nil
}

// Stat describes a file or a folder. In Cloud Storage a folder exists where any
// object lies below it.
func Stat(ctx context.Context, name string) (Info, error) {
	b, err := backendOf(ctx, name)
	if err != nil {
		return Info{}, wrap("stat", name, err)
	}
	info, err := b.stat(ctx, name)
	if err != nil {
		return Info{}, wrap("stat", name, err)
	}
	return info, nil
}

// Exists reports whether a file or folder exists. Only a definite absence is
// reported as false without an error.
func Exists(ctx context.Context, name string) (bool, error) {
	_, err := Stat(ctx, name)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}

// Remove deletes a file. A file that does not exist is not an error, so that the
// operation can be repeated.
func Remove(ctx context.Context, name string) error {
	b, err := backendOf(ctx, name)
	if err != nil {
		return wrap("remove", name, err)
	}
	if err := b.remove(ctx, name); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return wrap("remove", name, err)
	}
	return nil
}

// RemoveTemporaries deletes what killed runs left below root: temporary files
// last changed longer than age ago. It returns how many it deleted. Choose an
// age beyond the longest pause of a living writer, or hold the lock of root.
// Folders below root that another run has locked are left as they are. A root
// that does not exist holds none, and Cloud Storage keeps none: an unfinished
// upload has no object.
func RemoveTemporaries(ctx context.Context, root string, age time.Duration) (int, error) {
	b, err := backendOf(ctx, root)
	if err != nil {
		return 0, wrap("remove temporaries in", root, err)
	}
	n, err := b.removeTemporaries(ctx, root, time.Now().Add(-age))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return n, wrap("remove temporaries in", root, err)
	}
	return n, nil
}
