package stages

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/apache/beam/sdks/v2/go/pkg/beam"

	"semidavil"
	"semidavil/internal/fixture"
	"semidavil/transforms/pseudo"
	"semidavil/transforms/shards"
)

// partOf is the part of one image of two pixels, of which the second is not sure enough.
func partOf(t testing.TB, key string, threshold uint32, rejected ...shards.Reject) LabelPart {
	t.Helper()
	p, err := pseudo.NewPrediction(2, 1, []uint8{3, 5}, []uint8{5, 3}, []float32{0.75, 0.25}, []float32{0, 0})
	if err != nil {
		t.Fatal(err)
	}
	thresholds := make([]uint32, semidavil.Cityscapes19.Len())
	for i := range thresholds {
		thresholds[i] = threshold
	}
	part := LabelPart{Stats: pseudo.NewStats(thresholds), Rejects: rejected,
		Rows: []LabelRow{{Key: key, Image: key + ".png", Label: "labels/" + key + pseudo.TrainIDsEnding, Width: 2, Height: 1, Kept: 0.5}}}
	if err := part.Stats.Add(p, &semidavil.LabelMap{W: 2, H: 1, Pix: []uint8{3, semidavil.Ignore}}); err != nil {
		t.Fatal(err)
	}
	return part
}

// TestCommitLabels: the list has all labels in the order of their keys, the statistics
// count them, and labels of images that are gone are removed, with no other file.
func TestCommitLabels(t *testing.T) {
	bad := shards.Reject{Key: "d", Path: "d.png", Stage: "label", Reason: "damaged"}
	parts := []LabelPart{partOf(t, "b", 1<<15, bad), partOf(t, "a", 1<<15, shards.Reject{Key: "f", Path: "f.png", Stage: "label", Reason: "damaged"}), partOf(t, "c", 1<<15)}
	rejected := []shards.Reject{{Key: "e", Path: "e.png", Stage: "read", Reason: "absent"}, bad}
	out, first := commits(t, LabelsFile, func(out string) {
		write(t, out, "labels/a_pseudo_labelTrainIds.png", "labels/a_pseudo_color.png", "labels/old_pseudo_labelTrainIds.png", "labels/old_pseudo_confidence.png", "labels/a.png")
	}, func() { slices.Reverse(parts) }, func(s beam.Scope, out string) beam.PCollection {
		return CommitLabels(s, CommitLabelsParams{Output: out, Classes: semidavil.Cityscapes19}, beam.CreateList(s, parts), beam.CreateList(s, rejected))
	})
	stats, err := ReadLabelStats(t.Context(), out)
	if err != nil || stats.Images != 3 || stats.Pixels != 6 || stats.Kept != 3 || stats.Ignored != 3 || stats.Classes[3].Kept != 3 || stats.Classes[5].Predicted != 3 || stats.Classes[3].Threshold != 0.5 {
		t.Errorf("%+v %v", stats, err)
	}
	if names := strings.Join(slices.Sorted(maps.Keys(first)), " "); names != "classes.svg labels.jsonl labels/a.png labels/a_pseudo_color.png labels/a_pseudo_labelTrainIds.png rejects.jsonl stats.json thresholds.svg" {
		t.Error(names)
	}
	row := func(key string) string {
		return `{"key":"` + key + `","image":"` + key + `.png","label":"labels/` + key + `_pseudo_labelTrainIds.png","width":2,"height":1,"kept":0.5}` + "\n"
	}
	if first[LabelsFile] != row("a")+row("b")+row("c") {
		t.Errorf("list:\n%s", first[LabelsFile])
	}
	if got := first[RejectsFile]; strings.Count(got, "\n") != 3 || !strings.HasPrefix(got, `{"key":"d",`) || !strings.Contains(got, `{"key":"f",`) {
		t.Errorf("rejects:\n%s", got)
	}
}

// TestCommitLabelsNothing: an output without labels is whole, with nothing to draw.
func TestCommitLabelsNothing(t *testing.T) {
	out, got := commitsNothing(t, LabelsFile, func(s beam.Scope, out string) beam.PCollection {
		return CommitLabels(s, CommitLabelsParams{Output: out, Classes: semidavil.Cityscapes19}, beam.CreateList(s, []LabelPart{}), beam.CreateList(s, []shards.Reject{}))
	})
	if names := strings.Join(slices.Sorted(maps.Keys(got)), " "); names != "labels.jsonl rejects.jsonl stats.json" || got[LabelsFile] != "" {
		t.Errorf("%s, list %q", names, got[LabelsFile])
	}
	if stats, err := ReadLabelStats(t.Context(), out); err != nil || stats.Images != 0 || len(stats.Classes) != 19 {
		t.Errorf("%+v %v", stats, err)
	}
}

// TestCommitLabelsFaults: labels of different thresholds do not go together, and an output
// that does not become whole has no list.
func TestCommitLabelsFaults(t *testing.T) {
	out := t.TempDir()
	commit := func(s beam.Scope, parts ...LabelPart) {
		CommitLabels(s, CommitLabelsParams{Output: out, Classes: semidavil.Cityscapes19}, beam.CreateList(s, parts), beam.CreateList(s, []shards.Reject{}))
	}
	ends(t, "stages: commit labels: pseudo: merge statistics: thresholds", func(s beam.Scope) { commit(s, partOf(t, "a", 1), partOf(t, "b", 2)) })
	fixture.Write(t, out, ThresholdsPlot+"/folder", nil)
	ends(t, ThresholdsPlot, func(s beam.Scope) { commit(s, partOf(t, "a", 1)) })
	if _, err := os.Stat(filepath.Join(out, LabelsFile)); err == nil {
		t.Error("the list is not the last file")
	}
	if _, err := ReadLabelStats(t.Context(), t.TempDir()); err == nil || !strings.Contains(err.Error(), "read the statistics of ") {
		t.Error(err)
	}
}
