//go:build cgo && !noxla && (linux || darwin)

package backend

import (
	"errors"
	"os"
	"slices"

	"github.com/gomlx/compute"
	"github.com/gomlx/go-xla/compute/xla"
	"github.com/gomlx/go-xla/pjrt"
)

// xlaMissing says why this binary has no XLA; empty, it has.
const xlaMissing = ""

// openXLA starts a plug-in. What go-xla logs meanwhile is in its error too, or is of
// CUDA's libraries, which it expects elsewhere than JAX's packages have them.
func openXLA(plugin string) (compute.Backend, error) {
	xla.EnableAutoInstall(false)
	return openQuietly(&os.Stderr, func() (compute.Backend, error) { return xla.New(plugin) })
}

// find lists the plug-ins of a kind, the first to be tried first: the one that go-xla finds,
// then those of Python packages.
func find(kind string) ([]plugin, error) {
	own, err := installed(kind)
	return slices.Concat(own, pythonPluginsOf(kind)), err
}

// installed names the plug-in of a kind where one lies where go-xla looks
// (PJRT_PLUGIN_LIBRARY_PATH, ~/.local/lib/go-xla and the system's folders).
func installed(kind string) (found []plugin, err error) {
	// go-xla v0.4.13 panics at a file that is named like a plug-in and does not load. It logs
	// which.
	defer func() {
		if recover() != nil {
			err = errors.New("go-xla stops at a broken plug-in in the folders that it searches")
		}
	}()
	return ofKind(kind, pjrt.AvailablePlugins()), nil
}
