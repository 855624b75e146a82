// Package arch holds the import policy of the project as a test: which package
// may know of which. It parses the sources itself, since a test that asks the go
// tool is served stale from the test cache.
package arch

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// rule says that packages below Import are imported only below Only, and never
// below Not.
type rule struct {
	imported string
	only     []string
	not      []string
	why      string
}

var rules = []rule{
	{imported: "github.com/apache/beam/", only: []string{"stages", "runners", "pipelines"}, why: "Beam is the engine, not the method"},
	{imported: "github.com/gomlx/", only: []string{"model"}, why: "only model knows the tensor framework"},
	{imported: "os", not: []string{"transforms"}, why: "transforms are pure: bytes in, bytes out"},
	{imported: "net", not: []string{"transforms"}, why: "transforms are pure: bytes in, bytes out"},
	{imported: "net/http", not: []string{"transforms"}, why: "transforms are pure: bytes in, bytes out"},
	{imported: "semidavil/internal/store", not: []string{"transforms"}, why: "transforms are pure: bytes in, bytes out"},
	{imported: "semidavil/stages", only: []string{"pipelines", "stages"}, why: "stages are composed by pipelines"},
	{imported: "semidavil/runners", only: []string{"pipelines", "runners", "internal/screen"}, why: "only pipelines know where they run"},
	{imported: "semidavil/configs", only: []string{"pipelines", "configs", "tools", "internal/outputs"}, why: "leaf packages take small parameter structs"},
	{imported: "cloud.google.com/", only: []string{"internal/store"}, why: "one place speaks to Cloud Storage"},
	{imported: "semidavil/pipelines", only: []string{"pipelines"}, why: "commands are not libraries"},
}

// source is one non-test file.
type source struct {
	path string // relative to the module, with slashes
	file *ast.File
}

func sources(t *testing.T) []source {
	t.Helper()
	const root = "../.."
	var out []source
	err := filepath.WalkDir(root, func(path string, d os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && strings.HasPrefix(d.Name(), ".") && d.Name() != ".." && path != root {
			return filepath.SkipDir
		}
		if d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return nil
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ParseComments)
		rel, _ := filepath.Rel(root, path)
		out = append(out, source{filepath.ToSlash(rel), file})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(out) < 50 {
		t.Fatalf("only %d sources found", len(out))
	}
	return out
}

func below(path string, dirs []string) bool {
	return slices.ContainsFunc(dirs, func(d string) bool { return strings.HasPrefix(path, d+"/") })
}

func matches(imported, pattern string) bool {
	return imported == pattern || strings.HasPrefix(imported, strings.TrimSuffix(pattern, "/")+"/") && pattern != "os" && pattern != "net"
}

func TestImports(t *testing.T) {
	for _, s := range sources(t) {
		for _, spec := range s.file.Imports {
			imported, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				t.Fatal(err)
			}
			for _, r := range rules {
				if !matches(imported, r.imported) {
					continue
				}
				if r.not != nil && below(s.path, r.not) || r.not == nil && !below(s.path, r.only) {
					t.Errorf("%s imports %s: %s", s.path, imported, r.why)
				}
			}
		}
	}
}

// TestGraphsCompose: package pipelines is composition of stages, with their parameters, and
// nothing else.
func TestGraphsCompose(t *testing.T) {
	for _, s := range sources(t) {
		if filepath.Dir(s.path) != "pipelines" {
			continue
		}
		for _, spec := range s.file.Imports {
			imported, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				t.Fatal(err)
			}
			if !slices.ContainsFunc([]string{"github.com/apache/beam/", "semidavil/stages", "semidavil/transforms", "semidavil/model/train"}, func(p string) bool { return matches(imported, p) }) && imported != "semidavil" {
				t.Errorf("%s imports %s: graphs only compose stages", s.path, imported)
			}
		}
	}
}

// TestPackageNames wants names that say what a package is about, and a doc
// comment in each.
func TestPackageNames(t *testing.T) {
	documented := map[string]bool{}
	for _, s := range sources(t) {
		dir := filepath.Dir(s.path)
		documented[dir] = documented[dir] || s.file.Doc != nil
		if slices.Contains([]string{"util", "utils", "common", "helper", "helpers", "misc"}, s.file.Name.Name) {
			t.Errorf("%s: package %s says nothing", s.path, s.file.Name.Name)
		}
	}
	for dir, ok := range documented {
		if !ok {
			t.Errorf("%s: no file has a package comment", dir)
		}
	}
}

// TestTopLevel keeps the six folders of the design.
func TestTopLevel(t *testing.T) {
	entries, err := os.ReadDir("../..")
	if err != nil {
		t.Fatal(err)
	}
	allowed := []string{"pipelines", "stages", "transforms", "model", "runners", "configs", "internal", "docs", "tools", "out", "bin", "testdata"}
	for _, e := range entries {
		if e.IsDir() && !strings.HasPrefix(e.Name(), ".") && !slices.Contains(allowed, e.Name()) {
			t.Errorf("%s: a new folder at the top", e.Name())
		}
	}
}
