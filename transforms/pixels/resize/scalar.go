//go:build !(goexperiment.simd && amd64)

package resize

// vector is false: this build has no vector instructions.
var vector = false

func (r *Resizer) rowsVector(dst, src []uint8, w, h int, t *taps) { r.rowsScalar(dst, src, w, h, t) }

func (r *Resizer) columnsVector(dst, src []uint8, n int, t *taps) { r.columnsScalar(dst, src, n, t) }
