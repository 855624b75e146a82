package pseudolabel

import (
	"io"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/fsouza/fake-gcs-server/fakestorage"

	"semidavil/internal/fixture"
	"semidavil/internal/store"
	"semidavil/stages"
)

// TestCloudStorage reads network and images from a stand-in for Cloud Storage, writes
// there, and wants the labels of a run on the local disk.
func TestCloudStorage(t *testing.T) {
	n, root := network(t), photos(t, 5)
	local := settings(t, n, root)
	must(t, local)

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
	for name, folder := range map[string]string{"train": n.Output, "photos": root} {
		err := filepath.WalkDir(folder, func(path string, d os.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			data, err := os.ReadFile(path)
			rel, _ := filepath.Rel(folder, path)
			server.CreateObject(fakestorage.Object{ObjectAttrs: fakestorage.ObjectAttrs{BucketName: "data", Name: name + "/" + filepath.ToSlash(rel)}, Content: data})
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	cloud := local
	cloud.Checkpoint, cloud.Input, cloud.Output = "gs://data/train", "gs://data/photos", "gs://data/out"
	must(t, cloud)
	if out := must(t, cloud); !strings.Contains(out, "reused     5 of 5 images") {
		t.Error(out)
	}
	compared := 0
	for rel := range fixture.Tree(t, local.Output) {
		if !strings.HasPrefix(rel, stages.LabelsFolder+"/") && rel != stages.LabelsFile && rel != stages.ThresholdsFile {
			continue
		}
		want, err := os.ReadFile(filepath.Join(local.Output, rel))
		if err != nil {
			t.Fatal(err)
		}
		got, err := store.ReadFile(t.Context(), cloud.Output+"/"+rel, 0)
		if err != nil || string(got) != string(want) {
			t.Errorf("%s: %v", rel, err)
		}
		compared++
	}
	if compared < 5*3+2 {
		t.Errorf("%d files", compared)
	}
}
