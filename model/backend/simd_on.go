//go:build goexperiment.simd && amd64

package backend

import "simd/archsimd"

// SIMD reports whether the Go backend was built with vector instructions, which it is
// under GOEXPERIMENT=simd for x86-64.
const SIMD = true

// Instructions names the path that the Go backend's products take on this processor:
// "AVX-512", "AVX2" or "plain". Results of different paths differ in rounding.
func Instructions() string {
	switch {
	case archsimd.X86.AVX512():
		return "AVX-512"
	case archsimd.X86.AVX2():
		return "AVX2"
	}
	return "plain"
}
