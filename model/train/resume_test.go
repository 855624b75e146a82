package train

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"

	"semidavil/internal/fixture/prepared"
	"semidavil/model/backend"
	"semidavil/model/checkpoint"
)

// childVariable makes the test binary a training that is killed, and volumesChildVariable one on
// volumes, by the method that methodVariable names.
const (
	childVariable        = "SEMIDAVIL_TRAIN_CHILD"
	volumesChildVariable = "SEMIDAVIL_TRAIN_VOLUMES_CHILD"
	methodVariable       = "SEMIDAVIL_TRAIN_METHOD"
)

func TestMain(m *testing.M) {
	if dirs := os.Getenv(childVariable); dirs != "" {
		trainAndDie(dirs, func(b backend.Choice, data, output string, w Watcher) error {
			_, err := Run(context.Background(), b, testConfig(data, output), w)
			return err
		})
	}
	if dirs := os.Getenv(volumesChildVariable); dirs != "" {
		trainAndDie(dirs, func(b backend.Choice, data, output string, w Watcher) error {
			c := volumeConfig(data, output, 6)
			if kind := os.Getenv(methodVariable); kind != "" {
				c = methodConfig(data, output, kind, 6)
			}
			_, err := RunVolumes(context.Background(), b, c, w)
			return err
		})
	}
	os.Exit(m.Run())
}

// trainAndDie kills this process after step 5, behind the checkpoint of step 4.
func trainAndDie(dirs string, run func(b backend.Choice, data, output string, w Watcher) error) {
	data, output, _ := strings.Cut(dirs, string(os.PathListSeparator))
	b, err := backend.Open("go")
	if err == nil {
		err = run(b, data, output, Watcher{Step: func(p Progress) {
			if p.Step == 5 {
				self, _ := os.FindProcess(os.Getpid())
				_ = self.Kill()
				select {}
			}
		}})
	}
	os.Stderr.WriteString("still alive: " + errors.Join(err, errors.New("not killed")).Error())
	os.Exit(3)
}

// sameCheckpoint compares the files of a step byte by byte, and names what differs.
func sameCheckpoint(t *testing.T, step int, got, want string) {
	t.Helper()
	if bytes.Equal(read(t, checkpoint.Path(got, step)), read(t, checkpoint.Path(want, step))) {
		return
	}
	t.Errorf("the checkpoints of step %d differ", step)
	a, err := checkpoint.Read(context.Background(), checkpoint.Path(got, step))
	if err != nil {
		t.Fatal(err)
	}
	b, err := checkpoint.Read(context.Background(), checkpoint.Path(want, step))
	if err != nil {
		t.Fatal(err)
	}
	if len(a.Values) != len(b.Values) {
		t.Errorf("%d variables, want %d", len(a.Values), len(b.Values))
	}
	for _, name := range b.Values.Names() {
		if a.Values[name] == nil || map1(name, a.Values).Digest() != map1(name, b.Values).Digest() {
			t.Errorf("%s differs", name)
		}
	}
	for key := range b.Meta {
		if a.Meta[key] != b.Meta[key] {
			t.Errorf("meta %s: %s, want %s", key, a.Meta[key], b.Meta[key])
		}
	}
}

// TestResume: a training that was stopped, or killed, ends with the same bytes as one
// that was not: student, teacher and optimiser.
func TestResume(t *testing.T) {
	data := prepared.Write(t, prepared.Small)
	whole := t.TempDir()
	run(t, testConfig(data, whole), Watcher{})
	state, err := checkpoint.Read(context.Background(), checkpoint.Path(whole, 6))
	if err != nil {
		t.Fatal(err)
	}
	for _, prefix := range []string{"student/vision/", "student/dlg/", "student/decode/", "teacher/vision/", "teacher/dlg/", "optimizer/"} {
		found := false
		for name := range state.Values {
			found = found || strings.HasPrefix(name, prefix)
		}
		if !found {
			t.Errorf("the checkpoint has nothing below %s: %v", prefix, state.Values.Names())
		}
	}
	again := t.TempDir()
	cores := runtime.GOMAXPROCS(3) // the number of cores changes nothing either
	run(t, testConfig(data, again), Watcher{})
	runtime.GOMAXPROCS(cores)
	sameCheckpoint(t, 6, again, whole)

	t.Run("stopped", func(t *testing.T) {
		output := t.TempDir()
		ctx, w := stopAt(3)
		var notes []string
		w.Note = func(line string) { notes = append(notes, line) }
		if _, err := Run(ctx, open(t), testConfig(data, output), w); !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
		if len(notes) != 1 || !strings.Contains(notes[0], "stopped at step 3") {
			t.Errorf("notes %q", notes)
		}
		if s := run(t, testConfig(data, output), Watcher{}); s.Resumed != 3 || s.Steps != 6 {
			t.Errorf("%+v", s)
		}
		sameCheckpoint(t, 6, output, whole)
		expectEachStepOnce(t, output)
	})
	t.Run("killed", func(t *testing.T) {
		output := t.TempDir()
		kill(t, childVariable, data, output)
		if s := run(t, testConfig(data, output), Watcher{}); s.Resumed != 4 {
			t.Errorf("%+v", s)
		}
		sameCheckpoint(t, 6, output, whole)
		expectEachStepOnce(t, output)
	})
	t.Run("finished", func(t *testing.T) {
		before := read(t, checkpoint.Path(whole, 6))
		first := rows(t, whole)
		if s := run(t, testConfig(data, whole), Watcher{}); s.Resumed != 6 || s.Student.Images != 2 {
			t.Errorf("%+v", s)
		}
		if !bytes.Equal(before, read(t, checkpoint.Path(whole, 6))) {
			t.Error("the checkpoint changed")
		}
		expectEachStepOnce(t, whole)
		if len(rows(t, whole)) != len(first) {
			t.Errorf("%d rows, want %d", len(rows(t, whole)), len(first))
		}
	})
}

