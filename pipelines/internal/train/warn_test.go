package train

import (
	"slices"
	"strings"
	"testing"

	"semidavil/configs"
	"semidavil/internal/fixture/prepared"
)

// TestWarn: settings that do not fit the data are told, each by what is wrong; others not.
func TestWarn(t *testing.T) {
	whole := prepared.Write(t, prepared.Options{W: 64, H: 32, Counts: [5]int{3, 2, 2, 1}})
	unscored := prepared.Write(t, prepared.Options{W: 64, H: 32, Counts: [5]int{3, 2, 2, 0}})
	for want, change := range map[string]func(*configs.Train){
		"":                  func(*configs.Train) {},
		"has no val images": func(c *configs.Train) { c.Data = unscored },
		"700 steps go 233 times over the 3 source images":                  func(c *configs.Train) { c.Steps = 700 },
		"crops of 64x48 are larger than images (labelled 64x32): the rest": func(c *configs.Train) { c.Crop, c.Batch = "64x48", [3]int{0, 1, 0} },
		"96x32 are larger than images (source 64x32, unlabelled 64x32): ":  func(c *configs.Train) { c.Crop, c.Batch = "96x32", [3]int{1, 0, 1} },
	} {
		cfg := configs.DefaultTrain()
		cfg.Data, cfg.Steps, cfg.Crop, cfg.Batch = whole, 20, "64x32", [3]int{1, 1, 1}
		change(&cfg)
		got := warn(t.Context(), cfg)
		if ok := len(got) == 1 && strings.Contains(got[0], want); want == "" && len(got) > 0 || want != "" && !ok {
			t.Errorf("%q, want one with %q", got, want)
		}
	}
	cfg := configs.DefaultTrain()
	cfg.Data = t.TempDir()
	if got := warn(t.Context(), cfg); !slices.Equal(got, nil) {
		t.Errorf("%q of no data", got)
	}
}
