package backend

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/gomlx/compute"
)

// TestOpen: CUDA comes before the CPU, what does not start is told of and the next one is
// tried, and the Go backend is the last resort of "auto" alone.
func TestOpen(t *testing.T) {
	found := func(names ...string) (plugins []plugin) {
		for _, name := range names {
			p := plugin{name: "/" + name, from: name + " in /packages"}
			if name == "unfit" {
				p.fault = "no NVIDIA GPU is here"
			}
			plugins = append(plugins, p)
		}
		return plugins
	}
	const failed = "the PJRT plug-in broken in /packages is passed over: no device"
	for _, c := range []struct {
		name         string
		cuda, cpu    []plugin
		err          error // of what looks
		chosen, told string
		tried        []string
	}{
		{"auto", found("a"), found("b"), nil, "xla:/a", "backend xla:cuda (a in /packages)", []string{"/a"}},
		{"auto", nil, found("b", "c"), nil, "xla:/b", "backend xla:cpu (b in /packages)", []string{"/b"}},
		{"auto", found("broken"), found("b"), nil, "xla:/b", failed, []string{"/broken", "/b"}},
		{"auto", found("unfit"), found("b"), nil, "xla:/b", "unfit in /packages is passed over: no NVIDIA GPU", []string{"/b"}},
		{"auto", nil, found("broken"), nil, "go", "since " + failed, []string{"/broken"}},
		{"auto", nil, nil, nil, "go", "pip install lammps-jax-pjrt-cpu", nil},
		{"auto", nil, found("b"), errors.New("own folders"), "xla:/b", "; own folders", []string{"/b"}},
		{"auto", nil, nil, errors.New("own folders"), "go", "since own folders", nil},
		{"xla:cpu", found("a"), found("broken", "b"), nil, "xla:/b", failed, []string{"/broken", "/b"}},
		{"xla:cpu", found("a"), found("broken"), nil, "", failed, []string{"/broken"}},
		{"xla:cpu", found("a"), nil, nil, "", "pip install lammps-jax-pjrt-cpu", nil},
		{"xla:cuda", nil, found("b"), nil, "", "pip install jax[cuda13]", nil},
		{"xla:/x.so", found("a"), found("b"), nil, "xla:/x.so", "backend xla:/x.so", []string{"/x.so"}},
		{"xla:/broken", nil, found("b"), nil, "", "no device", []string{"/broken"}},
		{"go", found("a"), found("b"), nil, "go", "backend go", nil},
	} {
		var tried []string
		got, err := open(c.name, func(kind string) ([]plugin, error) {
			return map[string][]plugin{"cuda": c.cuda, "cpu": c.cpu}[kind], c.err
		}, func(name string) (compute.Backend, error) {
			tried = append(tried, name)
			if name == "/broken" {
				return nil, fmt.Errorf("start /broken: %w", errors.New("no device"))
			}
			return NewGo()
		})
		line := got.Line
		if err != nil {
			line = err.Error()
		}
		if got.Chosen != c.chosen || (got.Backend == nil) != (c.chosen == "") || !slices.Equal(tried, c.tried) ||
			strings.Count(line, c.told) != 1 {
			t.Errorf("%s with %v and %v: chose %q, tried %v: %s", c.name, c.cuda, c.cpu, got.Chosen, tried, line)
		}
		if strings.HasPrefix(got.Chosen, "xla:") != strings.Contains(line, "compiles the first step") {
			t.Errorf("%s: %s", c.name, line)
		}
	}
}

// TestCause: of go-xla's errors the innermost is told, without its other lines and advice.
func TestCause(t *testing.T) {
	for _, text := range []string{"no device", "no device\nand more", "no device -- check it"} {
		if got := cause(fmt.Errorf("start it: %w", errors.New(text))); got != "no device" {
			t.Errorf("%q: %q", text, got)
		}
	}
}

// TestBroken: a file that is no library does not start, and its line does not name it again
// and again.
func TestBroken(t *testing.T) {
	if xlaMissing != "" {
		t.Skip(xlaMissing)
	}
	venv := environment(t, lammps)
	t.Setenv("VIRTUAL_ENV", venv)
	python := func(kind string) ([]plugin, error) { return pythonPluginsOf(kind), nil }
	b, err := open("auto", python, openXLA)
	if err != nil {
		t.Fatal(err)
	}
	if b.Chosen != "go" || !strings.Contains(b.Line, "lammps_jax_pjrt_cpu in "+filepath.Join(venv, packages)+" is passed over") ||
		strings.Contains(b.Line, "backend \"xla\"") {
		t.Errorf("%s: %s", b.Chosen, b.Line)
	}
}

// TestNoXLA: a binary without XLA says so once, whatever is installed.
func TestNoXLA(t *testing.T) {
	if xlaMissing == "" {
		t.Skip("this binary has XLA")
	}
	t.Setenv("VIRTUAL_ENV", environment(t, lammps, cuda13))
	if b, err := Open("auto"); err != nil || b.Chosen != "go" || strings.Count(b.Line, xlaMissing) != 1 {
		t.Errorf("%s, %v", b.Line, err)
	}
	for _, name := range []string{"xla:cpu", "xla:cuda", "xla:/x.so"} {
		if _, err := Open(name); err == nil || strings.Count(err.Error(), xlaMissing) != 1 {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestBrokenInstalled runs itself, since go-xla reads where to search as the program starts.
func TestBrokenInstalled(t *testing.T) {
	if xlaMissing != "" {
		t.Skip(xlaMissing)
	}
	const child = "SEMIDAVIL_BROKEN_INSTALLED"
	if os.Getenv(child) != "" {
		b, err := Open("auto")
		fmt.Println(b.Line, err)
		return
	}
	c := exec.Command(os.Args[0], "-test.run=^TestBrokenInstalled$")
	c.Env = append(os.Environ(), child+"=1", "VIRTUAL_ENV="+t.TempDir(),
		"PJRT_PLUGIN_LIBRARY_PATH="+environment(t, "pjrt_c_api_cpu_plugin.so"))
	out, err := c.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "since go-xla stops at a broken plug-in") {
		t.Errorf("%v: %s", err, out)
	}
}

// TestSilenced: what a library writes is dropped, and the file is the old one afterwards,
// also when the library panics.
func TestSilenced(t *testing.T) {
	path := filepath.Join(t.TempDir(), "out")
	file, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	std := file
	func() {
		defer func() { recover() }()
		_, _ = openQuietly(&std, func() (compute.Backend, error) {
			fmt.Fprint(std, "noise")
			panic("in the library")
		})
	}()
	if std != file {
		t.Error("the file stays another one")
	}
	fmt.Fprint(std, "result")
	if got, err := os.ReadFile(path); err != nil || string(got) != "result" {
		t.Errorf("%q, %v", got, err)
	}
}
