package store

import (
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"strings"
	"testing"

	"semidavil/internal/fixture/cloud"
)

// TestCloudListPages lists a folder of 10,000 objects, in their order and in as few
// requests as can be.
func TestCloudListPages(t *testing.T) {
	c := cloud.StartOnDisk(t)
	others := []string{"set/.DS_Store", "set/train/._00000.png", "settings/a.png", "other"}
	for _, name := range others {
		c.Put(name, "x")
	}
	const n, pages = 10_000 - 2, 10 // two of the others are in the set
	var names []string
	for i := range n {
		names = append(names, fmt.Sprintf("set/train/%05d.png", i))
	}
	c.Copy(t, "other", names)
	before, i := c.Lists(), 0
	err := List(t.Context(), "gs://data/set", func(info Info, err error) error {
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
	if got := c.Lists() - before; got != pages {
		t.Errorf("%d requests for %d objects, want %d", got, n, pages)
	}
}

func TestCloudListErrors(t *testing.T) {
	c := cloud.Start(t)
	none := func(Info, error) error { return nil }
	for _, root := range []string{"gs://absent", "gs://absent/x", "gs://data/nothing"} {
		if err := List(t.Context(), root, none); !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), root) {
			t.Errorf("List(%s) = %v", root, err)
		}
	}
	if err := List(t.Context(), "gs://data", none); err != nil {
		t.Errorf("an empty bucket: %v", err)
	}
	c.Put("folder/", "") // as other tools make them
	c.Put("folder/a", "")
	for _, root := range []string{"gs://data/folder", "gs://data/folder/"} {
		var rels []string
		if err := List(t.Context(), root, func(info Info, err error) error { rels = append(rels, info.Rel); return err }); err != nil || len(rels) != 1 || rels[0] != "a" {
			t.Errorf("List(%s): %q, %v", root, rels, err)
		}
	}
	for _, root := range []string{"gs://", "gs:///x"} {
		if err := List(t.Context(), root, none); err == nil {
			t.Errorf("List(%s) succeeded", root)
		}
	}
	c.Put("a/../b", "")
	c.Put("a/x//y", "")
	c.Put(`a/c\d`, "")
	c.Put("a/z", "")
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
	c.SetFault(func(w http.ResponseWriter, r *http.Request) bool {
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
