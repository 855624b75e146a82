//go:build cgo && !noxla && (linux || darwin)

package backend

import (
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

// installed names the plug-in of a kind where one lies where go-xla looks
// (PJRT_PLUGIN_LIBRARY_PATH, ~/.local/lib/go-xla and the system's folders).
func installed(kind string) []string {
	xla.EnableAutoInstall(false)
	for _, name := range xla.GetAvailablePlugins() {
		if name == kind || strings.HasPrefix(name, kind+"_v") {
			return []string{kind}
		}
	}
	return nil
}
