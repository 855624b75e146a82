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
	"semidavil/transforms/metrics"
	"semidavil/transforms/shards"
)

func init() { beam.RegisterFunction(byNetwork) }

func byNetwork(n namedTally) (string, metrics.Tally) { return n.Network, n.Tally }

// tallyOf counts one image of k classes.
func tallyOf(t testing.TB, network string, k int, label, prediction []uint8, confidence []float32) namedTally {
	t.Helper()
	n := namedTally{Network: network}
	n.Tally.Confusion = metrics.NewConfusion(k)
	if err := n.Tally.Add(label, prediction, confidence); err != nil {
		t.Fatal(err)
	}
	return n
}

// TestCommitScores: the report has the networks in the order of their names, and the table
// of images every score in the order of the keys.
func TestCommitScores(t *testing.T) {
	sure := []float32{1, 1, 1, 1}
	tallies := []namedTally{
		tallyOf(t, "teacher", 19, []uint8{0, 0, 1, 1}, []uint8{0, 0, 1, 1}, sure),
		tallyOf(t, "student", 19, []uint8{0, 0, 1, 1}, []uint8{0, 1, 1, 1}, sure),
	}
	scores := []ImageScore{{Key: "b", Network: "student"}, {Key: "a", Network: "teacher"}, {Key: "a", Network: "student"}}
	rejected := []shards.Reject{{Key: "c", Path: "c.png", Stage: "score", Reason: "no label"}, {Key: "c", Path: "c.png", Stage: "score", Reason: "no label"}}
	out, first := commits(t, ReportFile, func(string) {}, func() {
		slices.Reverse(tallies)
		slices.Reverse(scores)
	}, func(s beam.Scope, out string) beam.PCollection {
		return CommitScores(s, CommitScoresParams{Output: out, Classes: semidavil.Cityscapes19}, beam.ParDo(s, byNetwork, beam.CreateList(s, tallies)), beam.CreateList(s, scores), beam.CreateList(s, rejected))
	})
	e, err := ReadEvaluation(t.Context(), out)
	if err != nil || len(e.Networks) != 2 || e.Networks[0].Network != "student" || e.Networks[1].Network != "teacher" || e.Rejects != 1 || e.ClassSet.Len() != 19 {
		t.Fatalf("%+v %v", e, err)
	}
	// Road 1/2, sidewalk 2/3.
	student, teacher := e.Networks[0].Report.Scores[0], e.Networks[1].Report.Scores[0]
	if got := fmt.Sprintf("%.4f %.4f %.4f", student.MeanIoU, student.PixelAccuracy, teacher.MeanIoU); got != "0.5833 0.7500 1.0000" {
		t.Error(got)
	}
	if names := strings.Join(slices.Sorted(maps.Keys(first)), " "); names != "images.jsonl iou.svg rejects.jsonl report.json report.md student_confusion.svg student_reliability.svg teacher_confusion.svg teacher_reliability.svg" {
		t.Error(names)
	}
	var order string
	for row := range strings.Lines(first[ScoresFile]) {
		order += strings.Split(row, `"`)[3] + strings.Split(row, `"`)[11] + " "
	}
	if order != "astudent ateacher bstudent " {
		t.Errorf("%s of\n%s", order, first[ScoresFile])
	}
	if table := first[TableFile]; !strings.Contains(table, "58.3") || !strings.Contains(table, "calibration error of the student: 25.0") {
		t.Errorf("table:\n%s", table)
	}
}

// TestCommitScoresNothing: where nothing was scored the report says so.
func TestCommitScoresNothing(t *testing.T) {
	out, got := commitsNothing(t, ReportFile, func(s beam.Scope, out string) beam.PCollection {
		return CommitScores(s, CommitScoresParams{Output: out, Classes: semidavil.Cityscapes19}, beam.ParDo(s, byNetwork, beam.CreateList(s, []namedTally{})), beam.CreateList(s, []ImageScore{}), beam.CreateList(s, []shards.Reject{}))
	})
	if names := strings.Join(slices.Sorted(maps.Keys(got)), " "); names != "images.jsonl rejects.jsonl report.json report.md" || got[TableFile] != "No image could be scored.\n" {
		t.Errorf("%s, table %q", names, got[TableFile])
	}
	if e, err := ReadEvaluation(t.Context(), out); err != nil || len(e.Networks) != 0 || e.Columns() != nil {
		t.Errorf("%+v %v", e, err)
	}
}

// TestCommitScoresFaults: counts of other classes are a fault, and an output that does not
// become whole has no report.
func TestCommitScoresFaults(t *testing.T) {
	out := t.TempDir()
	commit := func(s beam.Scope, n namedTally) {
		CommitScores(s, CommitScoresParams{Output: out, Classes: semidavil.Cityscapes19}, beam.ParDo(s, byNetwork, beam.CreateList(s, []namedTally{n})), beam.CreateList(s, []ImageScore{}), beam.CreateList(s, []shards.Reject{}))
	}
	ends(t, "matrix of 2 classes, cityscapes19 has 19", func(s beam.Scope) { commit(s, tallyOf(t, "student", 2, []uint8{0}, []uint8{1}, nil)) })
	fixture.Write(t, out, "iou.svg/folder", nil)
	ends(t, "iou.svg", func(s beam.Scope) { commit(s, tallyOf(t, "student", 19, []uint8{0}, []uint8{1}, nil)) })
	if _, err := os.Stat(filepath.Join(out, ReportFile)); err == nil {
		t.Error("the report is not the last file")
	}
	if _, err := ReadEvaluation(t.Context(), out); err == nil || !strings.Contains(err.Error(), out+" is not a finished output of evaluate") {
		t.Error(err)
	}
	fixture.Write(t, out, ReportFile, []byte("{"))
	if _, err := ReadEvaluation(t.Context(), out); err == nil || !strings.Contains(err.Error(), out+"/report.json: ") {
		t.Error(err)
	}
}
