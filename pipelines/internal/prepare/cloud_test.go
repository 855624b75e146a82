package prepare

import (
	"context"
	"io"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"

	"github.com/fsouza/fake-gcs-server/fakestorage"

	"semidavil/configs"
	"semidavil/internal/fixture"
	"semidavil/internal/store"
)

// TestCloudStorage reads from and writes to a stand-in for Cloud Storage and
// wants the bytes of a run on the local disk.
func TestCloudStorage(t *testing.T) {
	gta, city := t.TempDir(), t.TempDir()
	fixture.GTA5(t, gta, 4)
	fixture.Cityscapes(t, city, 3, 1, 2)
	set := func(source, target string) func(c *configs.Prepare) {
		return func(c *configs.Prepare) {
			c.Source, c.Target, c.Labelled = []string{"gta5:" + source}, []string{"cityscapes:" + target}, "1"
			c.SourceSize, c.TargetSize = "24x15", "32x16"
		}
	}
	local, _, err := prepare(t, set(gta, city))
	if err != nil {
		t.Fatal(err)
	}

	ts := httptest.NewUnstartedServer(nil)
	host := ts.Listener.Addr().String()
	server, err := fakestorage.NewServerWithOptions(fakestorage.Options{NoListener: true, Scheme: "http", PublicHost: host, ExternalURL: "http://" + host, Writer: io.Discard})
	if err != nil {
		t.Fatal(err)
	}
	defer server.Stop()
	ts.Config.Handler = server.HTTPHandler()
	ts.Start()
	defer ts.Close()
	t.Setenv("STORAGE_EMULATOR_HOST", host)
	server.CreateBucketWithOpts(fakestorage.CreateBucketOpts{Name: "data"})
	for name, root := range map[string]string{"gta": gta, "city": city} {
		err := filepath.WalkDir(root, func(path string, d os.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			data, err := os.ReadFile(path)
			rel, _ := filepath.Rel(root, path)
			server.CreateObject(fakestorage.Object{ObjectAttrs: fakestorage.ObjectAttrs{BucketName: "data", Name: name + "/" + filepath.ToSlash(rel)}, Content: data})
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	for range 2 { // the second run finds everything finished
		_, _, err = prepare(t, func(c *configs.Prepare) {
			set("gs://data/gta", "gs://data/city")(c)
			c.Output = "gs://data/out"
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	n := 0
	for _, dir := range []string{"shards", "captions"} {
		files, err := os.ReadDir(filepath.Join(local, dir))
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range files {
			want, err := os.ReadFile(filepath.Join(local, dir, f.Name()))
			if err != nil {
				t.Fatal(err)
			}
			got, err := store.ReadFile(context.Background(), "gs://data/out/"+dir+"/"+f.Name(), 0)
			if err != nil || string(got) != string(want) {
				t.Errorf("%s/%s: differs from the local run: %v", dir, f.Name(), err)
			}
			n++
		}
	}
	if n < 8 {
		t.Errorf("only %d files compared", n)
	}
}
