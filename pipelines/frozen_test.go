package pipelines_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"

	"semidavil/internal/fixture"
)

// update tells that testdata is to be written instead of compared. The flag -update is one of
// Beam's, for jobs on Dataflow, which no test submits.
func update() bool { return flag.Lookup("update").Value.String() == "true" }

// step is a run of a command, in a folder that all steps share. Its first argument is the
// output's name below "out".
type step struct {
	output  string
	command string
	args    []string
	// network tells that floating-point numbers of a network decide what comes out.
	network bool
}

// steps are the whole loop in the small, through many of its switches. The outputs are the
// defaults where there are any, so that a command finds those before it by its own defaults.
var steps = []step{
	{output: "prepare", command: "prepare", args: []string{"--scenes=5,6,2,3", "--scene_size=128x64", "--shard_samples=4", "--labelled=2"}},
	// The scenes that were drawn, as data of a user's own: resized, cropped, as JPEG, and with
	// a broken image.
	{output: "crops", command: "prepare", args: []string{"--source=gta5:out/prepare/minicity/gta5", "--target=cityscapes:out/prepare/minicity/cityscapes",
		"--labelled=3", "--seed=7", "--source_size=100x50", "--target_size=96x48", "--filter=lanczos", "--crop=64x32", "--crops=2",
		"--image_format=jpg", "--captions=classnames", "--max_rejects=0.5"}},
	{output: "caption", command: "caption", args: []string{"--input=gta5:out/prepare/minicity/gta5", "--group_size=4", "--sheet=3"}},
	{output: "browse", command: "browse", args: []string{"--input=out/crops", "--limit=4"}},
	{network: true, output: "pretrain", command: "pretrain", args: []string{"--backend=go", "--steps=3", "--batch=4", "--size=64x32", "--log_every=1"}},
	{network: true, output: "train", command: "train", args: []string{"--backend=go", "--clip=out/pretrain/clip", "--guidance=outer_res", "--vision=all", "--crop=64x32", "--batch=1,1,2",
		"--steps=20", "--log_every=1", "--checkpoint_every=10", "--evaluate_every=10", "--threshold=0.3", "--lr=2e-3", "--vision_lr=1e-3"}},
	{network: true, output: "pseudolabel", command: "pseudolabel", args: []string{"--backend=go", "--rule=cb-cap", "--confidence"}},
	{network: true, output: "evaluate", command: "evaluate", args: []string{"--backend=go", "--models=student,teacher"}},
	// Label files against labels at their own resolution; those of other images are missing.
	{network: true, output: "scores", command: "evaluate", args: []string{"--data=cityscapes:out/prepare/minicity/cityscapes", "--subset=train",
		"--predictions=out/pseudolabel", "--max_rejects=1"}},
	// Also the network without language, and guidance that is a decoder itself.
	{network: true, output: "ablate", command: "ablate", args: []string{"--backend=go", "--prepare=out/prepare.yaml", "--train=out/train.yaml", "--rows=CT,VLGA",
		"--labelled=2", "--seeds=3", "--clip=out/pretrain/clip", "--steps=2"}},
}

// The settings of the grid.
const (
	prepareYAML = `
source: [gta5:out/prepare/minicity/gta5]
target: [cityscapes:out/prepare/minicity/cityscapes]
source_size: 128x64
target_size: 128x64
max_rejects: 0.5
`
	trainYAML = `
batch: [1, 1, 1]
crop: 64x32
window: whole
threshold: 0.3
`
)

