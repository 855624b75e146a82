package pseudolabel

import (
	"fmt"
	"testing"

	"github.com/apache/beam/sdks/v2/go/pkg/beam"

	"semidavil/internal/fixture"
	"semidavil/pipelines"
	"semidavil/runners"
	"semidavil/stages/inference"
)

// TestShuffledBytes: references and counts of confidences cross a shuffle, no pixels.
func TestShuffledBytes(t *testing.T) {
	const images = 48
	root := t.TempDir()
	for i := range images {
		fixture.Write(t, root, fmt.Sprintf("%02d.png", i), fixture.PNG(t, fixture.Picture(256, 128, i)))
	}
	cfg := settings(t, network(t), root)
	p, _, err := newPlan(t.Context(), &runners.Session{Runner: "prism"}, cfg)
	if err != nil {
		t.Fatal(err)
	}
	pipeline, scope := beam.NewPipelineWithRoot()
	pipelines.Pseudolabel(scope, p)
	result, err := runners.Run(t.Context(), pipeline, runners.Options{Name: "scale"})
	inference.Close()
	if err != nil {
		t.Fatal(err)
	}
	var elements, bytes int64
	for _, s := range result.Shuffles {
		t.Logf("%-60s %6d elements %9d bytes %8.1f a sample", s.Name, s.Elements, s.Bytes, float64(s.Bytes)/images)
		elements += s.Elements
		bytes += s.Bytes
	}
	each := float64(bytes) / images
	if len(result.Shuffles) < 3 || elements < images || each < 100 || each > 4096 {
		t.Errorf("%.0f bytes a sample are shuffled in %d elements, want at most 4096", each, elements)
	}
}
