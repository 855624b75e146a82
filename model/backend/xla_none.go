//go:build !cgo || noxla || !(linux || darwin)

package backend

import (
	"errors"

	"github.com/gomlx/compute"
)

// xlaMissing says why this binary has no XLA; empty, it has.
const xlaMissing = "this binary has no XLA (built without cgo or with -tags=noxla)"

func openXLA(string) (compute.Backend, error) { return nil, errors.New(xlaMissing) }

func find(string) ([]plugin, error) { return nil, errors.New(xlaMissing) }