// cleared are the settings that are no part of a command's identity, and what stands in
// their place there.
var cleared = map[string]map[string]string{
	"prepare": {"output": `""`, "overwrite": "false", "workers": "0", "max_rejects": "0", "caption_concurrency": "0", "caption_key_env": `""`, "caption_batch": "0", "caption_backend": `""`},
	"pretrain": {"output": `""`, "overwrite": "false", "workers": "0", "backend": `""`,
		"log_every": "0", "evaluate_every": "0", "checkpoint_every": "0"},
	"train": {"output": `""`, "overwrite": "false", "workers": "0", "backend": `""`,
		"log_every": "0", "evaluate_every": "0", "evaluate_images": "0", "checkpoint_every": "0", "keep": "0", "window": `""`, "overlap": "0"},
	"pseudolabel": {"output": `""`, "overwrite": "false", "group_size": "0", "backend": `""`, "max_rejects": "0", "caption_concurrency": "0", "caption_key_env": `""`, "caption_batch": "0", "caption_backend": `""`},
	"evaluate":    {"output": `""`, "overwrite": "false", "pictures": "0", "backend": `""`, "max_rejects": "0", "caption_concurrency": "0", "caption_key_env": `""`, "caption_batch": "0", "caption_backend": `""`},
	"caption":     {"output": `""`, "overwrite": "false", "sheet": "0", "max_rejects": "0", "caption_concurrency": "0", "caption_key_env": `""`, "caption_batch": "0", "caption_backend": `""`},
	"browse":      {"subset": `""`, "limit": "0", "choose": `""`, "output": `""`, "overwrite": "false"},
	"ablate":      {},
	"export":      {"output": `""`, "overwrite": "false"},
	"demo":        {"output": `""`, "overwrite": "false", "backend": `""`},
}

// TestHelp freezes what --help writes.
func TestHelp(t *testing.T) {
	for name := range commands {
		stdout, _ := run(t, t.TempDir(), name, "--help")
		sameText(t, "help_"+name+".txt", stdout)
	}
}

// TestFrozen freezes the files that the commands write, and their settings where none are
// given: whoever moves code about sees here that nothing else has changed.
//
// Not frozen are times, versions and the host, and with them the events for TensorBoard; and
// the plot of the classes that prepare draws, since a library draws it as it likes. The demo
// draws its hundreds of scenes whatever its flags, so it is only begun.
//
// What networks decide is frozen for each kind of instructions, and -update records those that
// this run takes: GODEBUG=cpu.avx512f=off takes AVX2, a build with an empty GOEXPERIMENT plain
// ones. A file that changed is not compared on other kinds until they are recorded anew, on a
// machine that has them. An upgrade of Go may change the
// compression of PNGs.
func TestFrozen(t *testing.T) {
	work, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	got, ran, instructions := map[string]string{}, map[string]bool{}, ""
	for _, s := range steps {
		if s.network && testing.Short() {
			continue
		}
		if s.output == "crops" {
			fixture.Write(t, work, "out/prepare/minicity/gta5/images/00006.png", []byte("no picture"))
			fixture.Write(t, work, "out/prepare.yaml", []byte(prepareYAML))
			fixture.Write(t, work, "out/train.yaml", []byte(trainYAML))
		}
		_, stderr := run(t, work, s.command, append([]string{"--output=out/" + s.output}, s.args...)...)
		if s.command == "train" {
			instructions = instructionsIn(t, stderr)
		}
		ran[s.output] = true
		output := filepath.Join(work, "out", s.output)
		got[s.output+"/identity"] = digest(identity(t, work, readRecord(t, output)))
		for rel, f := range fixture.Tree(t, output) {
			if data, ok := frozen(rel, []byte(f.Data)); ok {
				got[mark(s, rel)] = digest(unplaced(work, data))
			}
		}
	}
	// Names get their instructions here, since only a training tells them.
	for name, sum := range maps.Clone(got) {
		if bare, ok := strings.CutSuffix(name, "@"); ok {
			delete(got, name)
			got[bare+"@"+instructions] = sum
		}
	}
	sameDigests(t, got, ran, instructions)

	for name := range commands {
		if name == "check" { // it writes no output
			continue
		}
		if !ran["train"] && (name == "pseudolabel" || name == "evaluate" || name == "export") { // they look for a network first
			continue
		}
		r := begin(t, work, name, "out/defaults/"+name)
		identity(t, work, r)
		var text bytes.Buffer
		if err := json.Indent(&text, r.Config, "", " "); err != nil {
			t.Fatal(err)
		}
		sameText(t, "config_"+name+".json", string(unplaced(work, text.Bytes()))+"\n")
	}
}

