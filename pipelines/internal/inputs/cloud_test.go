package inputs

import (
	"flag"
	"strings"
	"testing"

	"semidavil/configs"
	"semidavil/internal/fixture/cloud"
)

// TestCloudConfig reads a --config in Cloud Storage.
func TestCloudConfig(t *testing.T) {
	server := cloud.Start(t)
	server.Put("c.yaml", "steps: 7\nseed: 3\n")
	given := flag.NewFlagSet("train", flag.ContinueOnError)
	cfg := configs.DefaultTrain()
	configs.Bind(given, &cfg)
	if err := given.Parse([]string{"--seed=4"}); err != nil {
		t.Fatal(err)
	}
	got, err := configs.Load(t.Context(), configs.DefaultTrain(), "gs://data/c.yaml", given)
	if err != nil || got.Steps != 7 || got.Seed != 4 {
		t.Errorf("%d steps, seed %d, %v", got.Steps, got.Seed, err)
	}
	if _, err := configs.Load(t.Context(), configs.DefaultTrain(), "gs://data/absent.yaml", given); err == nil || !strings.Contains(err.Error(), "gs://data/absent.yaml") {
		t.Error(err)
	}
}
