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

func link(t *testing.T, to, from string) {
	t.Helper()
	if err := os.Symlink(to, from); err != nil {
		t.Fatal(err)
	}
}

const (
	packages = "lib/python3.12/site-packages/"
	lammps   = packages + "lammps_jax_pjrt_cpu/pjrt_c_api_cpu_plugin.so"
	cuda12   = packages + "jax_plugins/xla_cuda12/xla_cuda_plugin.so"
	cuda13   = packages + "jax_plugins/xla_cuda13/xla_cuda_plugin.so"
)

// TestInPython finds plug-ins where pip puts them, each once, in order, and in the active
// environment alone.
func TestInPython(t *testing.T) {
	const (
		fast  = packages + "fastatomstruct_xla_cpu/libpjrt_cpu.so"
		other = packages + "xla_plugins/xla_cpu_pjrt/xla_cpu_pjrt.so"
		dist  = "lib/python3/dist-packages/fastatomstruct_xla_cpu/libpjrt_cpu.so"
		local = "local/lib/python3.12/dist-packages/lammps_jax_pjrt_cpu/pjrt_c_api_cpu_plugin.so"
	)
	venv := environment(t, "bin/python3", other, fast, lammps, cuda12, cuda13, packages+"jax_plugins/xla_cuda13/other.so")
	link(t, "lib", filepath.Join(venv, "lib64")) // as python -m venv does
	fedora := environment(t, "bin/python3", "lib64/python3.12/site-packages/fastatomstruct_xla_cpu/libpjrt_cpu.so")
	debian := environment(t, "bin/python3", dist, local)
	linked, gone := t.TempDir(), environment(t, packages+"lammps_jax_pjrt_cpu/other")
	link(t, filepath.Join(debian, "bin/python3"), filepath.Join(linked, "python3"))
	link(t, filepath.Join(gone, "nowhere"), filepath.Join(gone, lammps))
	for _, c := range []struct {
		name, kind, venv, conda, path, prefix string
		want                                  []string
	}{
		{"CPU, fastest first", "cpu", venv, "", "", venv, []string{lammps, fast, other}},
		{"CUDA, newest first", "cuda", venv, "", "", venv, []string{cuda13, cuda12}},
		{"virtual environment before Conda", "cpu", venv, debian, "", venv, []string{lammps, fast, other}},
		{"Conda", "cpu", "", venv, filepath.Join(debian, "bin"), venv, []string{lammps, fast, other}},
		{"lib64 alone", "cpu", fedora, "", "", fedora, []string{"lib64/python3.12/site-packages/fastatomstruct_xla_cpu/libpjrt_cpu.so"}},
		{"python3 in PATH", "cpu", "", "", filepath.Join(debian, "bin"), debian, []string{local, dist}},
		{"a link to it", "cpu", "", "", linked, debian, []string{local, dist}},
		{"none of the kind", "cuda", "", "", linked, debian, nil},
		{"a link to nowhere", "cpu", gone, "", "", gone, nil},
		{"no Python", "cpu", "", "", t.TempDir(), "", nil},
	} {
		t.Setenv("VIRTUAL_ENV", c.venv)
		t.Setenv("CONDA_PREFIX", c.conda)
		t.Setenv("PATH", c.path)
		var want, got []string
		for _, file := range c.want {
			want = append(want, filepath.Join(c.prefix, file))
		}
		for _, p := range pythonPluginsOf(c.kind) {
			got = append(got, p.name)
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: found %v, want %v", c.name, got, want)
		}
	}
}

// TestOfKind takes the plug-in that bears the name of the kind, else the last version, in
// whatever order the map gives them.
func TestOfKind(t *testing.T) {
	paths := map[string]string{"cpu": "/a", "cpu_v0.9": "/b", "cuda_v0.8": "/c", "cuda_v0.9": "/d", "rocm": "/e"}
	for kind, want := range map[string][]plugin{
		"cpu":  {{name: "cpu", from: "/a"}},
		"cuda": {{name: "cuda_v0.9", from: "/d"}},
		"tpu":  nil,
	} {
		for range 20 {
			if got := ofKind(kind, paths); !slices.Equal(got, want) {
				t.Fatalf("%s: %v, want %v", kind, got, want)
			}
		}
	}
}

// TestFrom names packages whose plug-ins lie one folder deep and two.
func TestFrom(t *testing.T) {
	for pattern, want := range map[string]string{
		"fastatomstruct_xla_cpu/libpjrt_cpu.so":     "fastatomstruct_xla_cpu in /venv/site-packages",
		"jax_plugins/xla_cuda13/xla_cuda_plugin.so": "xla_cuda13 in /venv/site-packages",
	} {
		if got := describe("/venv/site-packages/"+pattern, pattern); got != want {
			t.Errorf("%s: %q, want %q", pattern, got, want)
		}
	}
}

// TestFault passes over what go-xla would start in a wrong way, and CUDA without a GPU.
func TestFault(t *testing.T) {
	for _, c := range []struct {
		kind, path string
		gpu        bool
		want       string
	}{
		{"cpu", "/venv/" + lammps, false, ""},
		{"cpu", "/envs/Cuda/" + lammps, true, `"cuda"`},
		{"cpu", "/opt/nvidia/" + lammps, true, `"nvidia"`},
		{"cuda", "/venv/" + cuda13, true, ""},
		{"cuda", "/venv/" + cuda13, false, "no NVIDIA GPU"},
		{"cuda", "/envs/CPU/" + cuda13, true, `"cpu"`},
	} {
		if got := fault(c.kind, c.path, c.gpu); !strings.Contains(got, c.want) || (got == "") != (c.want == "") {
			t.Errorf("%s %s, GPU %v: %q, want %q", c.kind, c.path, c.gpu, got, c.want)
		}
	}
	for device, want := range map[string]bool{"nvidia0": true, "dxg": true, "dri": false} {
		if got := hasGPU(environment(t, device)); got != want {
			t.Errorf("with %s there is a GPU: %v", device, got)
		}
	}
}
