package store

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// maxLinkDepth is how many links to folders may be passed on the way to one
// file. Folders that link to each other have a number of paths that grows with
// this power of their number.
const maxLinkDepth = 3

// localWalk is one listing of a local folder.
type localWalk struct {
	ctx      context.Context
	realRoot string
	follow   bool
	fn       WalkFunc
	// readDir is os.ReadDir except in tests, which may run as a user who can
	// read everything.
	readDir func(string) ([]fs.DirEntry, error)
	// above holds the folders on the way from the root, to notice loops.
	above []fs.FileInfo
	links int // links to folders on the way
}

func (local) list(ctx context.Context, root string, follow bool, fn WalkFunc) error {
	return listLocal(ctx, root, follow, fn, os.ReadDir)
}

func listLocal(ctx context.Context, root string, follow bool, fn WalkFunc, readDir func(string) ([]fs.DirEntry, error)) error {
	realRoot, err := filepath.EvalSymlinks(root)
	if err != nil {
		return trimPath(err)
	}
	info, err := os.Stat(realRoot)
	if err != nil {
		return trimPath(err)
	}
	if !info.IsDir() {
		return errors.New("is not a folder")
	}
	entries, err := readDir(realRoot)
	if err != nil {
		return trimPath(err)
	}
	w := &localWalk{ctx: ctx, realRoot: realRoot, follow: follow, fn: fn, readDir: readDir}
	return w.folder(root, "", info, entries)
}

// item is one entry of a folder with its links resolved.
type item struct {
	base string
	info fs.FileInfo
	link bool
	err  error
}

// folder lists the entries of one folder, whose own path is name and whose path
// relative to the root is rel, "" or ending in a slash.
func (w *localWalk) folder(name, rel string, self fs.FileInfo, entries []fs.DirEntry) error {
	w.above = append(w.above, self)
	defer func() { w.above = w.above[:len(w.above)-1] }()

	items := make([]item, 0, len(entries))
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), ".") {
			continue
		}
		it := item{base: e.Name(), link: e.Type()&fs.ModeSymlink != 0}
		it.info, it.err = w.resolve(filepath.Join(name, it.base), e)
		items = append(items, it)
	}
	// Folders sort as if their name ended in a slash: that gives the byte order
	// of whole paths, in which "a.png" comes before "a/b.png".
	key := func(it item) string {
		if it.info != nil && it.info.IsDir() {
			return it.base + "/"
		}
		return it.base
	}
	slices.SortFunc(items, func(a, b item) int { return strings.Compare(key(a), key(b)) })
	for _, it := range items {
		if err := w.item(filepath.Join(name, it.base), rel+it.base, it); err != nil {
			return err
		}
	}
	return nil
}

// resolve returns what an entry is, following links where that is permitted.
func (w *localWalk) resolve(path string, e fs.DirEntry) (fs.FileInfo, error) {
	if e.Type()&fs.ModeSymlink == 0 {
		info, err := e.Info()
		return info, trimPath(err)
	}
	if !w.follow {
		if _, err := resolveInside(w.realRoot, path); err != nil {
			return nil, err
		}
	}
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("link cannot be followed: %w", trimPath(err))
	}
	return info, nil
}

// item reports a file or lists a folder.
func (w *localWalk) item(path, rel string, it item) error {
	report := func(err error) error { return w.fn(Info{Path: path, Rel: rel}, err) }
	if err := w.ctx.Err(); err != nil {
		return err
	}
	switch {
	case it.err != nil:
		return report(it.err)
	case it.info.Mode().IsRegular():
		return w.fn(Info{Path: path, Rel: rel, Size: it.info.Size(), ModTime: it.info.ModTime()}, nil)
	case !it.info.IsDir():
		return report(errNotRegular)
	}
	if it.link {
		for _, a := range w.above {
			if os.SameFile(a, it.info) {
				return report(errors.New("link leads to a folder that contains it"))
			}
		}
		if w.links == maxLinkDepth {
			return report(fmt.Errorf("more than %d links to folders lie on the way", maxLinkDepth))
		}
		w.links++
		defer func() { w.links-- }()
	}
	entries, err := w.readDir(path)
	if err != nil {
		return report(trimPath(err))
	}
	return w.folder(path, rel+"/", it.info, entries)
}
