package runners

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"semidavil/internal/limits"
)

// TestCommandLimits runs a command with less than it needs.
func TestCommandLimits(t *testing.T) {
	for _, test := range []struct {
		limit  string
		code   int
		stderr string
	}{
		{"-n 24", ExitUsage, "work: only 24 files may be open (ulimit -n): at least 64 are needed\n  run *"},
		{"-v 1940000", ExitUsage, "work: only 1.9 GiB of memory may be mapped (ulimit -v): at least 2 GiB are needed\n  run *"},
		{"-n 64 -v 2500000", ExitOK, ""},
	} {
		t.Run(test.limit, func(t *testing.T) {
			t.Parallel()
			cmd, _, stderr := child("-q")
			cmd.Path, cmd.Args = "/bin/bash", []string{"bash", "-c", "ulimit " + test.limit + ` && exec "$0" -q`, os.Args[0]}
			if _, err := exec.LookPath(cmd.Path); err != nil {
				t.Skip(err)
			}
			_ = cmd.Run()
			if code := cmd.ProcessState.ExitCode(); code != test.code || !like(stderr.String(), test.stderr) {
				t.Errorf("exit status %d, stderr %q", code, stderr)
			}
		})
	}
}

// TestExplainTooManyFiles: the message names the limit, which the error does not.
func TestExplainTooManyFiles(t *testing.T) {
	files, ok := limits.OpenFiles()
	if !ok {
		t.Skip("there is no limit here")
	}
	err := fmt.Errorf("job failed:\ncaused by:\nstages: list a: %v", syscall.EMFILE)
	if got := Explain(err); !strings.HasPrefix(got, "stages: list a: ") || !strings.HasSuffix(got, fmt.Sprintf("too many open files (the limit is %d; ulimit -n sets another)", files)) {
		t.Error(got)
	}
	if got := Explain(errors.New("stages: list a: no such file")); strings.Contains(got, "limit") {
		t.Error(got)
	}
}
