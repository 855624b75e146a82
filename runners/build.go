package runners

import (
	"context"
	"debug/elf"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strings"
	"time"

	"github.com/apache/beam/sdks/v2/go/pkg/beam/options/jobopts"
)

// armMachines are the families of Google's machines with Arm processors.
var armMachines = []string{"t2a-", "c4a-", "n4a-"}

// workerArch is the processor of the workers, as GOARCH names it.
func workerArch() string {
	machine := flagValue("worker_machine_type")
	if machine == "" {
		machine = flagValue("machine_type")
	}
	for _, family := range armMachines {
		if strings.HasPrefix(machine, family) {
			return "arm64"
		}
	}
	return "amd64"
}

// buildWorker compiles the running command for Linux workers into a temporary file, which
// the caller removes. Beam would do so itself, but finds the package in the call stack,
// which is lost with -trimpath, and keeps the debug information, a third of the upload.
//
// The program is static (without cgo), so that it runs in any container; XLA needs cgo and
// is therefore not in it.
func buildWorker(ctx context.Context, arch string) (string, error) {
	info, ok := debug.ReadBuildInfo()
	if !ok || info.Path == "" || info.Path == "command-line-arguments" {
		return "", fmt.Errorf("runners: build the program for the workers: this program does not know its package; start it with go run ./pipelines/NAME, or give --worker_binary")
	}
	file, err := os.CreateTemp("", "semidavil-worker-*")
	if err != nil {
		return "", fmt.Errorf("runners: build the program for the workers: %w", err)
	}
	if err := file.Close(); err != nil {
		return "", fmt.Errorf("runners: build the program for the workers: %w", err)
	}
	args := []string{"build"}
	pkg, test := strings.CutSuffix(info.Path, ".test")
	if test {
		args = []string{"test", "-c"}
	}
	cmd := exec.CommandContext(ctx, "go", append(args, "-trimpath", "-ldflags=-s -w", "-o", file.Name(), pkg)...)
	cmd.Dir = sourceFolder()
	cmd.Env = append(os.Environ(), "GOOS=linux", "GOARCH="+arch, "CGO_ENABLED=0")
	experiment := "" // vector code, as in this program, where the processor is the same
	for _, s := range info.Settings {
		if s.Key == "GOEXPERIMENT" && arch == runtime.GOARCH {
			experiment = s.Value
		}
	}
	cmd.Env = append(cmd.Env, "GOEXPERIMENT="+experiment)
	if out, err := cmd.CombinedOutput(); err != nil {
		_ = os.Remove(file.Name())
		return "", fmt.Errorf("runners: build the program for the workers (--worker_binary uses a ready one): %w\n%s", err, out)
	}
	return file.Name(), nil
}

// sourceFolder is a folder of this module's source: that which this program was built
// from, where it is still there, otherwise the working folder.
func sourceFolder() string {
	if _, file, _, ok := runtime.Caller(0); ok {
		if folder := filepath.Dir(file); filepath.IsAbs(folder) {
			if _, err := os.Stat(file); err == nil {
				return folder
			}
		}
	}
	return "."
}

// program is what is known of a worker binary.
type program struct {
	arch   string // as GOARCH names it
	static bool
	size   int64
}

func (p program) String() string {
	linked := "static"
	if !p.static {
		linked = "needs the C library of its container"
	}
	return fmt.Sprintf("linux/%s, %s, %.0f MB", p.arch, linked, float64(p.size)/1e6)
}

// inspect reads what a worker binary is. It must be an ELF program for the processor.
func inspect(path, arch string) (program, error) {
	var p program
	info, err := os.Stat(path)
	if err != nil {
		return p, Usagef("--worker_binary: %v", err)
	}
	f, err := elf.Open(path)
	if err != nil {
		return p, Usagef("--worker_binary=%s: not a program for Linux: %v", path, err)
	}
	defer f.Close()
	p.size, p.static = info.Size(), true
	switch f.Machine {
	case elf.EM_X86_64:
		p.arch = "amd64"
	case elf.EM_AARCH64:
		p.arch = "arm64"
	default:
		p.arch = strings.ToLower(strings.TrimPrefix(f.Machine.String(), "EM_"))
	}
	for _, segment := range f.Progs {
		p.static = p.static && segment.Type != elf.PT_INTERP
	}
	if p.arch != arch {
		return p, Usagef("--worker_binary=%s: a program for %s, but the workers' machines are %s", path, p.arch, arch)
	}
	return p, nil
}

// makeWorker builds the program for the workers, unless --worker_binary names one, and
// shows what it does.
func (r *run) makeWorker(ctx context.Context) (program, error) {
	r.display.Stage("building the program for the workers (--worker_binary uses a ready one)")
	start := time.Now()
	binary, err := buildWorker(ctx, workerArch())
	if err != nil {
		return program{}, err
	}
	r.set(jobopts.WorkerBinary, binary)
	r.built = binary
	made, err := inspect(binary, workerArch())
	if err != nil {
		return made, err
	}
	r.display.Stage("built it in %.0f s: %s", time.Since(start).Seconds(), made)
	return made, nil
}
