package backend

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// plugin is a PJRT plug-in that was found.
type plugin struct {
	name  string // for go-xla: a path, or the name of one in the folders that it searches
	from  string // for a person
	fault string // why it is not to be started; empty, it is
}

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

// packageFolders are where packages lie below the prefix of a Python. The last is where
// Debian's pip puts what it installs for /usr/bin/python3.
var packageFolders = []string{
	"lib/python3*/site-packages", "lib64/python3*/site-packages",
	"lib/python3*/dist-packages", "local/lib/python3*/dist-packages",
}

// ofKind picks from go-xla's plug-ins, names and paths, the one that is called as the kind,
// else the last of its versions by name.
func ofKind(kind string, paths map[string]string) []plugin {
	name := kind
	if paths[kind] == "" {
		for other := range paths {
			if strings.HasPrefix(other, kind+"_v") {
				name = max(name, other)
			}
		}
	}
	if paths[name] == "" {
		return nil
	}
	return []plugin{{name: name, from: paths[name]}}
}

// pythonPluginsOf lists the plug-ins of a kind in the active Python environment.
func pythonPluginsOf(kind string) (plugins []plugin) {
	gpu := hasGPU("/dev")
	seen := map[string]bool{} // lib64 is often a link to lib
	for _, prefix := range pythonPrefixes() {
		for _, pattern := range pythonPlugins[kind] {
			for _, folder := range packageFolders {
				found, _ := filepath.Glob(filepath.Join(prefix, folder, pattern)) // the pattern is well-formed
				slices.Reverse(found)                                             // the newest CUDA first
				for _, path := range found {
					file, err := filepath.EvalSymlinks(path)
					if err != nil || seen[file] {
						continue
					}
					seen[file] = true
					plugins = append(plugins, plugin{path, describe(path, pattern), fault(kind, path, gpu)})
				}
			}
		}
	}
	return plugins
}

// describe names the package of a plug-in that a pattern found and the folder where packages lie.
func describe(path, pattern string) string {
	name, packages := filepath.Base(filepath.Dir(path)), path
	for range strings.Count(pattern, "/") + 1 {
		packages = filepath.Dir(packages)
	}
	return name + " in " + packages
}

// fault says why a plug-in must not be started. Without a GPU the CUDA one writes to
// standard error before it fails. And go-xla decides by words in the path: it would give the
// CPU plug-in options that it refuses, and the CUDA one host memory.
func fault(kind, path string, gpu bool) string {
	path = strings.ToLower(path)
	switch has := func(word string) bool { return strings.Contains(path, word) }; {
	case kind == "cuda" && !gpu:
		return "no NVIDIA GPU is here"
	case kind == "cuda" && has("cpu"):
		return `"cpu" in its path makes go-xla take it for one for CPUs`
	case kind == "cpu" && (has("cuda") || has("nvidia")):
		return `"cuda" or "nvidia" in its path makes go-xla take it for one for CUDA`
	}
	return ""
}

// hasGPU reports whether NVIDIA's driver has made a device, under Linux or under WSL.
func hasGPU(devices string) bool {
	for _, pattern := range []string{"nvidia*", "dxg"} {
		if found, _ := filepath.Glob(filepath.Join(devices, pattern)); len(found) > 0 {
			return true
		}
	}
	return false
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
	if target, err := filepath.EvalSymlinks(python); err == nil {
		if prefix := filepath.Dir(filepath.Dir(target)); prefix != prefixes[0] {
			prefixes = append(prefixes, prefix)
		}
	}
	return prefixes
}