// mark names a file of a step; those that depend on the processor end in "@".
func mark(s step, rel string) string {
	name := s.output + "/" + rel
	if s.network {
		name += "@"
	}
	return name
}

// instructionsIn finds which instructions the Go backend used, as it tells: results of
// different ones differ in rounding. Compilers for other processors than amd64 fuse products
// and sums.
func instructionsIn(t *testing.T, stderr string) string {
	t.Helper()
	m := regexp.MustCompile(`backend go \(([^)]+)\)`).FindStringSubmatch(stderr)
	if m == nil {
		t.Fatalf("no instructions are told in\n%s", stderr)
	}
	name := strings.ToLower(m[1])
	if name == "plain" && !strings.Contains(stderr, "built without GOEXPERIMENT=simd") {
		name = "plain-simd" // a build with vector instructions rounds otherwise where it has none to use
	}
	if runtime.GOARCH != "amd64" {
		name += "-" + runtime.GOARCH
	}
	return name
}

var (
	moment   = regexp.MustCompile(`"time":"[^"]*",`)
	took     = regexp.MustCompile(`\| \d+ \| [\d.]+ \| \d+ \|\n|, \S+ of computing`)
	duration = regexp.MustCompile(`"(seconds|step_seconds|peak_bytes|steps_per_second|waited)": [^,\n]*`)
)

// frozen returns the part of a file that is the same in every run; false where none is.
func frozen(rel string, data []byte) ([]byte, bool) {
	switch base := path.Base(rel); {
	case base == "run.json", path.Base(path.Dir(rel)) == "events", base == "class_stats.png", base == "class_stats.svg", base == "ablation.html":
		return nil, false
	case base == "metrics.jsonl":
		return moment.ReplaceAll(data, nil), true
	case base == "summary.json", base == "ablation.json":
		return duration.ReplaceAll(data, []byte(`"$1": 0`)), true
	case base == "ablation.md":
		return took.ReplaceAll(data, nil), true
	case path.Ext(base) == ".prediction":
		// The tag stands for where and when the image was written, the last number of the
		// header is a checksum over it.
		const tag = 7
		n := tag + int(binary.LittleEndian.Uint16(data[tag-2:]))
		clear(data[tag:n])
		clear(data[n+16 : n+20])
	}
	return data, true
}

// unplaced replaces the working folder, which is another one in each test.
func unplaced(work string, data []byte) []byte {
	return bytes.ReplaceAll(data, []byte(work), []byte("WORK"))
}

// identity returns the part of a run's settings that its fingerprint stands for, and checks
// the fingerprint. Outputs that exist are refused where either becomes another one.
func identity(t *testing.T, work string, r record) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := json.Compact(&b, r.Config); err != nil {
		t.Fatal(err)
	}
	settings, zeros := b.String(), maps.Clone(cleared[r.Command])
	if r.Command == "prepare" && !strings.Contains(settings, `"source":null,"target":null`) {
		zeros["scenes"], zeros["scene_size"] = "[0,0,0,0]", `""`
	}
	if r.Command == "prepare" && !strings.Contains(settings, `"minict":true`) {
		zeros["cases"], zeros["case_size"] = "[0,0,0]", `""`
	}
	for key, zero := range zeros {
		old := regexp.MustCompile(`"` + key + `":("[^"]*"|\[[^]]*\]|[^,}]+)`)
		if len(old.FindAllString(settings, -1)) != 1 {
			t.Errorf("%s: there is no setting %s, or more than one, in %s", r.Command, key, settings)
		}
		settings = old.ReplaceAllString(settings, `"`+key+`":`+zero)
	}
	sum := sha256.Sum256([]byte(settings))
	if want := hex.EncodeToString(sum[:16]); r.Fingerprint != want {
		t.Errorf("%s: fingerprint %s, want %s, of %s", r.Command, r.Fingerprint, want, settings)
	}
	return unplaced(work, []byte(r.Command+" "+r.Runner+" "+settings))
}

