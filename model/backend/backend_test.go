package backend

import (
	"strings"
	"testing"

	"github.com/gomlx/gomlx/core/graph"
)

func TestGoComputes(t *testing.T) {
	b, err := Open("go")
	if err != nil {
		t.Fatal(err)
	}
	got, err := graph.CallOnce(b.Backend, func(x *graph.Node) *graph.Node { return graph.Square(x) }, []float32{3})
	if err != nil {
		t.Fatal(err)
	}
	if v := got.Value().([]float32)[0]; v != 9 {
		t.Errorf("got %v, want 9", v)
	}
	if SIMD == strings.Contains(b.Line, "GOEXPERIMENT=simd") {
		t.Errorf("SIMD is %v and the line is %q", SIMD, b.Line)
	}
}

// TestAuto wants a backend whatever is installed, and one line about it.
func TestAuto(t *testing.T) {
	b, err := Open("auto")
	if err != nil {
		t.Fatal(err)
	}
	if b.Line == "" || strings.Contains(b.Line, "\n") {
		t.Errorf("line is %q", b.Line)
	}
}

func TestFaults(t *testing.T) {
	for name, want := range map[string]string{
		"cuda":                 "valid: auto, go",
		"xla:relative/path.so": "absolute",
		"xla:/no/such/file.so": "/no/such/file.so",
	} {
		if _, err := Open(name); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q", name, err, want)
		}
	}
}
