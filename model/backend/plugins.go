package backend

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
)

// pythonPlugins are the PJRT plug-ins that Python packages hold, as patterns below the
// folder where packages lie, the fastest first (docs/XLA.md).
var pythonPlugins = map[string][]string{
	"cuda": {"jax_plugins/xla_cuda*/xla_cuda_plugin.so"},
	"cpu": {
		"lammps_jax_pjrt_cpu/pjrt_c_api_cpu_plugin.so",
		"fastatomstruct_xla_cpu/libpjrt_cpu.so",
		"xla_plugins/xla_cpu_pjrt/xla_cpu_pjrt.so",
	},
}

// toInstall are the packages to get a plug-in from.
var toInstall = map[string]string{"cuda": "jax[cuda13]", "cpu": "lammps-jax-pjrt-cpu"}

// inPython lists the plug-ins of a kind in the active Python environment, by their paths.
func inPython(kind string) (paths []string) {
	for _, prefix := range pythonPrefixes() {
		for _, pattern := range pythonPlugins[kind] {
			for _, packages := range []string{"lib/python3*/site-packages", "lib64/python3*/site-packages", "lib/python3*/dist-packages"} {
				found, _ := filepath.Glob(filepath.Join(prefix, packages, pattern)) // the pattern is well-formed
				slices.Reverse(found)                                               // the newest CUDA first
				paths = append(paths, found...)
			}
		}
	}
	return paths
}

// pythonPrefixes are the folders that hold the packages of Python: an active virtual or
// Conda environment, else that of the python3 that a shell would start.
func pythonPrefixes() []string {
	for _, name := range []string{"VIRTUAL_ENV", "CONDA_PREFIX"} {
		if prefix := os.Getenv(name); prefix != "" {
			return []string{prefix}
		}
	}
	python, err := exec.LookPath("python3")
	if err != nil {
		return nil
	}
	prefixes := []string{filepath.Dir(filepath.Dir(python))}
	// A link such as /usr/local/bin/python3 may lead to where the packages are.
	if real, err := filepath.EvalSymlinks(python); err == nil {
		if prefix := filepath.Dir(filepath.Dir(real)); prefix != prefixes[0] {
			prefixes = append(prefixes, prefix)
		}
	}
	return prefixes
}
