package store

import (
	"strings"
	"sync"
	"testing"

	"semidavil/internal/fixture/cloud"
)

// Names that a URL parser would cut or decode must mean what they say.
func TestCloudNames(t *testing.T) {
	cloud.Start(t)
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

func TestCloudOneClient(t *testing.T) {
	cloud.Start(t)
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
