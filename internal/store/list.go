package store

import (
	"context"
	"errors"
	"io/fs"
	"strings"
)

// WalkFunc receives one file of a listing. Where err is not nil, the file or
// the folder that info names could not be listed (only Path and Rel are set);
// returning nil continues with the next one. An error returned by the function
// ends the listing and is returned by List, except fs.SkipAll, which ends it
// without an error.
type WalkFunc func(info Info, err error) error

// List calls fn for every file below the folder root, in the byte order of the
// relative paths, whatever the storage. Names that begin with a dot are left
// out with all that lies below them (.DS_Store, ._*, temporary files).
//
// A folder below root that cannot be read, a link that is not followed, a file
// that is not a regular one and a name that Join refuses are reported through
// fn. On a local disk, links to files and folders inside root are followed, and
// with FollowLinks any; a link to a folder that contains it is reported instead,
// so that every listing ends. In Cloud Storage a listing takes one request for a
// thousand objects.
//
// A root that does not exist gives an error that wraps fs.ErrNotExist; so does
// a gs:// folder below which no object lies.
func List(ctx context.Context, root string, fn WalkFunc, opts ...Option) error {
	b, err := backendOf(ctx, root)
	if err != nil {
		return wrap("list", root, err)
	}
	var stopped error
	err = b.list(ctx, root, follows(opts), func(info Info, err error) error {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err == nil {
			err = checkRel(info.Rel)
		}
		if err != nil {
			err = wrap("list", info.Path, err)
		}
		stopped = fn(info, err)
		return stopped
	})
	switch {
	case err == nil || stopped != nil && errors.Is(stopped, fs.SkipAll):
		return nil
	case stopped != nil:
		return stopped
	}
	return wrap("list", root, err)
}

// hidden reports whether any element of a relative slash path begins with a
// dot. The elements "." and ".." are not hidden: they are reported as errors.
func hidden(rel string) bool {
	for elem := range strings.SplitSeq(rel, "/") {
		if strings.HasPrefix(elem, ".") && elem != "." && elem != ".." {
			return true
		}
	}
	return false
}
