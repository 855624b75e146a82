package loader

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"semidavil/internal/fixture/cloud"
)

// TestBucket: shards of a bucket are copied once, checked and give the same batches.
func TestBucket(t *testing.T) {
	f := pack(t, street(t, 4, 3, 4, 1), 2)
	want := sum(batch(t, open(t, testConfig(f.write(t))), 2))
	server := cloud.Start(t)
	for name, data := range f {
		server.Put("run/"+name, string(data))
	}
	cfg := testConfig("gs://data/run")
	l := open(t, cfg)
	if sum(batch(t, l, 2)) != want {
		t.Error("another batch than from a local folder")
	}
	dir := l.temporary
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 7 {
		t.Errorf("%v: %v", entries, err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(dir); !os.IsNotExist(err) {
		t.Errorf("the temporary folder stays: %v", err)
	}

	cfg.CacheDir = filepath.Join(t.TempDir(), "cache")
	open(t, cfg)
	if err := server.Backend().DeleteObject("data", "run/shards/source-00000.tar"); err != nil {
		t.Fatal(err)
	}
	if sum(batch(t, open(t, cfg), 2)) != want {
		t.Error("another batch from the cache")
	}
	// A damaged copy is not trusted, and the shard is gone.
	copies, err := filepath.Glob(filepath.Join(cfg.CacheDir, "source-00000-*.tar"))
	if err != nil || len(copies) != 1 {
		t.Fatalf("%v %v", copies, err)
	}
	data := f["shards/source-00000.tar"]
	data[len(data)/2] ^= 1
	if err := os.WriteFile(copies[0], data, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := readAll(cfg); err == nil || !strings.Contains(err.Error(), "run/shards/source-00000.tar") {
		t.Errorf("%v", err)
	}
	// A damaged shard in the bucket is refused and leaves nothing behind.
	server.Put("run/shards/source-00000.tar", string(data))
	if err := os.Remove(copies[0]); err != nil {
		t.Fatal(err)
	}
	if err := readAll(cfg); err == nil || !strings.Contains(err.Error(), "SHA-256") {
		t.Errorf("%v", err)
	}
	if left, _ := filepath.Glob(filepath.Join(cfg.CacheDir, "*source-00000*")); len(left) != 0 {
		t.Errorf("left behind: %v", left)
	}
}
