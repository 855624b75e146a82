package backend

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// environment makes the files below a folder that looks like one of Python's.
func environment(t *testing.T, files ...string) string {
	t.Helper()
	prefix := t.TempDir()
	for _, file := range files {
		path := filepath.Join(prefix, file)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte("no library"), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return prefix
}

const packages = "lib/python3.12/site-packages/"

// TestInPython finds plug-ins where pip puts them, in order, and in the active environment
// alone.
func TestInPython(t *testing.T) {
	cuda12, cuda13 := packages+"jax_plugins/xla_cuda12/xla_cuda_plugin.so", packages+"jax_plugins/xla_cuda13/xla_cuda_plugin.so"
	lammps, other := packages+"lammps_jax_pjrt_cpu/pjrt_c_api_cpu_plugin.so", packages+"xla_plugins/xla_cpu_pjrt/xla_cpu_pjrt.so"
	venv := environment(t, "bin/python3", other, lammps, cuda12, cuda13, packages+"jax_plugins/xla_cuda13/other.so")
	debian := environment(t, "bin/python3", "lib/python3/dist-packages/fastatomstruct_xla_cpu/libpjrt_cpu.so")
	link := t.TempDir()
	if err := os.Symlink(filepath.Join(debian, "bin/python3"), filepath.Join(link, "python3")); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, kind, venv, conda, path, prefix string
		want                                  []string
	}{
		{"CPU, fastest first", "cpu", venv, "", "", venv, []string{lammps, other}},
		{"CUDA, newest first", "cuda", venv, "", "", venv, []string{cuda13, cuda12}},
		{"Conda", "cpu", "", venv, filepath.Join(debian, "bin"), venv, []string{lammps, other}},
		{"python3 in PATH", "cpu", "", "", filepath.Join(debian, "bin"), debian, []string{"lib/python3/dist-packages/fastatomstruct_xla_cpu/libpjrt_cpu.so"}},
		{"a link to it", "cpu", "", "", link, debian, []string{"lib/python3/dist-packages/fastatomstruct_xla_cpu/libpjrt_cpu.so"}},
		{"none of the kind", "cuda", "", "", link, debian, nil},
		{"no Python", "cpu", "", "", t.TempDir(), "", nil},
	} {
		t.Setenv("VIRTUAL_ENV", c.venv)
		t.Setenv("CONDA_PREFIX", c.conda)
		t.Setenv("PATH", c.path)
		var want []string
		for _, file := range c.want {
			want = append(want, filepath.Join(c.prefix, file))
		}
		if got := inPython(c.kind); !slices.Equal(got, want) {
			t.Errorf("%s: found %v, want %v", c.name, got, want)
		}
	}
}

// TestBroken: a plug-in that does not load is told of, "auto" goes on to the next and at
// last to the Go backend, and a kind that was asked for is an error.
func TestBroken(t *testing.T) {
	if xlaMissing != "" {
		t.Skip(xlaMissing)
	}
	path := packages + "lammps_jax_pjrt_cpu/pjrt_c_api_cpu_plugin.so"
	venv := environment(t, path, packages+"jax_plugins/xla_cuda12/xla_cuda_plugin.so")
	t.Setenv("VIRTUAL_ENV", venv)
	t.Setenv("PJRT_PLUGIN_LIBRARY_PATH", t.TempDir())
	b, err := Open("auto")
	if err != nil {
		t.Fatal(err)
	}
	if b.Chosen != "go" || !strings.Contains(b.Line, "xla_cuda_plugin.so does not start") || !strings.Contains(b.Line, filepath.Join(venv, path)) {
		t.Errorf("%s: %s", b.Chosen, b.Line)
	}
	if _, err := Open("xla:cpu"); err == nil || !strings.Contains(err.Error(), filepath.Join(venv, path)) {
		t.Errorf("a broken plug-in gives %v", err)
	}
	t.Setenv("VIRTUAL_ENV", t.TempDir())
	if _, err := Open("xla:cpu"); err == nil || !strings.Contains(err.Error(), "pip install lammps-jax-pjrt-cpu") {
		t.Errorf("without a plug-in: %v", err)
	}
}
