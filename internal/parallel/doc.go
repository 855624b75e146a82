// Package parallel spreads work over all cores and keeps its order and its errors: [Map]
// yields results in order, [Try] turns panics into errors, [Cache] holds what is made once
// per process.
package parallel
