package stages

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/apache/beam/sdks/v2/go/pkg/beam"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/testing/passert"

	"semidavil"
	"semidavil/internal/captioner"
	"semidavil/internal/fixture"
	"semidavil/runners/runnerstest"
	"semidavil/stages/plans"
	"semidavil/transforms/pixels/resize"
	"semidavil/transforms/samples"
	"semidavil/transforms/shards"
)

func TestMain(m *testing.M) { runnerstest.Main(m) }

// pipeline is prepare's wiring, in little.
func pipeline(gta, city, out string, labelled int) func(beam.Scope) {
	sets := []plans.DataSet{{Kind: "gta5", Root: gta, Domain: semidavil.Source, W: 24, H: 15}, {Kind: "cityscapes", Root: city, Domain: semidavil.Target, W: 32, H: 16}}
	return func(s beam.Scope) {
		refs, r1 := Match(s, MatchParams{Sets: sets})
		assigned, r2 := Split(s, SplitParams{Labelled: labelled}, refs)
		planned := Assign(s, AssignParams{PerShard: 3}, assigned)
		captioned, r3 := Caption(s, CaptionParams{Captioner: captioner.Config{Kind: captioner.Sidecar, Classes: semidavil.Cityscapes19.Names()}, Sets: sets,
			FallBack: true, Output: out + "/captions", Concurrency: 2}, planned)
		tokenised, r4 := Tokenise(s, TokeniseParams{}, captioned)
		results := Write(s, WriteParams{Output: out + "/shards", Sets: sets, Samples: samples.Params{Filter: resize.Bilinear}, Workers: 2, Config: "c"}, tokenised)
		Commit(s, CommitParams{Output: out, Classes: semidavil.Cityscapes19, Config: []byte("{}")}, results, beam.Flatten(s, r1, r2, r3, r4))
	}
}

// ways are those in which the tests of one stage run it: with its workers in this process,
// and in one of their own.
var ways = []string{"prism", "worker"}

// mustRun runs a pipeline that should come to its end.
func mustRun(t *testing.T, way string, build func(beam.Scope)) {
	t.Helper()
	if err := runnerstest.Run(t, way, build); err != nil {
		t.Fatalf("%s: %v", way, err)
	}
}

// commits runs a stage that makes an output in every way, with its elements in another order
// each time, and returns the files, which have to be the same. Prepare makes what is in the
// output before; the stage returns the path of its last file.
func commits(t *testing.T, last string, prepare func(out string), reverse func(), stage func(s beam.Scope, out string) beam.PCollection) (out string, first map[string]string) {
	t.Helper()
	for _, way := range ways {
		out = t.TempDir()
		prepare(out)
		mustRun(t, way, func(s beam.Scope) { passert.Equals(s, stage(s, out), out+"/"+last) })
		reverse()
		got := files(t, out)
		if first == nil {
			first = got
		}
		same(t, got, first)
	}
	return out, first
}

// commitsNothing runs a stage that makes an output without any element.
func commitsNothing(t *testing.T, last string, stage func(s beam.Scope, out string) beam.PCollection) (out string, got map[string]string) {
	t.Helper()
	out = t.TempDir()
	mustRun(t, "prism", func(s beam.Scope) { passert.Equals(s, stage(s, out), out+"/"+last) })
	return out, files(t, out)
}

// write makes empty files.
func write(t *testing.T, root string, names ...string) {
	t.Helper()
	for _, name := range names {
		fixture.Write(t, root, name, nil)
	}
}

// ends wants a pipeline to end with an error of these words.
func ends(t *testing.T, words string, build func(beam.Scope)) {
	t.Helper()
	if err := runnerstest.Run(t, "prism", build); err == nil || !strings.Contains(err.Error(), words) {
		t.Errorf("%v, want %q", err, words)
	}
}

func init() {
	beam.RegisterFunction(planLine)
	beam.RegisterFunction(rejectLine)
}

// planLine and rejectLine are what passert compares.
func planLine(p plans.Plan) string {
	line := p.Name + ":"
	for _, s := range p.Samples {
		line += " " + s.Ref.Key
	}
	return line
}

