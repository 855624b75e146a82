// Package check implements the check command: what a --backend computes on, and how fast.
package check

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"time"

	"semidavil/configs"
	"semidavil/internal/limits"
	"semidavil/model/backend"
	"semidavil/runners"
)

// Program is the command; it runs no pipeline and writes no output.
type Program struct{}

// Command is the command.
func Command() Program { return Program{} }

const synopsis = "Say what a --backend computes on: the plug-in that was found or why none was, the devices, the memory, and how fast " +
	"they multiply matrices. Nothing is written. It is the first thing to run on a machine with a GPU."

// Title is the name of the command, and what it does.
func (Program) Title() (string, string) { return "check", synopsis }

// Flags names the flags of the command.
func (Program) Flags() []string { return []string{"backend", "help", "version", "quiet"} }

// Main runs the command with the arguments of the process and exits.
func (p Program) Main() { p.RunAs("go run ./pipelines/check") }

// RunAs is Main of a command that the help writes as line.
func (Program) RunAs(line string) {
	var name string
	runners.Main(runners.Command{
		Name: "check", Line: line, Synopsis: synopsis, Version: configs.Version(),
		Groups: []runners.Group{{Title: "Computation", Names: []string{"backend"}}},
		Examples: []runners.Example{
			{Text: "What --backend=auto takes here", Command: line},
			{Text: "The GPU", Command: line + " --backend=xla:cuda"},
		},
		Flags: func(fs *flag.FlagSet) {
			fs.StringVar(&name, "backend", "auto", "what computes: `NAME` "+backend.Names)
		},
		Run: func(ctx context.Context, s *runners.Session) error {
			if s.Remote() || s.Inspects() {
				return runners.Usagef("a check is of this machine: give no --runner or --dry_run")
			}
			if err := backend.Check(name); err != nil {
				return runners.Usagef("--backend: %v", err)
			}
			return run(ctx, s, name)
		},
	})
}

func run(ctx context.Context, s *runners.Session, name string) error {
	choice, err := backend.Open(name)
	if err != nil {
		return err
	}
	defer choice.Backend.Finalize()
	w := s.Stdout
	fmt.Fprintln(w, choice.Line)
	probe := choice.Probe(200 * time.Millisecond)
	fmt.Fprintf(w, "library    %s\n", probe.Description)
	for i, device := range probe.Devices {
		fmt.Fprintf(w, "device %-3d %s\n", i, device)
	}
	fmt.Fprintf(w, "host       %s/%s, %d cores for this program%s\n", runtime.GOOS, runtime.GOARCH, runtime.GOMAXPROCS(0), memory())
	for _, card := range cards(ctx) {
		fmt.Fprintf(w, "card       %s\n", card)
	}
	for _, p := range probe.Products {
		if p.Err != nil {
			fmt.Fprintf(w, "%-10s none: %s\n", strings.ToLower(p.Type.String()), firstLine(p.Err))
			continue
		}
		fmt.Fprintf(w, "%-10s %.3g GFLOP/s: a product of %d² matrices in %s\n", strings.ToLower(p.Type.String()), p.FLOPs()/1e9, p.Side, p.Time.Round(10*time.Microsecond))
	}
	if p := probe.Products[0]; p.Err != nil {
		return fmt.Errorf("check: the backend does not multiply: %w", p.Err)
	}
	return nil
}

// memory is that of the machine, where it tells.
func memory() string {
	data, err := os.ReadFile("/proc/meminfo")
	if err != nil {
		return ""
	}
	var total, free float64
	for line := range strings.Lines(string(data)) {
		var kib float64
		if n, _ := fmt.Sscanf(line, "MemTotal: %f kB", &kib); n == 1 {
			total = kib
		}
		if n, _ := fmt.Sscanf(line, "MemAvailable: %f kB", &kib); n == 1 {
			free = kib
		}
	}
	text := fmt.Sprintf(", %.1f GiB of memory, %.1f free", total/(1<<20), free/(1<<20))
	if space, ok := limits.AddressSpace(); ok {
		text += fmt.Sprintf(", at most %.1f for a process (ulimit -v)", float64(space)/(1<<30))
	}
	return text
}

// cards are the NVIDIA cards with driver and memory, as the driver's own program tells them; none
// where it is not there.
func cards(ctx context.Context) []string {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	out, err := exec.CommandContext(ctx, "nvidia-smi", "--query-gpu=name,driver_version,memory.total,memory.free", "--format=csv,noheader").Output()
	if err != nil {
		return nil
	}
	var cards []string
	for line := range strings.Lines(string(out)) {
		fields := strings.Split(strings.TrimSpace(line), ", ")
		if len(fields) == 4 {
			cards = append(cards, fmt.Sprintf("%s, driver %s, %s of memory, %s free", fields[0], fields[1], fields[2], fields[3]))
		}
	}
	return cards
}

func firstLine(err error) string {
	line, _, _ := strings.Cut(err.Error(), "\n")
	return line
}
