package runners

import (
	"path/filepath"
	"strings"
	"testing"
)

func TestResolve(t *testing.T) {
	local, remote, none := "some/folder", "gs://bucket/folder/", ""
	s := &Session{Runner: "prism"}
	if err := s.Resolve(Path{"data", &local}, Path{"output", &remote}, Path{"clip", &none}); err != nil {
		t.Fatal(err)
	}
	if !filepath.IsAbs(local) || remote != "gs://bucket/folder" || none != "" {
		t.Errorf("got %q, %q, %q", local, remote, none)
	}
	s.Runner = "dataflow"
	if err := s.Resolve(Path{"output", &remote}, Path{"clip", &none}); err != nil {
		t.Error(err)
	}
	if err := s.Resolve(Path{"data", &local}); err == nil || !strings.Contains(err.Error(), "--data=") {
		t.Errorf("local path for remote workers: got %v", err)
	}
}
