package runners

import (
	"path/filepath"
	"strings"
	"testing"
)

func TestResolve(t *testing.T) {
	local, remote, none := "some/folder", "gs://bucket/folder/", ""
	s := &Session{Runner: "prism"}
	if err := s.Resolve(Path{Flag: "data", Value: &local}, Path{Flag: "output", Value: &remote}, Path{Flag: "clip", Value: &none}); err != nil {
		t.Fatal(err)
	}
	if !filepath.IsAbs(local) || remote != "gs://bucket/folder" || none != "" {
		t.Errorf("got %q, %q, %q", local, remote, none)
	}
	named := "minicity"
	if err := s.Resolve(Path{Flag: "clip", Value: &named, BuiltIn: "minicity"}); err != nil || named != "minicity" {
		t.Errorf("a name that is no path: %q, %v", named, err)
	}
	s.Runner = "dataflow"
	if err := s.Resolve(Path{Flag: "clip", Value: &named, BuiltIn: "minicity"}); err != nil {
		t.Error(err)
	}
	if err := s.Resolve(Path{Flag: "output", Value: &remote}, Path{Flag: "clip", Value: &none}); err != nil {
		t.Error(err)
	}
	if err := s.Resolve(Path{Flag: "data", Value: &local}); err == nil || !strings.Contains(err.Error(), "--data=") {
		t.Errorf("local path for remote workers: got %v", err)
	}
}
