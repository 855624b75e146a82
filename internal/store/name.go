package store

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

const gsScheme = "gs"

// schemeOf returns "gs" for URLs of Cloud Storage and "" for local paths.
func schemeOf(name string) (string, error) {
	if name == "" {
		return "", errors.New("empty name")
	}
	if strings.IndexByte(name, 0) >= 0 {
		return "", errors.New("name holds a NUL byte")
	}
	scheme, _, found := strings.Cut(name, "://")
	// A slash before the colon makes it a local path such as "./a://b".
	if !found || strings.ContainsAny(scheme, `/\`) {
		return "", nil
	}
	if scheme != gsScheme {
		return "", fmt.Errorf("unknown scheme %q; valid: a local path, gs://bucket/object", scheme)
	}
	return gsScheme, nil
}

// IsRemote reports whether a name is a gs:// URL.
func IsRemote(name string) bool { return strings.HasPrefix(name, gsScheme+"://") }

// splitURL cuts gs://bucket/object; the object is empty for the bucket itself.
func splitURL(name string) (bucket, object string, err error) {
	bucket, object, _ = strings.Cut(strings.TrimPrefix(name, gsScheme+"://"), "/")
	if bucket == "" {
		return "", "", errors.New("names no bucket; want gs://bucket/object")
	}
	return bucket, object, nil
}

// checkRel refuses relative paths that could mean another place on some
// platform: absolute ones, ones with empty, "." or ".." elements, backslashes
// or NUL bytes.
func checkRel(rel string) error {
	switch {
	case rel == "":
		return errors.New("path is empty")
	case strings.HasPrefix(rel, "/"):
		return errors.New("path is absolute")
	case strings.ContainsRune(rel, '\\'):
		return errors.New("path holds a backslash")
	case strings.IndexByte(rel, 0) >= 0:
		return errors.New("path holds a NUL byte")
	}
	for elem := range strings.SplitSeq(rel, "/") {
		if elem == "" || elem == "." || elem == ".." {
			return fmt.Errorf("path has the element %q", elem)
		}
	}
	return nil
}

// Join returns the name of the file rel, a relative path with forward slashes,
// below root. It refuses absolute paths, elements "", "." and "..", backslashes
// and NUL bytes and, on a local disk, links that lead out of root unless
// FollowLinks is given. Neither root nor the file needs to exist.
//
// Links are examined at the time of the call: a folder that somebody else can
// change in the meantime is not made safe by Join.
func Join(root, rel string, opts ...Option) (string, error) {
	name, err := join(root, rel, opts)
	if err != nil {
		return "", fmt.Errorf("store: join %s and %q: %w", root, rel, err)
	}
	return name, nil
}

func join(root, rel string, opts []Option) (string, error) {
	scheme, err := schemeOf(root)
	if err != nil {
		return "", err
	}
	if err := checkRel(rel); err != nil {
		return "", err
	}
	if scheme == gsScheme {
		if _, _, err := splitURL(root); err != nil {
			return "", err
		}
		return strings.TrimSuffix(root, "/") + "/" + rel, nil
	}
	part := filepath.FromSlash(rel)
	if !filepath.IsLocal(part) {
		return "", errors.New("path is not local")
	}
	if !follows(opts) {
		if err := checkLinks(root, rel); err != nil {
			return "", err
		}
	}
	return filepath.Join(root, part), nil
}

func follows(opts []Option) bool {
	for _, o := range opts {
		if o == FollowLinks {
			return true
		}
	}
	return false
}

// checkLinks refuses rel where a link on its way leads out of root or nowhere.
func checkLinks(root, rel string) error {
	resolved, err := filepath.EvalSymlinks(root)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return trimPath(err)
	}
	at := resolved
	for elem := range strings.SplitSeq(rel, "/") {
		at = filepath.Join(at, elem)
		info, err := os.Lstat(at)
		if errors.Is(err, fs.ErrNotExist) {
			return nil // nothing below exists either
		}
		if err != nil {
			return trimPath(err)
		}
		if info.Mode()&fs.ModeSymlink == 0 {
			continue
		}
		if at, err = resolveInside(resolved, at); err != nil {
			return err
		}
	}
	return nil
}

// resolveInside returns where a link leads, or an error where that is outside
// the root, whose own links are resolved already.
func resolveInside(realRoot, link string) (string, error) {
	target, err := filepath.EvalSymlinks(link)
	if err != nil {
		return "", fmt.Errorf("link %s cannot be followed: %w", link, trimPath(err))
	}
	inside, err := filepath.Rel(realRoot, target)
	if err != nil || !filepath.IsLocal(inside) {
		return "", fmt.Errorf("link %s leads out of the root to %s: %w", link, target, ErrLink)
	}
	return target, nil
}

// ErrLink is wrapped by errors about links that are not followed.
var ErrLink = errors.New("links out of the root are not followed unless asked for")

// Absolute makes a local path absolute, since a worker may have another working
// folder, and takes slashes off the end of a URL. The empty name stays empty.
func Absolute(name string) (string, error) {
	if name == "" || IsRemote(name) {
		return strings.TrimRight(name, "/"), nil
	}
	return filepath.Abs(name)
}