// kill trains in another process that is killed behind the checkpoint of step 4.
func kill(t *testing.T, variable, data, output string) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	child := exec.Command(self)
	child.Env = append(os.Environ(), variable+"="+data+string(os.PathListSeparator)+output)
	if out, err := child.CombinedOutput(); err == nil || child.ProcessState.ExitCode() != -1 {
		t.Fatalf("%v\n%s", err, out)
	}
	if _, err := os.Stat(checkpoint.Path(output, 4)); err != nil {
		t.Fatal(err)
	}
}

// TestStoppedInBest: weights whose writing was interrupted are not the best for a run that goes
// on, which scores them again.
func TestStoppedInBest(t *testing.T) {
	c := testConfig(prepared.Write(t, prepared.Small), t.TempDir())
	tr := trainerOf(t, c)
	if err := tr.evaluate(&endsAt{Context: t.Context(), folder: c.Output}, 3, false); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	if _, err := os.Stat(checkpoint.BestPath(c.Output)); err == nil {
		t.Fatal("it was not stopped there")
	}
	if tr.best.Step != 0 || tr.loop.record.scored != 0 {
		t.Errorf("best of step %d, recorded up to %d", tr.best.Step, tr.loop.record.scored)
	}
	if err := tr.evaluate(t.Context(), 3, false); err != nil {
		t.Fatal(err)
	}
	if _, err := checkpoint.Read(t.Context(), checkpoint.BestPath(c.Output)); err != nil || tr.best.Step != 3 || tr.loop.record.scored != 3 {
		t.Errorf("best of step %d, recorded up to %d, %v", tr.best.Step, tr.loop.record.scored, err)
	}
}

// endsAt is a context that ends while a file is written into a folder, under its temporary name.
type endsAt struct {
	context.Context
	folder string
	ended  atomic.Bool
}

func (c *endsAt) Err() error {
	if begun, err := filepath.Glob(filepath.Join(c.folder, ".*.tmp")); err != nil || len(begun) > 0 {
		c.ended.Store(true)
	}
	if c.ended.Load() {
		return context.Canceled
	}
	return c.Context.Err()
}

// expectEachStepOnce wants each step's losses and scores once, in order.
func expectEachStepOnce(t *testing.T, output string) {
	t.Helper()
	var losses, scores []int
	for _, r := range rows(t, output) {
		if r.Losses != nil {
			losses = append(losses, r.Step)
		}
		if r.Student != nil {
			scores = append(scores, r.Step)
			if r.Teacher == nil || r.Student.Images != 2 || len(r.Student.IoU) != prepared.Classes {
				t.Errorf("step %d: student %+v, teacher %+v", r.Step, r.Student, r.Teacher)
			}
		}
	}
	if !equal(losses, 2, 4, 6) || !equal(scores, 3, 6) {
		t.Errorf("lines of losses %v and scores %v", losses, scores)
	}
}

// TestRefusedCheckpoints: of another configuration, and damaged.
func TestRefusedCheckpoints(t *testing.T) {
	data, output := prepared.Write(t, prepared.Small), t.TempDir()
	c := testConfig(data, output)
	c.Steps = 2
	run(t, c, Watcher{})
	for name, change := range map[string]func(*Config){
		"rate":     func(c *Config) { c.Optimiser.LR = 2e-3 },
		"steps":    func(c *Config) { c.Steps = 4 },
		"seed":     func(c *Config) { c.Seed = 6 },
		"guidance": func(c *Config) { c.Segmenter.Guidance.Kind = "none" },
		"crop":     func(c *Config) { c.Loader.CropW = 16 },
		"data": func(c *Config) {
			o := prepared.Small
			o.Seed = 1
			c.Loader.Dir = prepared.Write(t, o)
		},
	} {
		other := c
		change(&other)
		_, err := Run(context.Background(), open(t), other, Watcher{})
		if err == nil || !strings.Contains(err.Error(), "another configuration") || !strings.Contains(err.Error(), output) {
			t.Errorf("%s: %v", name, err)
		}
	}
	// What does not decide the weights may differ, and the data may have moved.
	moved := filepath.Join(t.TempDir(), "moved")
	if err := os.CopyFS(moved, os.DirFS(data)); err != nil {
		t.Fatal(err)
	}
	same := c
	same.Loader.Dir, same.Loader.Workers, same.LogEvery, same.Keep, same.EvaluateImages = moved, 1, 1, 1, 1
	if s, err := Run(context.Background(), open(t), same, Watcher{}); err != nil || s.Resumed != 2 {
		t.Errorf("%+v %v", s, err)
	}

	path := checkpoint.Path(output, 2)
	whole := read(t, path)
	for name, bad := range map[string][]byte{"cut": whole[:len(whole)-7], "changed": flipped(whole), "empty": nil} {
		if err := os.WriteFile(path, bad, 0o644); err != nil {
			t.Fatal(err)
		}
		_, err := Run(context.Background(), open(t), c, Watcher{})
		if !errors.Is(err, checkpoint.ErrDamaged) || !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), "remove it") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func flipped(data []byte) []byte {
	data = bytes.Clone(data)
	data[len(data)-100] ^= 4
	return data
}
