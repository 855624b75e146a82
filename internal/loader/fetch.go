package loader

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"semidavil/internal/store"
	"semidavil/transforms/shards"
)

// fetch returns the local path of a shard. One of a bucket is copied to the cache
// folder, under a name with its checksum, unless it is there already.
func (f *Loader) fetch(ctx context.Context, s shards.Shard) (string, error) {
	name, err := store.Join(f.cfg.Dir, "shards/"+s.Name+".tar", store.FollowLinks)
	if err != nil || !store.IsRemote(name) {
		return name, err
	}
	sum, err := hex.DecodeString(s.SHA256)
	if err != nil || len(sum) != sha256.Size {
		return "", fmt.Errorf("checksum %q in the manifest is no SHA-256", s.SHA256)
	}
	dir := f.cfg.CacheDir
	if dir == "" {
		dir = f.temporary
	}
	local := filepath.Join(dir, fmt.Sprintf("%s-%.16s.tar", s.Name, s.SHA256))
	if got, err := fileSum(local); err == nil && got == s.SHA256 {
		return local, nil
	}
	return local, copyShard(ctx, local, name, s.SHA256)
}

func fileSum(name string) (string, error) {
	file, err := os.Open(name)
	if err != nil {
		return "", err
	}
	defer file.Close()
	h := sha256.New()
	if _, err := io.Copy(h, file); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// copyShard copies a shard; nothing appears under its name unless the checksum is
// right.
func copyShard(ctx context.Context, local, name, sum string) (err error) {
	r, err := store.Open(ctx, name)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	w, err := store.Create(ctx, local)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, w.Abort()) }() // nothing after Commit
	h := sha256.New()
	if _, err := io.Copy(io.MultiWriter(w, h), r); err != nil {
		return err
	}
	if got := hex.EncodeToString(h.Sum(nil)); got != sum {
		return fmt.Errorf("copy %s: its SHA-256 is %s, the manifest says %s", name, got, sum)
	}
	return w.Commit()
}
