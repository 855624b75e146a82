//go:build cgo && !noxla && (linux || darwin)

package backend

import (
	"slices"
	"strings"

	"github.com/gomlx/compute"
	"github.com/gomlx/go-xla/compute/xla"
)

// xlaMissing says why this binary has no XLA; empty, it has.
const xlaMissing = ""

func openXLA(plugin string) (compute.Backend, error) {
	xla.EnableAutoInstall(false)
	return xla.New(plugin)
}

// installed lists the plug-ins for CUDA and CPU that lie where go-xla looks for them
// (PJRT_PLUGIN_LIBRARY_PATH, ~/.local/lib/go-xla and the system's folders).
func installed() []string {
	xla.EnableAutoInstall(false)
	var names []string
	for _, kind := range []string{"cuda", "cpu"} {
		found := slices.Sorted(slices.Values(xla.GetAvailablePlugins()))
		for _, name := range found {
			if strings.HasPrefix(name, kind) && !slices.Contains(names, kind) {
				names = append(names, kind)
			}
		}
	}
	return names
}
