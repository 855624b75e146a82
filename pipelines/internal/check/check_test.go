package check

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

const childVariable = "SEMIDAVIL_CHECK"

func TestMain(m *testing.M) {
	if os.Getenv(childVariable) != "" {
		Command().Main()
	}
	os.Exit(m.Run())
}

func runCheck(t *testing.T, args ...string) (string, error) {
	t.Helper()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), program, args...)
	cmd.Env = append(os.Environ(), childVariable+"=1", "PATH="+t.TempDir())
	if bin := os.Getenv("SEMIDAVIL_CHECK_BIN"); bin != "" {
		cmd.Env = append(cmd.Env, "PATH="+bin)
	}
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// TestCheck: the Go backend multiplies, and what a card's driver tells is shown.
func TestCheck(t *testing.T) {
	bin := t.TempDir()
	script := "#!/bin/sh\necho 'NVIDIA H200, 570.86.15, 143771 MiB, 143000 MiB'\n"
	if err := os.WriteFile(filepath.Join(bin, "nvidia-smi"), []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("SEMIDAVIL_CHECK_BIN", bin)
	out, err := runCheck(t, "--backend=go")
	if err != nil {
		t.Fatal(err, out)
	}
	for _, want := range []string{"backend go", "device 0", "cores for this program", "float32 ", "GFLOP/s", "bfloat16", "card       NVIDIA H200, driver 570.86.15, 143771 MiB of memory"} {
		if !strings.Contains(out, want) {
			t.Errorf("%q is not in\n%s", want, out)
		}
	}
	for _, line := range strings.Split(out, "\n") {
		if len(line) > 160 {
			t.Errorf("a long line: %s", line)
		}
	}
}

func TestCheckRefuses(t *testing.T) {
	for arg, want := range map[string]string{"--backend=gpu": `"gpu": unknown; valid: auto, go`, "--backend=xla:/no/such.so": "xla:/no/such.so"} {
		if out, err := runCheck(t, arg); err == nil || !strings.Contains(out, want) {
			t.Errorf("%s: %v\n%s", arg, err, out)
		}
	}
}