func rejectLine(r shards.Reject) string {
	return fmt.Sprintf("%s %s %s: %s", r.Stage, r.Key, r.Path, r.Reason)
}

// files returns the files below a folder with their contents.
func files(t *testing.T, root string) map[string]string {
	t.Helper()
	out := map[string]string{}
	err := filepath.WalkDir(root, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		rel, _ := filepath.Rel(root, path)
		out[rel] = string(data)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func same(t *testing.T, got, want map[string]string) {
	t.Helper()
	for name := range want {
		if got[name] != want[name] {
			t.Errorf("%s: differs or is missing", name)
		}
	}
	for name := range got {
		if _, ok := want[name]; !ok {
			t.Errorf("%s: should not be there", name)
		}
	}
}

// TestPipeline runs the whole chain in every way and wants the same bytes.
func TestPipeline(t *testing.T) {
	gta, city := t.TempDir(), t.TempDir()
	fixture.GTA5(t, gta, 7)
	fixture.Cityscapes(t, city, 5, 2, 3)
	fixture.Write(t, city, "leftImg8bit/train/ulm/ulm_000001_000019_leftImg8bit.png", []byte("no picture"))
	var first map[string]string
	for _, way := range runnerstest.Ways[1:] {
		out := t.TempDir()
		if err := runnerstest.Run(t, way, pipeline(gta, city, out, 2)); err != nil {
			t.Fatalf("%s: %v", way, err)
		}
		got := files(t, out)
		if first == nil {
			first = got
			m, err := shards.DecodeManifest([]byte(got[ManifestFile]))
			if err != nil {
				t.Fatal(err)
			}
			if fmt.Sprint(m.Samples, m.Rejects, len(m.Shards)) != "map[labelled:2 source:7 unlabelled:5 val:2] 1 7" &&
				fmt.Sprint(m.Samples, m.Rejects, len(m.Shards)) != "map[labelled:1 source:7 unlabelled:6 val:2] 1 7" {
				t.Fatalf("samples %v, rejects %d, shards %d", m.Samples, m.Rejects, len(m.Shards))
			}
			if !strings.Contains(got[RejectsFile], "ulm_000001") {
				t.Errorf("rejects: %s", got[RejectsFile])
			}
		}
		same(t, got, first)
	}
	if err := runnerstest.Run(t, "vet", pipeline(gta, city, t.TempDir(), 2)); err != nil {
		t.Error(err)
	}
}

// TestResume: with any one file of the output gone or cut, a second run gives
// the same bytes, and it leaves whole shards alone.
func TestResume(t *testing.T) {
	gta, city, out := t.TempDir(), t.TempDir(), t.TempDir()
	fixture.GTA5(t, gta, 7)
	fixture.Cityscapes(t, city, 4, 1, 1)
	run := func() {
		t.Helper()
		if err := runnerstest.Run(t, "prism", pipeline(gta, city, out, 2)); err != nil {
			t.Fatal(err)
		}
	}
	run()
	whole := files(t, out)
	for _, name := range []string{"shards/source-00001.tar", "shards/source-00000.json", "captions/source-00002.jsonl", ManifestFile} {
		kept := filepath.Join(out, "shards/val-00000.tar")
		before, err := os.Stat(kept)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.Remove(filepath.Join(out, name)); err != nil {
			t.Fatal(err)
		}
		run()
		same(t, files(t, out), whole)
		if after, err := os.Stat(kept); err != nil || !after.ModTime().Equal(before.ModTime()) {
			t.Errorf("without %s: a finished shard was written again", name)
		}
	}
	// A changed input and an image that is gone.
	fixture.Write(t, gta, "images/00003.png", fixture.PNG(t, fixture.Picture(48, 30, 77)))
	if err := os.Remove(filepath.Join(city, "leftImg8bit/train_extra/mainz/mainz_000000_000019_leftImg8bit.png")); err != nil {
		t.Fatal(err)
	}
	run()
	fresh := t.TempDir()
	if err := runnerstest.Run(t, "prism", pipeline(gta, city, fresh, 2)); err != nil {
		t.Fatal(err)
	}
	same(t, files(t, out), files(t, fresh))
}
