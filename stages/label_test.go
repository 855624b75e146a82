package stages

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/apache/beam/sdks/v2/go/pkg/beam"

	"semidavil"
	"semidavil/internal/fixture"
	"semidavil/runners/runnerstest"
	"semidavil/transforms/pixels/fastpng"
	"semidavil/transforms/pseudo"
	"semidavil/transforms/shards"
)

// TestOneBadLabel: a prediction that cannot be labelled is a
// row of the rejects, and all other labels come out as they do without it.
func TestOneBadLabel(t *testing.T) {
	set := semidavil.Cityscapes19
	run := func(way string, names ...string) map[string]string {
		t.Helper()
		out := t.TempDir()
		predicted := Predicted{Name: "p"}
		for _, name := range names {
			label, second, confidence := make([]uint8, 12), make([]uint8, 12), make([]float32, 12)
			for i := range label {
				label[i], second[i], confidence[i] = uint8(i), uint8(i+1), 0.9
			}
			p, err := pseudo.NewPrediction(4, 3, label, second, confidence, make([]float32, 12))
			if err != nil {
				t.Fatal(err)
			}
			data, err := pseudo.Encode(p)
			if err != nil {
				t.Fatal(err)
			}
			if name == "damaged" {
				data = data[:len(data)/2]
			}
			fixture.Write(t, out, "predictions/"+name+".prediction", data)
			predicted.Images = append(predicted.Images, PredictedImage{Key: name, Image: name + ".png", Place: name})
		}
		values := make([]uint32, set.Len())
		for i := range values {
			values[i] = pseudo.One / 2
		}
		err := runnerstest.Run(t, way, func(s beam.Scope) {
			parts := Label(s, LabelParams{Output: out, Classes: set, Compression: fastpng.Fast}, beam.Create(s, predicted), beam.Create(s, Thresholds{Values: values}))
			CommitLabels(s, CommitLabelsParams{Output: out, Classes: set}, parts, beam.CreateList(s, []shards.Reject{}))
		})
		if err != nil {
			t.Fatalf("%s: %v", way, err)
		}
		if err := os.RemoveAll(filepath.Join(out, "predictions")); err != nil {
			t.Fatal(err)
		}
		return files(t, out)
	}
	want := run("prism", "a", "b")
	const bad = "damaged"
	for _, way := range []string{"prism", "worker"} {
		got := run(way, "a", bad, "b")
		rejects := got[RejectsFile]
		for _, part := range []string{`"key":"` + bad + `"`, `"path":"` + bad + `.png"`, `"stage":"label"`} {
			if !strings.Contains(rejects, part) || strings.Count(rejects, "\n") != 1 {
				t.Errorf("%s on %s: %s, want %s", bad, way, rejects, part)
			}
		}
		got[RejectsFile] = want[RejectsFile]
		same(t, got, want)
	}
}
