package checkpoint

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/fsouza/fake-gcs-server/fakestorage"
)

// refuse makes the stand-in for Cloud Storage refuse uploads.
var refuse atomic.Bool

// cloud starts a stand-in for Cloud Storage and returns the URL of a bucket.
func cloud(t *testing.T) string {
	t.Helper()
	var handler http.Handler
	ts := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if refuse.Load() && r.Method != http.MethodGet {
			http.Error(w, `{"error":{"code":403,"message":"the quota is used up"}}`, http.StatusForbidden)
			return
		}
		handler.ServeHTTP(w, r)
	}))
	host := ts.Listener.Addr().String()
	server, err := fakestorage.NewServerWithOptions(fakestorage.Options{
		NoListener: true, Scheme: "http", PublicHost: host, ExternalURL: "http://" + host, Writer: io.Discard,
	})
	if err != nil {
		t.Fatal(err)
	}
	handler = server.HTTPHandler()
	ts.Start()
	t.Cleanup(func() { ts.Close(); server.Stop() })
	t.Setenv("STORAGE_EMULATOR_HOST", host)
	server.CreateBucketWithOpts(fakestorage.CreateBucketOpts{Name: "data"})
	return "gs://data"
}

// TestCloudRefuses: a failed upload leaves the checkpoint before.
func TestCloudRefuses(t *testing.T) {
	dir := cloud(t) + "/run"
	k := &Keeper{Dir: dir, Keep: 1}
	if err := k.Save(t.Context(), state(1, 100)); err != nil {
		t.Fatal(err)
	}
	refuse.Store(true)
	defer refuse.Store(false)
	if err := k.Save(t.Context(), state(2, 100)); err == nil || !strings.Contains(err.Error(), "quota") || !strings.Contains(err.Error(), Path(dir, 2)) {
		t.Errorf("refused: %v", err)
	}
	s, found, err := Latest(t.Context(), dir)
	if !found || err != nil {
		t.Fatal(found, err)
	}
	equal(t, s, state(1, 100))
}
