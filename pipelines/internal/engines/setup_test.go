// Package engines tests the commands as a user starts them, on engines in processes of
// their own. The tests build programs and take minutes, so they run where
// SEMIDAVIL_ENGINES=1 is set, as .ci/run does.
package engines

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"semidavil/internal/fixture"
	"semidavil/internal/fixture/cloud"
	"semidavil/runners/dataflowtest"
)

// Env switches these tests on; ProgramsEnv may name a folder with commands that are built
// already.
const (
	Env         = "SEMIDAVIL_ENGINES"
	ProgramsEnv = "SEMIDAVIL_PROGRAMS"
)

func TestMain(m *testing.M) {
	if os.Getenv(Env) == "" {
		fmt.Printf("engines: nothing tested: %s=1 builds the commands and starts engines\n", Env)
		os.Exit(0)
	}
	dir, err := os.MkdirTemp("", "engines")
	if err != nil {
		panic(err)
	}
	programs = dir
	code := m.Run()
	os.RemoveAll(dir)
	os.Exit(code)
}

// programs is the folder of the built commands.
var programs string

// build compiles a command, once.
func build(t *testing.T, name string) string {
	t.Helper()
	if folder := os.Getenv(ProgramsEnv); folder != "" {
		if file := filepath.Join(folder, name); exists(file) {
			return file
		}
	}
	file := filepath.Join(programs, name)
	if exists(file) {
		return file
	}
	cmd := exec.Command("go", "build", "-o", file, "semidavil/pipelines/"+name)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("build %s: %v\n%s", name, err, out)
	}
	return file
}

func exists(file string) bool {
	_, err := os.Stat(file)
	return err == nil
}

// run runs a command and returns what it wrote.
func run(t *testing.T, name string, args ...string) (stdout, stderr string, err error) {
	t.Helper()
	cmd := exec.Command(build(t, name), args...)
	var o, e bytes.Buffer
	cmd.Stdout, cmd.Stderr = &o, &e
	err = cmd.Run()
	return o.String(), e.String(), err
}

// must is run for commands that have to succeed.
func must(t *testing.T, name string, args ...string) (stdout, stderr string) {
	t.Helper()
	stdout, stderr, err := run(t, name, args...)
	if err != nil {
		t.Fatalf("%s %s: %v\n%s\n%s", name, strings.Join(args, " "), err, stdout, stderr)
	}
	return stdout, stderr
}

// scenes writes small data sets and returns the flags of prepare that name them, local and
// in the stand-in for Cloud Storage. One image is broken.
func scenes(t *testing.T, c *cloud.Server) (local, remote []string) {
	t.Helper()
	gta, city := t.TempDir(), t.TempDir()
	fixture.GTA5(t, gta, 12)
	fixture.Write(t, gta, "images/00007.png", []byte("no picture"))
	fixture.Cityscapes(t, city, 5, 2, 4)
	flags := func(source, target string) []string {
		return []string{"--source=gta5:" + source, "--target=cityscapes:" + target, "--labelled=2", "--shard_samples=3",
			"--source_size=24x15", "--target_size=32x16", "--max_rejects=0.2"}
	}
	local = flags(gta, city)
	if c != nil {
		remote = flags(c.Upload(t, gta, "gta"), c.Upload(t, city, "city"))
	}
	return local, remote
}

// sameObjects compares the objects below a prefix with the files of a folder, except for
// those whose first folder or name is one of but.
func sameObjects(t *testing.T, c *cloud.Server, prefix, folder string, but ...string) {
	t.Helper()
	part := func(tree map[string]fixture.File) map[string]fixture.File {
		maps.DeleteFunc(tree, func(name string, _ fixture.File) bool {
			first, _, _ := strings.Cut(name, "/")
			return slices.Contains(but, first)
		})
		return tree
	}
	want := part(fixture.Tree(t, folder))
	if len(want) < 5 {
		t.Errorf("only %d files to compare", len(want))
	}
	fixture.SameBytes(t, part(c.Tree(t, prefix)), want)
}

// sameManifest compares what two manifests of prepare say of the shards: sizes and digests.
// Their configurations name different folders.
func sameManifest(t *testing.T, got, want []byte) {
	t.Helper()
	var parts [2]map[string]json.RawMessage
	for i, data := range [][]byte{got, want} {
		if err := json.Unmarshal(data, &parts[i]); err != nil {
			t.Fatal(err)
		}
	}
	for _, key := range []string{"shards", "samples", "classes"} {
		if a, b := string(parts[0][key]), string(parts[1][key]); a != b || len(a) < 10 {
			t.Errorf("manifest: %s differ:\n%s\n%s", key, a, b)
		}
	}
}

// reader reads staged objects from the stand-in.
func reader(c *cloud.Server) dataflowtest.Read {
	return func(bucket, name string) ([]byte, error) {
		object, err := c.GetObject(bucket, name)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		return object.Content, nil
	}
}

// goCommand runs the go tool.
func goCommand(args ...string) (string, error) {
	out, err := exec.Command("go", args...).Output()
	return string(out), err
}
