// Package backend chooses what computes the graphs: the pure-Go backend that every
// binary carries, or XLA through a PJRT plug-in on CPU or CUDA.
package backend

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"

	"github.com/gomlx/compute"
	_ "github.com/gomlx/compute/gobackend" // registers "go"

	"semidavil/internal/limits"
)

// Names lists the valid choices.
const Names = "auto, go, xla:cpu, xla:cuda, xla:PATH of a PJRT plug-in"

// Choice is an open backend.
type Choice struct {
	// Backend is what graphs are run on. It is not embedded: GoMLX compares
	// backends, and a Choice would be another one.
	Backend compute.Backend
	// Chosen is "go" or "xla:..." as opened.
	Chosen string
	// Line says in one line what was chosen and why.
	Line string
}

// Check reports whether name is a valid choice, without opening it.
func Check(name string) error {
	switch {
	case name == "auto", name == "go", name == "xla:cpu", name == "xla:cuda":
		return nil
	case strings.HasPrefix(name, "xla:") && filepath.IsAbs(strings.TrimPrefix(name, "xla:")):
		return nil
	case strings.HasPrefix(name, "xla:"):
		return fmt.Errorf("backend: choose %q: the path of a plug-in must be absolute; valid: %s", name, Names)
	}
	return fmt.Errorf("backend: choose %q: unknown; valid: %s", name, Names)
}

// Open opens the backend of that name. A kind of plug-in, xla:cpu or xla:cuda, is looked for
// where go-xla's installer puts it and in the active Python environment. "auto" takes a
// CUDA plug-in, then a CPU plug-in, where one exists and works, and otherwise the Go
// backend. Nothing is ever downloaded.
func Open(name string) (Choice, error) { return open(name, find, openXLA) }

// open is Open with functions that find the plug-ins of a kind, in the order in which they
// are tried, and that start one.
func open(name string, find func(kind string) ([]plugin, error), start func(plugin string) (compute.Backend, error)) (Choice, error) {
	if err := Check(name); err != nil {
		return Choice{}, err
	}
	kinds := []string{"cuda", "cpu"}
	switch plugin, xla := strings.CutPrefix(name, "xla:"); {
	case name == "go":
		return openGo("")
	case xla && filepath.IsAbs(plugin):
		b, err := start(plugin)
		if err != nil {
			return Choice{}, fmt.Errorf("backend: open %s: %w", name, err)
		}
		return Choice{b, name, "backend " + name + compiles}, nil
	case xla:
		kinds = []string{plugin}
	}
	var why []string
	for _, kind := range kinds {
		found, err := find(kind)
		if err != nil && !slices.Contains(why, err.Error()) {
			why = append(why, err.Error())
		}
		for _, p := range found {
			if p.fault == "" {
				b, err := start(p.name)
				if err == nil {
					line := fmt.Sprintf("backend xla:%s (%s)%s", kind, p.from, compiles)
					return Choice{b, "xla:" + p.name, strings.Join(append([]string{line}, why...), "; ")}, nil
				}
				p.fault = cause(err)
			}
			why = append(why, "the PJRT plug-in "+p.from+" is passed over: "+p.fault)
		}
	}
	if len(why) == 0 {
		why = []string{"no PJRT plug-in was found (pip install " + toInstall[kinds[len(kinds)-1]] + ")"}
	}
	if name != "auto" {
		return Choice{}, fmt.Errorf("backend: open %s: %s", name, strings.Join(why, "; "))
	}
	return openGo(strings.Join(why, "; "))
}

// compiles is printed for XLA, which keeps nothing from one run to the next.
const compiles = "; it compiles the first step, which takes seconds for a small network and a minute or more for a large one"

func openGo(why string) (Choice, error) {
	b, err := NewGo()
	if err != nil {
		return Choice{}, fmt.Errorf("backend: open go: %w", err)
	}
	line := "backend go (" + Instructions() + ")"
	if why != "" {
		line += ", since " + why
	}
	if !SIMD {
		line += "; built without GOEXPERIMENT=simd, which makes it 2 to 5 times slower"
	}
	return Choice{b, "go", line}, nil
}

// NewGo makes a Go backend without a limit to its goroutines. With the limit, under which
// operations that run at once hold the places that their parts wait for, a step of the tiny
// preset takes 1.3 times as long and a block of ViT-B/16 1.7 times (compute v0.1.14).
//
// It is an error where the system lets the process map too little memory.
func NewGo() (compute.Backend, error) {
	if space, ok := limits.AddressSpace(); ok && SIMD && space < leastSpace {
		return nil, fmt.Errorf("only %.1f GiB of memory may be mapped (ulimit -v): it needs at least %d GiB, most of them unused", float64(space)/(1<<30), leastSpace>>30)
	}
	reserve()
	// The library reports the setting on standard output, which belongs to results.
	return openQuietly(&os.Stdout, func() (compute.Backend, error) { return compute.NewWithConfig("go:parallelism=-1") })
}

const (
	// headroom is the memory that reserve maps. It costs 4 MiB of page tables.
	headroom = 4 << 30
	// leastSpace is room for it, the 1.6 GB of addresses that the smallest runs have
	// beside it, and little else. Go's runtime aborts where it cannot map more.
	leastSpace = 6 << 30
)

// reserve lets the heap grow once, untouched, before the backend needs it. Under
// GOEXPERIMENT=simd, Go 1.27.0 to 1.27.4 compile the loads of partial vectors into loads
// of whole ones, which read up to 60 bytes past the end of a slice; where that was the end
// of the heap, one in fifteen runs of a training test ended with a fault. The end of a
// heap that stays below the headroom is never in use.
var reserve = sync.OnceFunc(func() {
	if SIMD {
		// A builder's memory is not cleared; that of make may be, and 4 GiB would be in use.
		var b strings.Builder
		b.Grow(headroom)
		runtime.GC()
	}
})

// quiet is held while os.Stdout or os.Stderr is replaced.
var quiet sync.Mutex

// openQuietly opens a backend whose library writes useless lines to stdout or stderr.
func openQuietly(file **os.File, open func() (compute.Backend, error)) (compute.Backend, error) {
	quiet.Lock()
	defer quiet.Unlock()
	if null, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0); err == nil {
		defer null.Close()
		defer func(old *os.File) { *file = old }(*file)
		*file = null
	}
	return open()
}

// cause is the first line of the innermost error, without the advice after a dash: go-xla
// repeats the path at every level and in it.
func cause(err error) string {
	for inner := err; inner != nil; inner = errors.Unwrap(inner) {
		err = inner
	}
	line, _, _ := strings.Cut(err.Error(), "\n")
	line, _, _ = strings.Cut(line, " -- ")
	return line
}
