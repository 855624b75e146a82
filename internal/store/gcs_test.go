package store

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/fsouza/fake-gcs-server/fakestorage"
)

// cloud is a stand-in for Cloud Storage with the bucket "data". It counts the
// listing requests and lets a test answer requests itself.
type cloud struct {
	*fakestorage.Server
	mu    sync.Mutex
	lists int
	fault func(w http.ResponseWriter, r *http.Request) bool
}

func newCloud(t *testing.T, initial ...fakestorage.Object) *cloud {
	t.Helper()
	c := &cloud{}
	var handler http.Handler
	ts := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c.mu.Lock()
		fault := c.fault
		if r.Method == http.MethodGet && strings.HasSuffix(r.URL.Path, "/o") {
			c.lists++
		}
		c.mu.Unlock()
		if fault != nil && fault(w, r) {
			return
		}
		handler.ServeHTTP(w, r)
	}))
	host := ts.Listener.Addr().String()
	server, err := fakestorage.NewServerWithOptions(fakestorage.Options{
		NoListener: true, Scheme: "http", PublicHost: host, ExternalURL: "http://" + host, Writer: io.Discard,
		InitialObjects: initial,
	})
	if err != nil {
		t.Fatal(err)
	}
	c.Server, handler = server, server.HTTPHandler()
	ts.Start()
	t.Cleanup(func() { ts.Close(); server.Stop() })
	t.Setenv("STORAGE_EMULATOR_HOST", host)
	server.CreateBucketWithOpts(fakestorage.CreateBucketOpts{Name: "data"})
	return c
}

func (c *cloud) setFault(f func(w http.ResponseWriter, r *http.Request) bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.fault = f
}

func object(name, content string) fakestorage.Object {
	return fakestorage.Object{
		ObjectAttrs: fakestorage.ObjectAttrs{BucketName: "data", Name: name}, Content: []byte(content),
	}
}

func (c *cloud) put(name, content string) { c.CreateObject(object(name, content)) }

// Names that a URL parser would cut or decode must mean what they say.
func TestCloudNames(t *testing.T) {
	newCloud(t)
	for _, rel := range []string{"a#b.png", "a%20b.png", "a b.png", "a?b=c.png", "süß/雨.png", "a+b&c.png", "50%.png", "x:y@z"} {
		name, err := Join("gs://data/n", rel)
		if err != nil {
			t.Fatal(err)
		}
		if err := WriteFile(t.Context(), name, []byte(rel)); err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if data, err := ReadFile(t.Context(), name, 0); err != nil || string(data) != rel {
			t.Errorf("%s: read %q, %v", name, data, err)
		}
		if data, err := ReadRange(t.Context(), name, 1, 2); err != nil || string(data) != rel[1:3] {
			t.Errorf("%s: range %q, %v", name, data, err)
		}
		found := false
		if err := List(t.Context(), "gs://data/n", func(info Info, err error) error {
			found = found || info.Rel == rel
			return err
		}); err != nil || !found {
			t.Errorf("%s is not listed: %v", name, err)
		}
		if info, err := Stat(t.Context(), name); err != nil || info.Size != int64(len(rel)) || info.IsDir {
			t.Errorf("%s: %+v, %v", name, info, err)
		}
		if err := Remove(t.Context(), name); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if ok, err := Exists(t.Context(), name); ok || err != nil {
			t.Errorf("%s exists after its removal: %v", name, err)
		}
	}
}

// A transient failure of the service must not fail a write, a read, a listing
// or a removal.
func TestCloudRetries(t *testing.T) {
	c := newCloud(t)
	failed := map[string]bool{}
	c.setFault(func(w http.ResponseWriter, r *http.Request) bool {
		c.mu.Lock()
		defer c.mu.Unlock()
		key := r.Method + r.URL.Path
		if failed[key] {
			return false
		}
		failed[key] = true
		http.Error(w, "later", http.StatusServiceUnavailable)
		return true
	})
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	const name = "gs://data/r/a.png"
	if err := WriteFile(ctx, name, []byte("abc")); err != nil {
		t.Fatal(err)
	}
	if data, err := ReadFile(ctx, name, 0); err != nil || string(data) != "abc" {
		t.Fatal(string(data), err)
	}
	if err := List(ctx, "gs://data/r", func(_ Info, err error) error { return err }); err != nil {
		t.Fatal(err)
	}
	if err := Remove(ctx, name); err != nil {
		t.Fatal(err)
	}
	if len(failed) < 4 {
		t.Errorf("only %v failed once", failed)
	}
}

func TestCloudOneClient(t *testing.T) {
	newCloud(t)
	first, err := sharedClient()
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			if c, err := sharedClient(); c != first || err != nil {
				t.Errorf("another client: %v", err)
			}
		})
	}
	wg.Wait()
}

func TestCloudNoCredentials(t *testing.T) {
	t.Setenv("STORAGE_EMULATOR_HOST", "")
	t.Setenv("GOOGLE_APPLICATION_CREDENTIALS", t.TempDir()+"/absent.json")
	_, err := ReadFile(t.Context(), "gs://data/a", 0)
	if err == nil || !strings.Contains(err.Error(), "credentials") || !strings.Contains(err.Error(), "gs://data/a") {
		t.Errorf("no credentials: %v", err)
	}
}
