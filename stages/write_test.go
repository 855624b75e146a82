package stages

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/apache/beam/sdks/v2/go/pkg/beam"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/testing/passert"

	"semidavil"
	"semidavil/internal/fixture"
	"semidavil/runners/runnerstest"
	"semidavil/stages/plans"
	"semidavil/transforms/pixels/resize"
	"semidavil/transforms/samples"
	"semidavil/transforms/shards"
)

func init() { beam.RegisterFunction(indexLine) }

func indexLine(x shards.Index) string {
	line := fmt.Sprintf("%s: %d", x.Shard.Name, x.Shard.Samples)
	for _, m := range x.Samples {
		line += " " + m.Key
	}
	for _, r := range x.Rejects {
		line += ", " + rejectLine(r)
	}
	return line
}

// gtaPlan is the plan of some images of GTA5, with captions and tokens.
func gtaPlan(root string, numbers ...int) plans.Plan {
	plan := plans.Plan{Name: "source-00000", Subset: semidavil.SourceTrain}
	for _, n := range numbers {
		plan.Samples = append(plan.Samples, plans.Sample{Caption: fmt.Sprint("a street ", n), Captioner: "test", Tokens: []int32{1, int32(n), 2},
			Ref: semidavil.Ref{Key: fmt.Sprintf("gta5_train_%05d", n), Dataset: "gta5", Domain: semidavil.Source, Split: "train", Root: root,
				Image: fmt.Sprintf("images/%05d.png", n), Label: fmt.Sprintf("labels/%05d.png", n)}})
	}
	return plan
}

func writeParams(root, out string) WriteParams {
	return WriteParams{Output: out, Sets: []plans.DataSet{{Kind: "gta5", Root: root, Domain: semidavil.Source, W: 24, H: 15}},
		Samples: samples.Params{Filter: resize.Bilinear}, Workers: 2, Config: "c"}
}

// TestWrite: a shard holds the samples of its plan in their order, and its index says so;
// what cannot be read or made is a row of the index.
func TestWrite(t *testing.T) {
	root := t.TempDir()
	fixture.GTA5(t, root, 4)
	fixture.Write(t, root, "images/00002.png", []byte("no picture"))
	plan := gtaPlan(root, 3, 2, 1, 9, 4)
	for _, way := range ways {
		out := t.TempDir()
		mustRun(t, way, func(s beam.Scope) {
			passert.Equals(s, beam.ParDo(s, indexLine, Write(s, writeParams(root, out), beam.Create(s, plan))),
				"source-00000: 3 gta5_train_00003 gta5_train_00001 gta5_train_00004"+
					", load gta5_train_00002 images/00002.png: images/00002.png: pixels: decode image: neither PNG nor JPEG: bad image data"+
					", read gta5_train_00009 images/00009.png: store: read images/00009.png: no such file or directory")
		})
		got := files(t, out)
		index, err := shards.DecodeIndex([]byte(got["source-00000.json"]))
		if err != nil || len(got) != 2 {
			t.Fatalf("%s: %d files, %v", way, len(got), err)
		}
		tar := got["source-00000.tar"]
		if sum := sha256.Sum256([]byte(tar)); index.Shard.SHA256 != hex.EncodeToString(sum[:]) || index.Shard.Bytes != int64(len(tar)) || index.Shard.Subset != semidavil.SourceTrain {
			t.Errorf("%s: %+v", way, index.Shard)
		}
		r := shards.NewReader(strings.NewReader(tar))
		for _, n := range []int{3, 1, 4} {
			s, err := r.Next()
			if err != nil {
				t.Fatal(err)
			}
			ids, err := shards.DecodeTokens(s.Tokens)
			if err != nil {
				t.Fatal(err)
			}
			m := s.Meta
			if s.Caption != fmt.Sprint("a street ", n) || m.Tokens != 3 || !slices.Equal(ids.Data().([]int32)[:4], []int32{1, int32(n), 2, 0}) {
				t.Errorf("%s: %s: caption %q, tokens %v", way, s.Key, s.Caption, ids)
			}
			if m.Size != [2]int{24, 15} || m.SourceSize != [2]int{48, 30} || m.Source != fmt.Sprintf("images/%05d.png", n) || m.Captioner != "test" || !bytes.HasPrefix(s.Label, []byte("\x89PNG")) {
				t.Errorf("%s: %+v", way, m)
			}
		}
	}
}

