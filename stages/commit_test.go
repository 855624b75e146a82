package stages

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/apache/beam/sdks/v2/go/pkg/beam"

	"semidavil"
	"semidavil/internal/fixture"
	"semidavil/transforms/shards"
)

// indexOf is the index of a shard of one image, of which some pixels are road.
func indexOf(name string, subset semidavil.Subset, key, source string, road uint64, rejected ...shards.Reject) shards.Index {
	meta := shards.Meta{Key: key, Dataset: "d", Split: "train", Source: source, Subset: subset}
	if subset != semidavil.Unlabelled {
		meta.Pixels = make([]uint64, semidavil.Cityscapes19.Len())
		meta.Pixels[0], meta.Ignored = road, 4
	}
	return shards.Index{Format: shards.Name, Version: shards.Version, Shard: shards.Shard{Name: name, Subset: subset, Samples: 1}, Samples: []shards.Meta{meta}, Rejects: rejected}
}

func commitParams(out string) CommitParams {
	return CommitParams{Output: out, Classes: semidavil.Cityscapes19, Tokenizer: shards.TokenizerInfo{Name: "t", Vocab: 3}, Config: []byte(`{"seed": 1}`)}
}

// TestCommit: the manifest lists the shards in their order, the tables their images and
// every reject once, and what an earlier run left is gone.
func TestCommit(t *testing.T) {
	twice := shards.Reject{Key: "k9", Path: "9.png", Stage: "load", Reason: "bad"}
	indexes := []shards.Index{
		indexOf("val-00000", semidavil.Val, "k4", "4.png", 6),
		indexOf("unlabelled-00000", semidavil.Unlabelled, "k2", "2.png", 0, twice),
		indexOf("labelled-00001", semidavil.Labelled, "k3", "3.png", 8),
		indexOf("labelled-00000", semidavil.Labelled, "k2", "2.png", 12, twice), // of the same image
		{Format: shards.Name, Version: shards.Version, Shard: shards.Shard{Name: "source-00000", Subset: semidavil.SourceTrain}, Rejects: []shards.Reject{}},
	}
	rejected := []shards.Reject{{Key: "k1", Path: "1.png", Stage: "match", Reason: "missing label"}}
	_, first := commits(t, ManifestFile, func(out string) {
		write(t, out, "shards/val-00000.tar", "shards/val-00001.tar", "shards/val-00001.json", "shards/notes.txt", "captions/source-00000.jsonl", "captions/source-00001.jsonl")
	}, func() { slices.Reverse(indexes) }, func(s beam.Scope, out string) beam.PCollection {
		return Commit(s, commitParams(out), beam.CreateList(s, indexes), beam.CreateList(s, rejected))
	})
	names := strings.Join(slices.Sorted(maps.Keys(first)), " ")
	if names != "captions/source-00000.jsonl class_stats.json class_stats.svg images.jsonl manifest.json rejects.jsonl shards/notes.txt shards/val-00000.tar" {
		t.Error(names)
	}
	m, err := shards.DecodeManifest([]byte(first[ManifestFile]))
	if err != nil {
		t.Fatal(err)
	}
	var listed []string
	for _, s := range m.Shards {
		listed = append(listed, s.Name)
	}
	if got := strings.Join(listed, " "); got != "labelled-00000 labelled-00001 unlabelled-00000 val-00000" {
		t.Errorf("shards %s", got)
	}
	if got := fmt.Sprintln(m.Samples, m.Images, m.Rejects, m.ClassSet, len(m.Classes), m.Ignore, m.Tokenizer.Name, strings.Fields(string(m.Config))); got != `map[labelled:2 source:0 unlabelled:1 val:1] 3 2 cityscapes19 19 255 t [{ "seed": 1 }]`+"\n" {
		t.Error(got)
	}
	if want := `{"key":"k1","path":"1.png","stage":"match","reason":"missing label"}` + "\n" + `{"key":"k9","path":"9.png","stage":"load","reason":"bad"}` + "\n"; first[RejectsFile] != want {
		t.Errorf("rejects:\n%s", first[RejectsFile])
	}
	if rows := first[ImagesFile]; strings.Count(rows, "\n") != 4 || !strings.HasPrefix(rows, `{"key":"k2","shard":"labelled-00000","subset":"labelled","pixels":[12,0,`) ||
		!strings.Contains(rows, `{"key":"k2","shard":"unlabelled-00000","subset":"unlabelled"}`+"\n") {
		t.Errorf("images:\n%s", rows)
	}
	if stats := first[StatsFile]; !strings.Contains(strings.Join(strings.Fields(stats), ""), `"labelled":{"images":2,"pixels":[20,`) {
		t.Errorf("statistics:\n%s", stats)
	}
}

