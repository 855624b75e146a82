package paper

import (
	"flag"
	"os"
	"testing"
)

var update = flag.Bool("update", false, "write docs/EQUATIONS.md")

const page = "../../docs/EQUATIONS.md"

// TestEquations wants code for every equation and a page that says so.
func TestEquations(t *testing.T) {
	symbols, err := Symbols(os.DirFS("../.."))
	if err != nil {
		t.Fatal(err)
	}
	for n, what := range Equations {
		found := n == 0
		for _, s := range symbols {
			found = found || s.Equation == n
		}
		if !found {
			t.Errorf("Eq. (%d), %s: no doc comment says that it implements it", n, what)
		}
	}
	want := Markdown(symbols)
	if *update {
		if err := os.WriteFile(page, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != want {
		t.Errorf("%s is not what the doc comments say; run go test ./internal/paper -args -update", page)
	}
}
