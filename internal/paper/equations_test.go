// Package paper ties the equations of the paper to the code: doc comments that say
// "Eq. (9)" make docs/EQUATIONS.md. Its tests fail where an equation has no
// code, and where a citation of a document leads nowhere.
package paper

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// Equations are the paper's, with what each says.
var Equations = []string{
	1:  "contrastive loss of CLIP",
	2:  "dense attention map of vision and language",
	3:  "features attended by the other modality, and their product",
	4:  "consistency with the teacher's confident labels",
	5:  "supervised cross-entropy",
	6:  "teacher as the moving average of the student",
	7:  "cross-entropy",
	8:  "its gradient",
	9:  "dynamic cross-entropy (DyCE)",
	10: "its gradient",
}

// Symbol is a piece of code that says it implements an equation.
type Symbol struct {
	Equation int
	File     string // below the root
	Name     string // with the receiver's type, as in "pixels.crossEntropy"
}

var mention = regexp.MustCompile(`Eqs?\. \((\d+)\)`)

// Symbols finds them in the Go files below a folder.
func Symbols(root fs.FS) ([]Symbol, error) {
	var out []Symbol
	err := fs.WalkDir(root, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && strings.HasPrefix(d.Name(), ".") && name != "." {
			return fs.SkipDir
		}
		if d.IsDir() || !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
			return nil
		}
		src, err := fs.ReadFile(root, name)
		if err != nil {
			return err
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, src, parser.ParseComments)
		if err != nil {
			return err
		}
		for _, decl := range file.Decls {
			f, ok := decl.(*ast.FuncDecl)
			if !ok || f.Doc == nil {
				continue
			}
			for _, m := range mention.FindAllStringSubmatch(f.Doc.Text(), -1) {
				n, err := strconv.Atoi(m[1])
				if err != nil || n < 1 || n >= len(Equations) {
					return fmt.Errorf("paper: %s: %s: there is no equation %s", name, f.Name.Name, m[1])
				}
				out = append(out, Symbol{n, name, nameOf(f)})
			}
		}
		return nil
	})
	slices.SortFunc(out, func(a, b Symbol) int {
		return strings.Compare(fmt.Sprintf("%03d%s#%s", a.Equation, a.File, a.Name), fmt.Sprintf("%03d%s#%s", b.Equation, b.File, b.Name))
	})
	return slices.Compact(out), err
}

func nameOf(f *ast.FuncDecl) string {
	if f.Recv == nil {
		return f.Name.Name
	}
	return strings.TrimPrefix(types.ExprString(f.Recv.List[0].Type), "*") + "." + f.Name.Name
}

// Markdown is docs/EQUATIONS.md. It links to files and names symbols: line numbers would
// go stale.
func Markdown(symbols []Symbol) string {
	var b strings.Builder
	b.WriteString("# Equations of the paper and their code\n\nWhat they say is in [METHOD.md](METHOD.md). Made from the doc comments by `go test ./internal/paper -args -update`.\n\n| Eq. | what | code |\n|---|---|---|\n")
	for n, what := range Equations {
		if n == 0 {
			continue
		}
		var names []string
		for _, s := range symbols {
			if s.Equation == n {
				names = append(names, fmt.Sprintf("[`%s.%s`](../%s)", path.Base(path.Dir(s.File)), s.Name, s.File))
			}
		}
		fmt.Fprintf(&b, "| %d | %s | %s |\n", n, what, strings.Join(names, ", "))
	}
	return b.String()
}
