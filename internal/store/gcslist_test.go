package store

import (
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"strings"
	"testing"

	"github.com/fsouza/fake-gcs-server/fakestorage"
)

func TestCloudListPages(t *testing.T) {
	const n = 2001
	var objects []fakestorage.Object
	for i := range n {
		objects = append(objects, object(fmt.Sprintf("set/train/%05d.png", i), "x"))
	}
	c := newCloud(t, objects...)
	for _, other := range []string{"set/", "set/.DS_Store", "set/train/._00000.png", "settings/a.png", "other"} {
		c.put(other, "y")
	}
	for _, root := range []string{"gs://data/set", "gs://data/set/"} {
		c.lists = 0
		i := 0
		err := List(t.Context(), root, func(info Info, err error) error {
			if err != nil {
				return err
			}
			rel := fmt.Sprintf("train/%05d.png", i)
			if info.Rel != rel || info.Path != "gs://data/set/"+rel || info.Size != 1 || info.ModTime.IsZero() || info.Generation == 0 {
				t.Fatalf("entry %d is %+v", i, info)
			}
			i++
			return nil
		})
		if err != nil || i != n {
			t.Fatalf("listed %d of %d objects: %v", i, n, err)
		}
		if c.lists != 3 {
			t.Errorf("%d requests for three pages", c.lists)
		}
	}
}

func TestCloudListErrors(t *testing.T) {
	c := newCloud(t)
	none := func(Info, error) error { return nil }
	for _, root := range []string{"gs://absent", "gs://absent/x", "gs://data/nothing"} {
		if err := List(t.Context(), root, none); !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), root) {
			t.Errorf("List(%s) = %v", root, err)
		}
	}
	if err := List(t.Context(), "gs://data", none); err != nil {
		t.Errorf("an empty bucket: %v", err)
	}
	for _, root := range []string{"gs://", "gs:///x"} {
		if err := List(t.Context(), root, none); err == nil {
			t.Errorf("List(%s) succeeded", root)
		}
	}
	c.put("a/../b", "")
	c.put("a/x//y", "")
	c.put(`a/c\d`, "")
	c.put("a/z", "")
	var bad, good []string
	if err := List(t.Context(), "gs://data/a", func(info Info, err error) error {
		if err != nil {
			bad = append(bad, info.Rel)
		} else {
			good = append(good, info.Rel)
		}
		return nil
	}); err != nil || len(bad) != 3 || len(good) != 1 {
		t.Errorf("good %q, bad %q, %v", good, bad, err)
	}
	c.setFault(func(w http.ResponseWriter, r *http.Request) bool {
		http.Error(w, `{"error":{"code":403,"message":"no access for you"}}`, http.StatusForbidden)
		return true
	})
	err := List(t.Context(), "gs://data/a", none)
	if !errors.Is(err, fs.ErrPermission) || !strings.Contains(err.Error(), "no access for you") {
		t.Errorf("forbidden: %v", err)
	}
	if _, err := Exists(t.Context(), "gs://data/a"); !errors.Is(err, fs.ErrPermission) {
		t.Errorf("forbidden Exists: %v", err)
	}
}