// TestWriteReuses a shard that was made of the same things, with its rejects, and no other.
func TestWriteReuses(t *testing.T) {
	root, out, old := t.TempDir(), t.TempDir(), time.Unix(1e9, 0)
	fixture.GTA5(t, root, 3)
	fixture.Write(t, root, "images/00002.png", []byte("no picture"))
	tar, index := filepath.Join(out, "source-00000.tar"), filepath.Join(out, "source-00000.json")
	again := func(what string, written bool, change func(*WriteParams, *plans.Plan)) {
		t.Helper()
		for _, name := range []string{tar, index} {
			if err := os.Chtimes(name, old, old); err != nil && !os.IsNotExist(err) {
				t.Fatal(err)
			}
		}
		p, plan := writeParams(root, out), gtaPlan(root, 1, 2)
		change(&p, &plan)
		mustRun(t, "prism", func(s beam.Scope) {
			indexes := Write(s, p, beam.Create(s, plan))
			if !written { // what is reused tells its samples and rejects
				passert.Equals(s, beam.ParDo(s, indexLine, indexes), "source-00000: 1 gta5_train_00001, load gta5_train_00002 images/00002.png: images/00002.png: pixels: decode image: neither PNG nor JPEG: bad image data")
			}
		})
		info, err := os.Stat(tar)
		if err != nil || info.ModTime().Equal(old) == written {
			t.Errorf("%s: last written %v %v", what, info.ModTime(), err)
		}
	}
	unchanged := func(*WriteParams, *plans.Plan) {}
	again("the first run", true, unchanged)
	again("the same run", false, unchanged)
	again("inputs as old as the index", false, func(_ *WriteParams, p *plans.Plan) { p.Samples[0].Ref.Changed = old.UnixNano() })
	again("a newer input", true, func(_ *WriteParams, p *plans.Plan) { p.Samples[0].Ref.Changed = old.UnixNano() + 1 })
	again("another configuration", true, func(w *WriteParams, _ *plans.Plan) { w.Config = "d" })
	again("another caption", true, func(w *WriteParams, p *plans.Plan) { p.Samples[0].Caption = "a road" })
	again("the first plan", true, unchanged)
	again("the same data at another place", false, func(_ *WriteParams, p *plans.Plan) {
		for i := range p.Samples {
			p.Samples[i].Ref.Root = "/elsewhere"
		}
	})
	if err := os.Truncate(tar, 100); err != nil {
		t.Fatal(err)
	}
	again("a shard that was cut", true, unchanged)
	fixture.Write(t, out, "source-00000.json", []byte("{"))
	again("a damaged index", true, unchanged)
}

// TestWriteNothing: no plan is no shard, and a plan of rejects is one without samples.
func TestWriteNothing(t *testing.T) {
	root, out := t.TempDir(), t.TempDir()
	mustRun(t, "prism", func(s beam.Scope) {
		passert.Empty(s, Write(s, writeParams(root, out), beam.CreateList(s, []plans.Plan{})))
	})
	if got := files(t, out); len(got) != 0 {
		t.Errorf("%d files", len(got))
	}
	mustRun(t, "prism", func(s beam.Scope) {
		passert.Equals(s, beam.ParDo(s, indexLine, Write(s, writeParams(root, out), beam.Create(s, gtaPlan(root, 1)))),
			"source-00000: 0, read gta5_train_00001 images/00001.png: store: read images/00001.png: no such file or directory")
	})
}

func TestWriteFaults(t *testing.T) {
	root, out := t.TempDir(), t.TempDir()
	fixture.GTA5(t, root, 1)
	fixture.Write(t, out, "file", nil)
	ends(t, "stages: write source-00000: ", func(s beam.Scope) { Write(s, writeParams(root, out+"/file"), beam.Create(s, gtaPlan(root, 1))) })
	p := writeParams(root, out)
	p.Sets[0].Kind = "vistas"
	ends(t, `"vistas": unknown data set`, func(s beam.Scope) { Write(s, p, beam.Create(s, gtaPlan(root, 1))) })
}

// TestUnreadableIsTriedAgain: what could not be read is no lasting fault.
func TestUnreadableIsTriedAgain(t *testing.T) {
	gta, city, out := t.TempDir(), t.TempDir(), t.TempDir()
	fixture.GTA5(t, gta, 3)
	fixture.Cityscapes(t, city, 2, 1, 0)
	image := filepath.Join(gta, "images/00002.png")
	info, err := os.Stat(image)
	if err != nil {
		t.Fatal(err)
	}
	index := filepath.Join(out, "shards/source-00000.json")
	run := func() string {
		t.Helper()
		if err := runnerstest.Run(t, "prism", pipeline(gta, city, out, 1)); err != nil {
			t.Fatal(err)
		}
		data, err := os.ReadFile(index)
		if err != nil {
			t.Fatal(err)
		}
		return string(data)
	}
	whole := run()
	// The same index as a run that could not read one file would have left.
	x, err := shards.DecodeIndex([]byte(whole))
	if err != nil {
		t.Fatal(err)
	}
	x.Rejects = []shards.Reject{{Key: "gta5_train_00002", Path: "images/00002.png", Stage: "read", Reason: "input/output error"}}
	data, err := shards.EncodeJSON(x)
	if err != nil {
		t.Fatal(err)
	}
	fixture.Write(t, out, "shards/source-00000.json", data)
	if got := run(); got != whole {
		t.Errorf("an unreadable file (%s) stayed a reject", info.Name())
	}
}
