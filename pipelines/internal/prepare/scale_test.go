package prepare

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/apache/beam/sdks/v2/go/pkg/beam"

	"semidavil/configs"
	"semidavil/internal/fixture"
	"semidavil/pipelines"
	"semidavil/runners"
)

// sentence is a caption as long as CLIP reads, 77 tokens.
var sentence = strings.TrimSpace(strings.Repeat("a city street with parked cars, people on the sidewalk and traffic lights ", 5))

// TestShuffledBytes: only references cross a shuffle. Pixels would be hundreds of times as
// much. SEMIDAVIL_SCALE=N takes N images and prints what went through each shuffle.
func TestShuffledBytes(t *testing.T) {
	images := 240
	if text := os.Getenv("SEMIDAVIL_SCALE"); text != "" {
		var err error
		if images, err = strconv.Atoi(text); err != nil {
			t.Fatal(err)
		}
	}
	gta, city := t.TempDir(), t.TempDir()
	fixture.GTA5(t, gta, images/2)
	fixture.Cityscapes(t, city, images/8, images/40, images/2-images/8-images/40)
	for i := range images / 2 {
		fixture.Write(t, gta, fmt.Sprintf("images/%05d.txt", i+1), []byte(sentence))
	}
	cfg := configs.DefaultPrepare()
	cfg.Output, cfg.Source, cfg.Target, cfg.Labelled = t.TempDir(), []string{"gta5:" + gta}, []string{"cityscapes:" + city}, "10"
	cfg.SourceSize, cfg.TargetSize = "24x15", "32x16"
	p, err := newPlan(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	pipeline, scope := beam.NewPipelineWithRoot()
	pipelines.Prepare(scope, p)
	result, err := runners.Run(t.Context(), pipeline, runners.Options{Name: "scale"})
	if err != nil {
		t.Fatal(err)
	}
	var elements, bytes int64
	for _, s := range result.Shuffles {
		t.Logf("%-60s %8d elements %12d bytes %10.1f a sample", s.Name, s.Elements, s.Bytes, float64(s.Bytes)/float64(images))
		elements += s.Elements
		bytes += s.Bytes
	}
	each := float64(bytes) / float64(images)
	t.Logf("%d images in %.1f s: %d elements, %d bytes, %.0f a sample", images, result.Wall.Seconds(), elements, bytes, each)
	if len(result.Shuffles) < 4 || elements < int64(images) {
		t.Errorf("the runner tells of %d elements in %d shuffles only", elements, len(result.Shuffles))
	}
	if each < 100 || each > 4096 {
		t.Errorf("%.0f bytes a sample are shuffled, want at most 4096", each)
	}
}
