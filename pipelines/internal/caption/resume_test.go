package caption

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"semidavil/internal/fixture"
)

// TestKilled kills the command while it asks, and starts it again: nothing that was answered is
// asked again, within a file too, and the bytes are those of a run that nobody killed.
func TestKilled(t *testing.T) {
	if testing.Short() {
		t.Skip("starts and kills processes")
	}
	s := newService(t)
	cfg := settings(t, photos(t, 24))
	cfg.GroupSize = 12
	s.ask(&cfg)
	undisturbed := cfg
	undisturbed.Output = t.TempDir()
	must(t, undisturbed)
	want := fixture.Tree(t, undisturbed.Output, "run.json")
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	args := []string{"-q", "--input=" + cfg.Input, "--output=" + cfg.Output, "--group_size=12", "--captions=http", "--caption_url=" + s.URL, "--caption_model=eye", "--caption_concurrency=2"}
	s.answers.Store(0)
	for _, at := range []int{1, 7, 20} {
		s.most.Store(int64(at))
		child := exec.Command(self, args...)
		child.Env = append(os.Environ(), childVariable+"=1", "TMPDIR="+t.TempDir())
		if err := child.Start(); err != nil {
			t.Fatal(err)
		}
		for begin := time.Now(); len(rows(t, cfg.Output)) < at && time.Since(begin) < time.Minute; {
			time.Sleep(time.Millisecond)
		}
		child.Process.Kill()
		child.Wait()
		s.CloseClientConnections() // its last questions are not answered later
		s.busy.Wait()
		if n := len(rows(t, cfg.Output)); n != at || s.answers.Load() != int64(at) {
			t.Fatalf("%d rows of %d answers at the kill, want %d", n, s.answers.Load(), at)
		}
	}
	s.most.Store(0)
	child := exec.Command(self, args...)
	child.Env = append(os.Environ(), childVariable+"=1", "TMPDIR="+t.TempDir())
	out, err := child.Output()
	if err != nil || !strings.Contains(string(out), fmt.Sprintf("reused     %d of 24", 20)) || s.answers.Load() != 24 {
		t.Errorf("%v, %d answers\n%s", err, s.answers.Load(), out)
	}
	fixture.SameBytes(t, fixture.Tree(t, cfg.Output, "run.json"), want)
}
