//go:build !goexperiment.simd || !amd64

package backend

// SIMD reports whether the Go backend was built with vector instructions, which it is
// under GOEXPERIMENT=simd for x86-64.
const SIMD = false

// Instructions names the path that the Go backend's products take on this processor:
// "AVX-512", "AVX2" or "plain". Results of different paths differ in rounding.
func Instructions() string { return "plain" }
