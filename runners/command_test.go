package runners

import (
	"bufio"
	"bytes"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// child prepares the test binary as the command with the arguments.
func child(args ...string) (cmd *exec.Cmd, stdout, stderr *bytes.Buffer) {
	cmd = exec.Command(os.Args[0], args...)
	cmd.Env = append(os.Environ(), childEnv+"=1", "CLOUDSDK_COMPUTE_REGION=")
	stdout, stderr = &bytes.Buffer{}, &bytes.Buffer{}
	cmd.Stdout, cmd.Stderr = stdout, stderr
	return cmd, stdout, stderr
}

func TestCommand(t *testing.T) {
	tests := []struct {
		args   string
		code   int
		stdout string // a part
		stderr string // the whole, where not ""; * stands for anything
	}{
		{"--count=7", 0, "7 of 7 samples, 1 rejects\n", "work: running on prism\nwork: work: 7/7 samples (100%) in *\n"},
		{"--count=7 -q", 0, "7 of 7 samples", "<nothing>"},
		{"--count=7 --quiet --runner=direct --mode=log", 0, "7 of 7 samples", "work: warning: sample 3 is odd\n"},
		{"--count=7 -q --mode=log", 0, "7 of 7 samples", "work: warning: sample 3 is odd\n"},
		{"--count=7 -v --mode=log", 0, "7 of 7 samples", "*Prepared job with id: job-002*an unimportant note*"},
		{"--mode=error -q", 1, "", "work: failed: read sample 3: no such file\nwork: -v shows the whole error\n"},
		{"--mode=error -q --runner=direct", 1, "", "work: failed: read sample 3: no such file\nwork: -v shows the whole error\n"},
		{"--mode=error -v", 1, "", "*work: failed: read sample 3: no such file\nwork: the whole error:\n*caused by:*"},
		{"--mode=panic -q", 1, "", "work: failed: panic in runners.(*workFn).ProcessElement (pipelines_test.go:*): assignment to entry in nil map\nwork: -v shows the whole error\n"},
		{"--mode=panic -q --runner=direct", 1, "", "work: failed: panic in runners.(*workFn).ProcessElement (pipelines_test.go:*): assignment to entry in nil map\nwork: -v shows the whole error\n"},
		{"--mode=construction", 1, "", "work: failed: panic in runners.testCommand.func* (pipelines_test.go:*): inserting ParDo in scope*\nwork: -v shows the whole error\n"},
		{"--moed=x", 2, "", "work: unknown flag --moed; did you mean --mode?\n  run go run ./pipelines/work --help for the flags\n"},
		{"extra", 2, "", "work: unexpected argument \"extra\"\n*"},
		{"--runner=prsm", 2, "", "work: unknown runner \"prsm\"; valid: prism,*"},
		{"--runner=dataflow", 2, "", "work: --project:*\n  --region:*\n  --staging_location:*"},
		{"--runner=universal", 2, "", "work: --endpoint:*"},
		{"--runner=flink --help", 0, "--parallelism INT", "<nothing>"},
		{"--help", 0, "Usage: go run ./pipelines/work [flags]\n\nInput:\n", "<nothing>"},
		{"--help-runner", 0, "--flexrs_goal", "<nothing>"},
	}
	for _, test := range tests {
		t.Run(test.args, func(t *testing.T) {
			t.Parallel()
			cmd, stdout, stderr := child(strings.Fields(test.args)...)
			_ = cmd.Run()
			if code := cmd.ProcessState.ExitCode(); code != test.code {
				t.Errorf("exit status %d, want %d", code, test.code)
			}
			if !strings.Contains(stdout.String(), test.stdout) {
				t.Errorf("stdout %q, want %q in it", stdout, test.stdout)
			}
			if want := strings.Replace(test.stderr, "<nothing>", "", 1); !like(stderr.String(), want) {
				t.Errorf("stderr %q, want %q", stderr, want)
			}
		})
	}
}

// like compares text with a pattern in which * stands for anything.
func like(text, pattern string) bool {
	parts := strings.Split(pattern, "*")
	if len(parts) == 1 {
		return text == pattern
	}
	// A * that is part of the text, as in a method's receiver, is met too.
	text, ok := strings.CutPrefix(text, parts[0])
	for _, part := range parts[1 : len(parts)-1] {
		at := strings.Index(text, part)
		ok = ok && at >= 0
		if ok {
			text = text[at+len(part):]
		}
	}
	return ok && strings.HasSuffix(text, parts[len(parts)-1])
}

// TestCommandInterrupted sends signals to commands that are at work. None waits for its
// end.
func TestCommandInterrupted(t *testing.T) {
	for _, test := range []struct {
		runner string
		signal os.Signal
	}{
		{"prism", os.Interrupt},
		{"prism", syscall.SIGTERM},
		{"direct", os.Interrupt}, // cannot be cancelled: the wait for it runs out
	} {
		t.Run(test.runner+" "+test.signal.String(), func(t *testing.T) {
			t.Parallel()
			cmd, stdout, _ := child("--runner="+test.runner, "--mode=tell", "--count=1000", "--sleep=100ms")
			temporary := t.TempDir()
			cmd.Env = append(cmd.Env, "TMPDIR="+temporary)
			cmd.Stderr = nil
			pipe, err := cmd.StderrPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			var stderr strings.Builder
			start := time.Now()
			for lines := bufio.NewScanner(pipe); lines.Scan(); {
				if lines.Text() == atWorkLine {
					start = time.Now()
					_ = cmd.Process.Signal(test.signal)
				} else {
					stderr.WriteString(lines.Text() + "\n")
				}
			}
			_ = cmd.Wait()
			if code := cmd.ProcessState.ExitCode(); code != 130 {
				t.Errorf("exit status %d, want 130", code)
			}
			if took := time.Since(start); took > 30*time.Second {
				t.Errorf("took %v", took)
			}
			if want := "work: running on " + test.runner + "\nwork: interrupted; the same command goes on where it can\n"; stderr.String() != want || stdout.Len() > 0 {
				t.Errorf("stderr %q, stdout %q; want %q", stderr.String(), stdout, want)
			}
			wantEmpty(t, temporary)
		})
	}
}

// TestCommandTemporaries: what a run and Beam leave in the folder for temporary files goes
// with it, and the folder has to be there.
func TestCommandTemporaries(t *testing.T) {
	for _, args := range []string{"-q", "--mode=error", "--mode=construction", "--environment_type=LOOPBACK"} {
		t.Run(args, func(t *testing.T) {
			t.Parallel()
			cmd, _, stderr := child(args)
			temporary := t.TempDir()
			cmd.Env = append(cmd.Env, "TMPDIR="+temporary)
			_ = cmd.Run()
			if code := cmd.ProcessState.ExitCode(); code == ExitUsage {
				t.Errorf("exit status %d: %s", code, stderr)
			}
			wantEmpty(t, temporary)
		})
	}
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, folder := range []string{file + "-missing", file} {
		cmd, stdout, stderr := child()
		cmd.Env = append(cmd.Env, "TMPDIR="+folder)
		_ = cmd.Run()
		if code := cmd.ProcessState.ExitCode(); code != ExitUsage || stdout.Len() > 0 || !like(stderr.String(), "work: the folder for temporary files, "+folder+", cannot be written to: *; name another in TMPDIR\n*for the flags\n") {
			t.Errorf("exit status %d, stdout %q, stderr %q", code, stdout, stderr)
		}
	}
}

func wantEmpty(t *testing.T, folder string) {
	t.Helper()
	if left, err := os.ReadDir(folder); err != nil || len(left) > 0 {
		t.Errorf("left in the folder for temporary files: %v %v", left, err)
	}
}

// TestLogsEndWithInterruption: what fails then is no news.
func TestLogsEndWithInterruption(t *testing.T) {
	var out bytes.Buffer
	over := make(chan struct{})
	d := NewDisplay(&out, "work", false)
	d.over = over
	log := slog.New(&quietHandler{display: d})
	log.Warn("before")
	close(over)
	log.Error("after")
	if out.String() != "work: warning: before\n" {
		t.Errorf("%q", out.String())
	}
}
