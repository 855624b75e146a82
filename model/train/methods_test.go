package train

import (
	"context"
	"errors"
	"testing"

	"semidavil/internal/fixture/prepared"
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

// TestMethods: each method runs, a killed training ends with the same bytes, and the best weights
// predict on their own.
func TestMethods(t *testing.T) {
	data := volumeData(t)
	for _, kind := range methods.Kinds() {
		t.Run(kind, func(t *testing.T) {
			whole := methodConfig(data, t.TempDir(), kind, 6)
			var unlabelled float64
			if _, err := runVolumes(t, t.Context(), whole, Watcher{Step: func(p Progress) { unlabelled += p.Consistency }}); err != nil {
				t.Fatal(err)
			}
			// The teacher of uamt is certain of nothing yet.
			if supervised := methods.Supervised(kind); supervised != (unlabelled == 0) && kind != "uamt" {
				t.Errorf("the losses on unlabelled volumes add up to %v", unlabelled)
			}
			killed := methodConfig(data, t.TempDir(), kind, 6)
			t.Setenv(methodVariable, kind)
			kill(t, volumesChildVariable, data, killed.Output)
			if s, err := runVolumes(t, t.Context(), killed, Watcher{}); err != nil || s.Resumed != 4 {
				t.Fatalf("%+v, %v", s, err)
			}
			sameCheckpoint(t, 6, killed.Output, whole.Output)
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

// TestMethodsOnImages: two networks learn from each other, an interrupted training ends with the same
// bytes, and both predict.
func TestMethodsOnImages(t *testing.T) {
	data := prepared.Write(t, prepared.Small)
	for _, kind := range methods.Kinds() {
		if !methods.ForImages(kind) {
			continue
		}
		t.Run(kind, func(t *testing.T) {
			config := func() Config {
				c := testConfig(data, t.TempDir())
				c.Method = &methods.Config{Kind: kind, Loss: c.Loss, Threshold: 0.1}
				c.IndependentTeacher, c.Steps, c.EvaluateEvery, c.CheckpointEvery, c.Vision = true, 4, 4, 2, "all"
				return c
			}
			whole := config()
			var first Losses
			s, err := Run(t.Context(), open(t), whole, Watcher{Step: func(p Progress) {
				if p.Step == 1 {
					first = p.Losses
				}
			}})
			if err != nil {
				t.Fatal(err)
			}
			if !(first.Consistency > 0) || s.Teacher.Images == 0 {
				t.Errorf("losses %+v, second network %+v", first, s.Teacher)
			}
			parts := config()
			ctx, cancel := context.WithCancel(t.Context())
			if _, err := Run(ctx, open(t), parts, Watcher{Step: func(p Progress) {
				if p.Step == 3 {
					cancel()
				}
			}}); !errors.Is(err, context.Canceled) {
				t.Fatal(err)
			}
			if s, err := Run(t.Context(), open(t), parts, Watcher{}); err != nil || s.Resumed != 3 {
				t.Fatalf("%+v, %v", s, err)
			}
			sameCheckpoint(t, 4, parts.Output, whole.Output)
			// Both learn, apart: what starts alike would stay alike.
			state, err := checkpoint.Read(t.Context(), checkpoint.Path(whole.Output, 4))
			if err != nil {
				t.Fatal(err)
			}
			start, err := checkpoint.Read(t.Context(), checkpoint.Path(whole.Output, 2))
			if err != nil {
				t.Fatal(err)
			}
			for _, network := range []string{Student, Teacher} {
				if state.Values.Under(network).Digest() == start.Values.Under(network).Digest() {
					t.Errorf("%s learns nothing", network)
				}
			}
			const name = "/decoder/head/weight"
			if a, b := state.Values[Student+name], state.Values[Teacher+name]; a != nil && b != nil && a.Data().([]float32)[0] == b.Data().([]float32)[0] {
				t.Error("both networks are alike")
			}
		})
	}
}
