// Package pipelines_test runs the commands as a user does, command line in and files out,
// and freezes what comes out.
package pipelines_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"semidavil/pipelines/internal/programs"
)

// commands are the main functions. Nothing else of this package knows where their code
// lies.
var commands = func() map[string]func() {
	all := map[string]func(){}
	for _, p := range programs.All() {
		name, _ := p.Title()
		all[name] = func() { p.RunAs("go run ./pipelines/" + name) }
	}
	return all
}()

// commandEnv makes the test binary one of the commands, in a process of its own. Building the
// ten programs would take three quarters of a minute for linking alone; this one is linked
// anyway.
const commandEnv = "SEMIDAVIL_TEST_COMMAND"

// programsEnv may name a folder with the built commands, of any revision; these are run then.
const programsEnv = "SEMIDAVIL_PROGRAMS"

func TestMain(m *testing.M) {
	if name := os.Getenv(commandEnv); name != "" {
		commands[name]()
	}
	os.Exit(m.Run())
}

// command is a command that is to run in a folder.
func command(t *testing.T, dir, name string, args ...string) *exec.Cmd {
	t.Helper()
	program, err := os.Executable()
	if folder := os.Getenv(programsEnv); folder != "" {
		program, err = filepath.Abs(filepath.Join(folder, name))
	}
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), program, args...)
	cmd.Dir, cmd.Env = dir, append(os.Environ(), commandEnv+"="+name, "TMPDIR="+t.TempDir())
	return cmd
}

// run runs a command that has to succeed.
func run(t *testing.T, dir, name string, args ...string) (stdout, stderr string) {
	t.Helper()
	cmd := command(t, dir, name, args...)
	var o, e bytes.Buffer
	cmd.Stdout, cmd.Stderr = &o, &e
	if err := cmd.Run(); err != nil {
		t.Fatalf("%s %s: %v\n%s\n%s", name, strings.Join(args, " "), err, &o, &e)
	}
	return o.String(), e.String()
}

// begin starts a command and kills it as soon as its run.json is there.
func begin(t *testing.T, dir, name, output string) record {
	t.Helper()
	cmd := command(t, dir, name, "-q", "--output="+output)
	var e bytes.Buffer
	cmd.Stderr = &e
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	for {
		_, err := os.Stat(filepath.Join(dir, output, "run.json"))
		if err == nil {
			cmd.Process.Kill() // an error says that it has ended by itself
			<-ended
			return readRecord(t, filepath.Join(dir, output))
		}
		if !errors.Is(err, fs.ErrNotExist) {
			t.Fatal(err)
		}
		select {
		case err := <-ended:
			if _, missing := os.Stat(filepath.Join(dir, output, "run.json")); missing != nil {
				t.Fatalf("%s ended without run.json: %v\n%s", name, err, &e)
			}
			return readRecord(t, filepath.Join(dir, output))
		case <-time.After(2 * time.Millisecond):
		}
	}
}

// record is what a run.json holds, except for revision, versions and times.
type record struct {
	Command     string          `json:"command"`
	Runner      string          `json:"runner"`
	Fingerprint string          `json:"fingerprint"`
	Config      json.RawMessage `json:"config"`
}

func readRecord(t *testing.T, output string) record {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(output, "run.json"))
	if err != nil {
		t.Fatal(err)
	}
	var r record
	if err := json.Unmarshal(data, &r); err != nil {
		t.Fatal(err)
	}
	return r
}
