//go:build goexperiment.simd && amd64

package backend

// SIMD tells whether the Go backend was built with vector instructions, which it is
// under GOEXPERIMENT=simd for x86-64.
const SIMD = true
