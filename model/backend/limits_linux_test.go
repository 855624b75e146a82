package backend

import (
	"os"
	"os/exec"
	"strings"
	"testing"
)

// TestOpenInLittleSpace: a heap that cannot grow ends the process, so it is not tried.
func TestOpenInLittleSpace(t *testing.T) {
	if !SIMD {
		t.Skip("the headroom is for vector code")
	}
	if os.Getenv("BACKEND_TEST_SPACE") != "" {
		if _, err := Open("go"); err == nil || !strings.Contains(err.Error(), "only 2.9 GiB of memory may be mapped (ulimit -v)") {
			t.Error(err)
		}
		return
	}
	cmd := exec.Command("/bin/bash", "-c", `ulimit -v 3000000 && exec "$0" -test.run='^TestOpenInLittleSpace$'`, os.Args[0])
	if _, err := exec.LookPath(cmd.Path); err != nil {
		t.Skip(err)
	}
	cmd.Env = append(os.Environ(), "BACKEND_TEST_SPACE=1")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}