// TestCommitSplits: images and rejects are counted by data set and split, an image of two
// subsets once, and those that became larger.
func TestCommitSplits(t *testing.T) {
	x, y := indexOf("labelled-00000", semidavil.Labelled, "a_train_1", "1.png", 6), indexOf("unlabelled-00000", semidavil.Unlabelled, "a_train_1", "1.png", 0)
	z := indexOf("val-00000", semidavil.Val, "b_c_val_2", "2.png", 6, shards.Reject{Key: "b_c_val_3", Path: "3.png", Stage: "load"})
	for _, index := range []*shards.Index{&x, &y, &z} {
		index.Samples[0].Dataset, index.Samples[0].Split = "a", "train"
		index.Samples[0].SourceSize, index.Samples[0].Size = [2]int{8, 8}, [2]int{8, 8}
	}
	z.Samples[0].Dataset, z.Samples[0].Split, z.Samples[0].Size = "b_c", "val", [2]int{8, 9}
	rejected := []shards.Reject{{Key: "a_extra_9-c1", Path: "9.png", Stage: "match"}, {Path: "list", Stage: "captions"}}
	out := t.TempDir()
	mustRun(t, "prism", func(s beam.Scope) {
		Commit(s, commitParams(out), beam.CreateList(s, []shards.Index{x, y, z}), beam.CreateList(s, rejected))
	})
	m, err := ReadManifest(t.Context(), out)
	want := []shards.Split{{Dataset: "a", Split: "extra", Rejects: 1}, {Dataset: "a", Split: "train", Images: 1}, {Dataset: "b_c", Split: "val", Images: 1, Rejects: 1}}
	if err != nil || m.Enlarged != 1 || !slices.Equal(m.Splits, want) {
		t.Errorf("%v, %d enlarged, %v", m.Splits, m.Enlarged, err)
	}
}

// TestCommitNothing: an output of nothing is whole.
func TestCommitNothing(t *testing.T) {
	out, got := commitsNothing(t, ManifestFile, func(s beam.Scope, out string) beam.PCollection {
		return Commit(s, commitParams(out), beam.CreateList(s, []shards.Index{}), beam.CreateList(s, []shards.Reject{}))
	})
	m, err := ReadManifest(t.Context(), out)
	if err != nil || len(m.Samples) != 0 || len(m.Shards) != 0 || m.Images != 0 || m.Rejects != 0 || m.Set().Len() != 19 {
		t.Errorf("%+v %v", m, err)
	}
	for _, name := range []string{RejectsFile, ImagesFile} {
		if data, ok := got[name]; !ok || data != "" {
			t.Errorf("%s: %q", name, data)
		}
	}
	if got[StatsFile] == "" || got[PlotFile] == "" {
		t.Error("there are no statistics")
	}
}

// TestCommitFaults: an output that does not become whole has no manifest.
func TestCommitFaults(t *testing.T) {
	out := t.TempDir()
	commit := func(s beam.Scope, x shards.Index) {
		Commit(s, commitParams(out), beam.Create(s, x), beam.CreateList(s, []shards.Reject{}))
	}
	ends(t, "all pixels of the 1 labels of subset val are ignored", func(s beam.Scope) { commit(s, indexOf("val-00000", semidavil.Val, "k", "1.png", 0)) })
	if got := files(t, out); len(got) != 0 {
		t.Errorf("%d files of what cannot be learnt", len(got))
	}
	fixture.Write(t, out, PlotFile+"/folder", nil)
	ends(t, PlotFile, func(s beam.Scope) { commit(s, indexOf("val-00000", semidavil.Val, "k", "1.png", 6)) })
	if _, err := os.Stat(filepath.Join(out, ManifestFile)); err == nil {
		t.Error("the manifest is not the last file")
	}
	if _, err := ReadManifest(t.Context(), out); err == nil || !strings.Contains(err.Error(), out+" is not a finished output of prepare") {
		t.Error(err)
	}
	fixture.Write(t, out, "prepare/"+ManifestFile, nil)
	if _, err := ReadManifest(t.Context(), out); err == nil || !strings.Contains(err.Error(), "of prepare; "+out+"/prepare is one") {
		t.Error(err)
	}
	fixture.Write(t, out, ManifestFile, []byte(`{"format":"semidavil-shards","version":2}`))
	if _, err := ReadManifest(t.Context(), out); err == nil || !strings.Contains(err.Error(), out+"/"+ManifestFile+": ") {
		t.Error(err)
	}
}

func TestOwnFile(t *testing.T) {
	for name, want := range map[string]bool{
		"source-00000.tar": true, "unlabelled-00012.json": true, "val-123456.jsonl": true,
		"val-notes.json": false, "val-1.tar": false, "source-00000.tar.bak": false, "a/source-00000.tar": false, "other-00000.tar": false,
	} {
		if OwnFile(name) != want {
			t.Errorf("%s: %v", name, !want)
		}
	}
}
