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

// rule says that the packages Imported are imported only below the folders Only, and never
// below Not, save below Except.
type rule struct {
	imported []string
	only     []string
	not      []string
	except   []string
	why      string
}

// effects reach out of the process.
var effects = []string{"os", "os/exec", "net", "net/http", "semidavil/internal/store"}

// graphs are the folders of the networks and their mathematics.
var graphs = []string{"model/layer", "model/clip", "model/dlg", "model/decode", "model/loss", "model/segmenter", "model/unet3d", "model/vnet", "model/diffvnet", "model/optim", "model/teacher", "model/params"}

var rules = []rule{
	{imported: []string{"github.com/apache/beam"}, only: []string{"stages", "runners", "pipelines"}, why: "Beam is the engine, not the method"},
	{imported: []string{"github.com/gomlx"}, only: []string{"model"}, why: "only model knows the tensor framework"},
	{imported: effects, not: []string{"transforms"}, why: "transforms are pure: bytes in, bytes out"},
	{imported: effects, not: graphs, except: []string{"model/layer/golden"}, why: "a graph is a function of its inputs"},
	{imported: []string{"semidavil/stages"}, only: []string{"pipelines", "stages"}, why: "stages are composed by pipelines"},
	{imported: []string{"semidavil/runners"}, only: []string{"pipelines", "runners", "internal/screen"}, why: "only pipelines know where they run"},
	{imported: []string{"semidavil/configs"}, only: []string{"pipelines", "internal/outputs"}, why: "leaf packages take small parameter structs"},
	{imported: []string{"cloud.google.com/go"}, only: []string{"internal/store"}, why: "one place speaks to Cloud Storage"},
	{imported: []string{"semidavil/pipelines"}, only: []string{"pipelines"}, why: "commands are not libraries"},
}

// broken reports whether the rule forbids a source of this path the import.
func (r rule) broken(path, imported string) bool {
	if !slices.ContainsFunc(r.imported, func(p string) bool { return matches(imported, p) }) || below(path, r.except) {
		return false
	}
	if r.not != nil {
		return below(path, r.not)
	}
	return !below(path, r.only)
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

// matches reports whether an import is that of the pattern: all below it too, except for the
// patterns of one word, since net/netip is no net.
func matches(imported, pattern string) bool {
	return imported == pattern || strings.Contains(pattern, "/") && strings.HasPrefix(imported, pattern+"/")
}

func (s source) imports(t *testing.T) []string {
	t.Helper()
	var out []string
	for _, spec := range s.file.Imports {
		imported, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, imported)
	}
	return out
}

func TestImports(t *testing.T) {
	for _, s := range sources(t) {
		for _, imported := range s.imports(t) {
			for _, r := range rules {
				if r.broken(s.path, imported) {
					t.Errorf("%s imports %s: %s", s.path, imported, r.why)
				}
			}
		}
	}
}

// TestRules wants each rule to speak of imports and folders that are there, to forbid what it
// says, and nothing more.
func TestRules(t *testing.T) {
	all := sources(t)
	holds := func(folder string, imports []string) bool {
		return slices.ContainsFunc(all, func(s source) bool {
			return below(s.path, []string{folder}) && (imports == nil || slices.ContainsFunc(s.imports(t), func(imported string) bool {
				return slices.ContainsFunc(imports, func(p string) bool { return matches(imported, p) })
			}))
		})
	}
	for _, r := range rules {
		for _, p := range r.imported {
			if !slices.ContainsFunc(all, func(s source) bool {
				return slices.ContainsFunc(s.imports(t), func(imported string) bool { return matches(imported, p) })
			}) {
				t.Errorf("%s: nothing imports %s", r.why, p)
			}
			for _, folder := range r.not {
				if !r.broken(folder+"/deeper/x.go", p) || r.broken("elsewhere/x.go", p) {
					t.Errorf("%s: not forbidden: %s in %s", r.why, p, folder)
				}
			}
			for _, folder := range append(r.only, r.except...) {
				if r.broken(folder+"/x.go", p) {
					t.Errorf("%s: forbidden: %s in %s", r.why, p, folder)
				}
			}
			if r.not == nil && !r.broken("elsewhere/x.go", p) {
				t.Errorf("%s: not forbidden elsewhere: %s", r.why, p)
			}
		}
		for _, folder := range r.not {
			if !holds(folder, nil) {
				t.Errorf("%s: no package in %s", r.why, folder)
			}
		}
		for _, folder := range append(r.only, r.except...) {
			if !holds(folder, r.imported) {
				t.Errorf("%s: nothing in %s makes use of its leave", r.why, folder)
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
		for _, imported := range s.imports(t) {
			if !slices.ContainsFunc([]string{"github.com/apache/beam", "semidavil/stages", "semidavil/transforms", "semidavil/model/train"}, func(p string) bool { return matches(imported, p) }) && imported != "semidavil" {
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
