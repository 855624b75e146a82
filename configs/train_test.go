package configs

import (
	"flag"
	"io"
	"strings"
	"testing"
)

// TestBatch: three numbers, as a flag and in YAML.
func TestBatch(t *testing.T) {
	for arg, want := range map[string]string{"4,0,0": "", "1, 2,3": "", "4,4": "three numbers", "4,4,x": "three numbers", "": "three numbers",
		"1,2,3,4": "three numbers", "0,0,4": "no labelled images", "1,-1,2": "negative"} {
		cfg := DefaultTrain()
		fs := flag.NewFlagSet("", flag.ContinueOnError)
		fs.SetOutput(io.Discard)
		Bind(fs, &cfg)
		err := fs.Parse([]string{"--batch=" + arg})
		if err == nil {
			err = cfg.Validate()
		}
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("--batch=%s: %v, want %q", arg, err, want)
		}
	}
	for _, file := range []string{"batch: [4, 4]\n", "batch: [1, 2, 3, 4]\n"} {
		cfg := DefaultTrain()
		if err := Decode([]byte(file), &cfg); err == nil || !strings.Contains(err.Error(), "three") {
			t.Errorf("%q: %v", file, err)
		}
	}
}

// TestTrainFaults are all told at once.
func TestTrainFaults(t *testing.T) {
	cfg := DefaultTrain()
	cfg.Vision, cfg.Target, cfg.Steps, cfg.Crop, cfg.Alpha = "some", "x", 0, "5", 2
	err := cfg.Validate()
	for _, want := range []string{"frozen, attn, all", "hard, soft", "steps", "crop", "alpha"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}
