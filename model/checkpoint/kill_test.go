package checkpoint

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

const childVariable = "SEMIDAVIL_CHECKPOINT_CHILD"

// killedSize makes a checkpoint of 4 MB, so that most kills hit a write.
const killedSize = 1 << 20

func TestMain(m *testing.M) {
	if dir := os.Getenv(childVariable); dir != "" {
		saveForever(dir)
	}
	os.Exit(m.Run())
}

// saveForever resumes from the newest checkpoint, and says which steps it has saved.
func saveForever(dir string) {
	ctx := context.Background()
	k := &Keeper{Dir: dir, Keep: 2}
	s, _, err := Latest(ctx, dir)
	for step := s.Step + 1; err == nil; step++ {
		if err = k.Save(ctx, state(step, killedSize)); err == nil {
			_, err = fmt.Println(step)
		}
	}
	fmt.Println("error:", err)
	os.Exit(1)
}

// TestKilled kills a writer at many moments. What it had saved must still be there.
func TestKilled(t *testing.T) {
	if testing.Short() {
		t.Skip("starts and kills processes for some seconds")
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	saved, halves := 0, 0
	for round := range 16 {
		child := exec.Command(self)
		child.Env = append(os.Environ(), childVariable+"="+dir)
		out, err := child.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := child.Start(); err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(out)
		if !lines.Scan() { // it runs; now it is in the next step
			t.Fatal("the child saved nothing")
		}
		first := lines.Text()
		if round%2 == 0 {
			time.AfterFunc(time.Duration(round)*3*time.Millisecond, func() { child.Process.Kill() })
		} else { // while it writes, however slow the machine is
			for begun := []string(nil); len(begun) == 0; {
				begun, _ = filepath.Glob(dir + "/*/*.tmp")
			}
			child.Process.Kill()
		}
		for text := first; ; text = lines.Text() {
			if saved, err = strconv.Atoi(text); err != nil {
				t.Fatalf("the child says %q", text)
			}
			if !lines.Scan() {
				break
			}
		}
		child.Wait() // killed
		s, found, err := Latest(t.Context(), dir)
		if !found || err != nil {
			t.Fatalf("round %d: %v, %v", round, found, err)
		}
		if s.Step != saved && s.Step != saved+1 {
			t.Errorf("round %d: step %d is there, %d was saved", round, s.Step, saved)
		}
		equal(t, s, state(s.Step, killedSize))
		for _, name := range files(t, dir) {
			if strings.HasSuffix(name, ".tmp") {
				halves++
				os.Remove(dir + "/" + name)
			}
		}
	}
	t.Logf("%d steps saved, %d half-written files left by %d kills", saved, halves, 16)
	if halves == 0 {
		t.Error("no kill hit a write")
	}
}