func digest(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

const digestsFile = "testdata/frozen.txt"

// sameDigests compares what the steps that ran wrote. Of instructions that nobody has
// recorded yet only the rest is compared.
func sameDigests(t *testing.T, got map[string]string, ran map[string]bool, instructions string) {
	t.Helper()
	data, err := os.ReadFile(digestsFile)
	if err != nil && !update() {
		t.Fatal(err)
	}
	want, others := map[string]string{}, map[string]string{}
	elsewhere := map[string]bool{} // files, without instructions
	for line := range strings.Lines(string(data)) {
		name, sum, ok := strings.Cut(strings.TrimSuffix(line, "\n"), "  ")
		if !ok {
			t.Fatalf("%s: %q is no name and digest", digestsFile, line)
		}
		stepName, _, _ := strings.Cut(name, "/")
		file, of, depends := strings.Cut(name, "@")
		switch {
		case depends && of != instructions:
			others[name], elsewhere[file] = sum, true
		case ran[stepName]:
			want[name] = sum
		}
	}
	if update() {
		// No run of this machine can tell what other instructions give. What did not change here
		// stays; what was the same for both is so again; the rest is not known any more.
		for name, sum := range others {
			file, _, _ := strings.Cut(name, "@")
			was, is := want[file+"@"+instructions], got[file+"@"+instructions]
			switch {
			case was == "" || was == is: // not known, or unchanged
				got[name] = sum
			case was == sum:
				got[name] = is
			}
		}
		if testing.Short() {
			t.Fatal("-short leaves out what is to be updated")
		}
		var b strings.Builder
		for _, name := range slices.Sorted(maps.Keys(got)) {
			fmt.Fprintf(&b, "%s  %s\n", name, got[name])
		}
		fixture.Write(t, ".", digestsFile, []byte(b.String()))
		return
	}
	compared, unknown := 0, 0
	for _, name := range slices.Sorted(maps.Keys(got)) {
		switch sum, ok := want[name]; {
		case ok && sum == got[name]:
			compared++
		case ok:
			t.Errorf("%s has other bytes", name)
		case elsewhere[strings.TrimSuffix(name, "@"+instructions)]:
			unknown++
		default:
			t.Errorf("%s is new", name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(want)) {
		if _, ok := got[name]; !ok {
			t.Errorf("%s is missing", name)
		}
	}
	t.Logf("%d files compared; instructions: %s", compared, instructions)
	if testing.Short() {
		t.Log("NOT COMPARED: what networks decide, since -short trains none")
	}
	if unknown > 0 {
		t.Logf("NOT COMPARED: %d files that networks decide, since %s has no digests of %s; with -update they are recorded", unknown, digestsFile, instructions)
	}
}

// sameText compares a text with a file of testdata.
func sameText(t *testing.T, file, got string) {
	t.Helper()
	file = "testdata/" + file
	if update() {
		fixture.Write(t, ".", file, []byte(got))
		return
	}
	data, err := os.ReadFile(file)
	if err != nil {
		t.Error(err)
		return
	}
	if got == string(data) {
		return
	}
	want, now := strings.Split(string(data), "\n"), strings.Split(got, "\n")
	for i := range max(len(want), len(now)) {
		a, b := "(end)", "(end)"
		if i < len(want) {
			a = want[i]
		}
		if i < len(now) {
			b = now[i]
		}
		if a != b {
			t.Errorf("%s, line %d:\n was %q\n  is %q", file, i+1, a, b)
			return
		}
	}
}
