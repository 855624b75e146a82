package paper

import (
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"unicode"
)

var (
	// cited is a document that a comment, a message or a text names, from the root of the
	// repository, with or without a heading: docs/METHOD.md#dyce.
	cited = regexp.MustCompile(`\bdocs/[\w./-]*\w\.md\b(#[\w-]*)?`)
	// linked is the target of a link or of a picture in Markdown.
	linked = regexp.MustCompile(`\]\(([^()\s]+)\)`)
	// lettered is a section of a document that never was in the repository.
	lettered = regexp.MustCompile(`\bMETHOD,?( section)? [A-L]\b`)
	// tests are those that a text names as the proof of what it says, and those that there are.
	tests    = regexp.MustCompile("`((?:Test|Fuzz)[A-Z]\\w*)`")
	declared = regexp.MustCompile(`(?m)^func ((?:Test|Fuzz)[A-Z]\w*)\(`)
	fenced   = regexp.MustCompile("(?ms)^```.*?^```")
	heading  = regexp.MustCompile(`(?m)^#{1,6} +(.+?) *$`)
)

// texts are the endings of files that cite documents.
var texts = []string{".go", ".md", ".yaml", ".sh", ".py", ".Dockerfile"}

// citations tells which citations in the files below a folder lead nowhere, and how many
// there are.
func citations(root fs.FS) (faults []string, n int, err error) {
	known, named := map[string]bool{}, map[string]string{}
	err = fs.WalkDir(root, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			// What is built, downloaded or hidden is not the repository's.
			if base := d.Name(); name != "." && (base[0] == '.' || name == "out" || name == "bin" || name == "shared") {
				return fs.SkipDir
			}
			return nil
		}
		if !slices.Contains(texts, path.Ext(name)) {
			return nil
		}
		data, err := fs.ReadFile(root, name)
		if err != nil {
			return err
		}
		text := string(data)
		check := func(citation, target string) {
			n++
			if err := resolve(root, name, target); err != nil {
				faults = append(faults, fmt.Sprintf("%s: %s: %v", name, citation, err))
			}
		}
		for _, c := range cited.FindAllString(text, -1) {
			check(c, "/"+c)
		}
		for _, c := range lettered.FindAllString(text, -1) {
			faults = append(faults, fmt.Sprintf("%s: %s: there is no such section", name, c))
		}
		for _, m := range declared.FindAllStringSubmatch(text, -1) {
			known[m[1]] = true
		}
		if path.Ext(name) == ".md" {
			for _, m := range tests.FindAllStringSubmatch(text, -1) {
				named[m[1]] = name
				n++
			}
			for _, m := range linked.FindAllStringSubmatch(fenced.ReplaceAllString(text, ""), -1) {
				if !strings.Contains(m[1], ":") { // else it is of the web
					check(m[1], m[1])
				}
			}
		}
		return nil
	})
	for _, test := range slices.Sorted(maps.Keys(named)) {
		if !known[test] {
			faults = append(faults, fmt.Sprintf("%s: %s: there is no such test", named[test], test))
		}
	}
	return faults, n, err
}

// resolve finds the target of a citation in a file: a path from the root where it begins
// with a slash, else from the file's folder, with a heading where it is of Markdown.
func resolve(root fs.FS, from, target string) error {
	name, anchor, anchored := strings.Cut(target, "#")
	switch {
	case name == "":
		name = from
	case name[0] == '/':
		name = path.Clean(name[1:])
	default:
		name = path.Join(path.Dir(from), name)
	}
	if _, err := fs.Stat(root, name); err != nil {
		return fmt.Errorf("there is no %s", name)
	}
	if !anchored {
		return nil
	}
	data, err := fs.ReadFile(root, name)
	if err != nil || path.Ext(name) != ".md" {
		return fmt.Errorf("%s has no headings", name)
	}
	if !slices.Contains(anchors(string(data)), anchor) {
		return fmt.Errorf("%s has no heading #%s", name, anchor)
	}
	return nil
}

// anchors are the headings of Markdown as GitHub links to them.
func anchors(text string) (out []string) {
	seen := map[string]int{}
	for _, m := range heading.FindAllStringSubmatch(fenced.ReplaceAllString(text, ""), -1) {
		slug := strings.Map(func(r rune) rune {
			switch {
			case r == ' ':
				return '-'
			case r == '-' || r == '_' || unicode.IsLetter(r) || unicode.IsDigit(r):
				return unicode.ToLower(r)
			}
			return -1
		}, m[1])
		seen[slug]++
		if n := seen[slug]; n > 1 {
			slug = fmt.Sprintf("%s-%d", slug, n-1)
		}
		out = append(out, slug)
	}
	return out
}

// TestCitations wants a document and a heading behind every citation of one.
func TestCitations(t *testing.T) {
	faults, n, err := citations(os.DirFS("../.."))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range faults {
		t.Error(f)
	}
	if n < 50 {
		t.Errorf("only %d citations were found", n)
	}
}

// TestBrokenCitations breaks one of each kind. D stands for docs, since this file is read by
// TestCitations too.
func TestBrokenCitations(t *testing.T) {
	doc := "# The page\n\n## A *b*, c (d)\n\n```sh\n# no heading\n```\n\n## Twice\n\n## Twice\n"
	for _, test := range []struct{ name, text, want string }{
		{"a/b.go", "// See D/PAGE.md, D/PAGE.md#a-b-c-d and D/PAGE.md#twice-1.", ""},
		{"a/b.go", "// See D/NONE.md.", "a/b.go: D/NONE.md: there is no D/NONE.md"},
		{"a/b.go", "// See D/PAGE.md#no-heading.", "a/b.go: D/PAGE.md#no-heading: D/PAGE.md has no heading #no-heading"},
		{"a/b.go", "// See METHOD" + " A.6.", "a/b.go: METHOD" + " A: there is no such section"},
		{"c.yaml", "# D/NONE.md", "c.yaml: D/NONE.md: there is no D/NONE.md"},
		{"a/c.md", "[x](../D/PAGE.md#the-page), [y](#z), [web](https://example.org/x#y)\n# Z\n", ""},
		{"a/c.md", "[x](PAGE.md)", "a/c.md: PAGE.md: there is no a/PAGE.md"},
		{"a/c.md", "[y](#z)", "a/c.md: #z: a/c.md has no heading #z"},
		{"a/c.md", "[x](d.go#L12)", "a/c.md: d.go#L12: a/d.go has no headings"},
		{"a/c.md", "`TestOfPage`, `FuzzOfPage`", "a/c.md: FuzzOfPage: there is no such test"},
		{"out/report.md", "[x](NONE.md)", ""},
	} {
		text, want := strings.ReplaceAll(test.text, "D/", "docs/"), strings.ReplaceAll(test.want, "D/", "docs/")
		root := fstest.MapFS{"docs/" + "PAGE.md": {Data: []byte(doc)}, "a/d.go": {Data: []byte("func TestOfPage(t *testing.T) {\n}\n")}, test.name: {Data: []byte(text)}}
		faults, _, err := citations(root)
		if got := strings.Join(faults, "\n"); got != want || err != nil {
			t.Errorf("%s: %s: %q, %v; want %q", test.name, text, got, err, want)
		}
	}
}
