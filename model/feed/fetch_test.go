package feed

import (
	"io"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/fsouza/fake-gcs-server/fakestorage"
)

// bucket puts files into a stand-in for Cloud Storage, as gs://data/NAME.
func bucket(t *testing.T, name string, f files) (server *fakestorage.Server) {
	t.Helper()
	var objects []fakestorage.Object
	for file, data := range f {
		objects = append(objects, fakestorage.Object{ObjectAttrs: fakestorage.ObjectAttrs{BucketName: "data", Name: name + "/" + file}, Content: data})
	}
	ts := httptest.NewUnstartedServer(nil)
	host := ts.Listener.Addr().String()
	server, err := fakestorage.NewServerWithOptions(fakestorage.Options{
		NoListener: true, Scheme: "http", PublicHost: host, ExternalURL: "http://" + host, Writer: io.Discard, InitialObjects: objects})
	if err != nil {
		t.Fatal(err)
	}
	ts.Config.Handler = server.HTTPHandler()
	ts.Start()
	t.Cleanup(func() { ts.Close(); server.Stop() })
	t.Setenv("STORAGE_EMULATOR_HOST", host)
	return server
}

// TestBucket: shards of a bucket are copied once, checked and give the same batches.
func TestBucket(t *testing.T) {
	f := pack(t, street(t, 4, 3, 4, 1), 2)
	want := sum(batch(t, open(t, testConfig(f.write(t))), 2))
	server := bucket(t, "run", f)
	cfg := testConfig("gs://data/run")
	feed := open(t, cfg)
	if sum(batch(t, feed, 2)) != want {
		t.Error("another batch than from a local folder")
	}
	dir := feed.temporary
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 7 {
		t.Errorf("%v: %v", entries, err)
	}
	if err := feed.Close(); err != nil {
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
	if err := use(cfg); err == nil || !strings.Contains(err.Error(), "run/shards/source-00000.tar") {
		t.Errorf("%v", err)
	}
	// A damaged shard in the bucket is refused and leaves nothing behind.
	server.CreateObject(fakestorage.Object{ObjectAttrs: fakestorage.ObjectAttrs{BucketName: "data", Name: "run/shards/source-00000.tar"}, Content: data})
	if err := os.Remove(copies[0]); err != nil {
		t.Fatal(err)
	}
	if err := use(cfg); err == nil || !strings.Contains(err.Error(), "SHA-256") {
		t.Errorf("%v", err)
	}
	if left, _ := filepath.Glob(filepath.Join(cfg.CacheDir, "*source-00000*")); len(left) != 0 {
		t.Errorf("left behind: %v", left)
	}
}
