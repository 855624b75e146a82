//go:build !goexperiment.simd

package backend

// SIMD tells whether the Go backend was built with vector instructions, which it is
// under GOEXPERIMENT=simd.
const SIMD = false
