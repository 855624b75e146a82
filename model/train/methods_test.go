package train

import (
	"context"
	"errors"
	"testing"

	"semidavil/model/checkpoint"
	"semidavil/model/infer"
	"semidavil/model/methods"
)

// methodConfig is a short training of a method with unlabelled volumes.
func methodConfig(data, output, kind string, steps int) VolumeConfig {
	c := volumeConfig(data, output, steps)
	c.Method.Kind, c.Method.Threshold = kind, 0.5
	c.Lambda, c.LambdaRamp, c.Alpha = 0.5, 1, 0.99
	if !methods.Supervised(kind) {
		c.Loader.Unlabelled = 2
	}
	if kind == "urpc" {
		c.Network.Levels = 3
	}
	return c
}

// TestMethods: each method runs, an interrupted training ends with the same bytes, and the best weights
// predict on their own.
func TestMethods(t *testing.T) {
	data := volumeData(t)
	for _, kind := range methods.Kinds() {
		t.Run(kind, func(t *testing.T) {
			whole := methodConfig(data, t.TempDir(), kind, 4)
			var unlabelled float64
			if _, err := runVolumes(t, t.Context(), whole, Watcher{Step: func(p Progress) { unlabelled += p.Consistency }}); err != nil {
				t.Fatal(err)
			}
			// The teacher of uamt is certain of nothing yet.
			if supervised := methods.Supervised(kind); supervised != (unlabelled == 0) && kind != "uamt" {
				t.Errorf("the losses on unlabelled volumes add up to %v", unlabelled)
			}
			parts := methodConfig(data, t.TempDir(), kind, 4)
			ctx, cancel := context.WithCancel(t.Context())
			if _, err := runVolumes(t, ctx, parts, Watcher{Step: func(p Progress) {
				if p.Step == 3 {
					cancel()
				}
			}}); !errors.Is(err, context.Canceled) {
				t.Fatal(err)
			}
			if s, err := runVolumes(t, t.Context(), parts, Watcher{}); err != nil || s.Resumed != 3 {
				t.Fatalf("%+v, %v", s, err)
			}
			sameCheckpoint(t, 4, parts.Output, whole.Output)
			p, facts, err := infer.OpenVolumes(t.Context(), open(t).Backend, checkpoint.BestPath(whole.Output), Student, 0.5)
			if err != nil {
				t.Fatal(err)
			}
			defer p.Close()
			if facts.Method != kind {
				t.Errorf("facts %+v", facts)
			}
		})
	}
}
