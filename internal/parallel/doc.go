// Package parallel does work on all cores without losing its order, its errors or the
// process: [Map] in order, [Try] instead of panics, [Cache] once per process.
package parallel
