package runners

import (
	"fmt"
	"strings"

	"semidavil/internal/limits"
)

const (
	// leastFiles is twice what the commands have open at most (24 to 32 files and
	// connections, with 2 to 64 processors). With fewer, connections wait without an end.
	leastFiles = 64
	// leastSpace leaves room for work beside the 1.45 GB of addresses that Go's runtime
	// takes. With less it aborts, at any moment and with its own report.
	leastSpace = 2 << 30
)

// checkLimits returns a *UsageError where the system lets this process have less than any
// command needs. With less than about 0.9 GB of addresses no Go program starts.
func checkLimits() error {
	var faults []string
	if files, ok := limits.OpenFiles(); ok && files < leastFiles {
		faults = append(faults, fmt.Sprintf("only %d files may be open (ulimit -n): at least %d are needed", files, leastFiles))
	}
	if space, ok := limits.AddressSpace(); ok && space < leastSpace {
		faults = append(faults, fmt.Sprintf("only %.1f GiB of memory may be mapped (ulimit -v): at least %d GiB are needed", float64(space)/(1<<30), leastSpace>>30))
	}
	if faults == nil {
		return nil
	}
	return &UsageError{Message: strings.Join(faults, "\n")}
}

// limitHint explains what the system says where there are too many open files; "" for
// other messages.
func limitHint(message string) string {
	if files, ok := limits.OpenFiles(); ok && strings.Contains(message, "too many open files") {
		return fmt.Sprintf(" (the limit is %d; ulimit -n sets another)", files)
	}
	return ""
}
