package train

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"testing"

	"semidavil"
	"semidavil/internal/fixture/prepared"
	"semidavil/internal/loader"
	"semidavil/model/checkpoint"
	"semidavil/model/infer"
	"semidavil/model/loss"
	"semidavil/model/methods"
	"semidavil/model/optim"
	"semidavil/model/vnet"
	"semidavil/transforms/augment"
)

// volumeData are volumes of 8x16x16 voxels with four classes.
func volumeData(t testing.TB) string {
	return prepared.Write(t, prepared.Options{Volume: semidavil.Grid{D: 8, H: 16, W: 16}, Counts: [5]int{0, 3, 1, 2, 1}})
}

// volumeConfig is a training of a small V-Net on patches of 8x8x8 voxels.
func volumeConfig(data, output string, steps int) VolumeConfig {
	return VolumeConfig{
		Output: output, Network: vnet.Config{Classes: prepared.Classes, Filters: 4, Levels: 2, Norm: "bn"}, Dropout: true,
		Method:    methods.Config{Kind: "vnet", Loss: dyce(), Dice: loss.DiceConstants(), DiceWeight: 1},
		Optimiser: optim.Config{Kind: "sgd", LR: 3e-2, Momentum: 0.9, WeightDecay: 3e-5}, Schedule: optim.ScheduleOf("poly"), Steps: steps, Seed: 3,
		Loader: loader.Config{Dir: data, Seed: 3, Labelled: 2, Workers: 2, Volumes: &loader.VolumeConfig{
			PatchRecipe: augment.PatchRecipe{Grid: semidavil.Grid{D: 8, H: 8, W: 8}, Rotate: 5}, Foreground: 0.5}},
		Overlap: 0.5, LogEvery: 2, EvaluateEvery: steps / 2, CheckpointEvery: 2, Keep: 100,
	}
}

func runVolumes(t testing.TB, ctx context.Context, c VolumeConfig, w Watcher) (VolumeSummary, error) {
	t.Helper()
	return RunVolumes(ctx, open(t), c, w)
}

// TestVolumesLearn: cubes that their values tell are found, and the best weights predict on their
// own what was scored.
func TestVolumesLearn(t *testing.T) {
	c := volumeConfig(volumeData(t), t.TempDir(), 200)
	c.Dropout, c.Optimiser.LR = false, 0.1
	s, err := runVolumes(t, t.Context(), c, Watcher{})
	if err != nil {
		t.Fatal(err)
	}
	if s.Student.Mean.Dice < 0.75 || s.Student.Volumes != 2 || len(s.Student.Organs) != prepared.Classes-1 {
		t.Errorf("mean Dice %v of %d volumes, want above 75 of 2: %v", s.Student.Mean.Dice, s.Student.Volumes, s.Student.Organs)
	}
	rows, err := ReadMetrics(t.Context(), c.Output)
	if err != nil || rows[len(rows)-1].Organs == nil || rows[len(rows)-1].Organs.Mean != s.Student.Mean || !(rows[0].Losses.Dice > 0) {
		t.Errorf("last row %+v, %v", rows[len(rows)-1], err)
	}
	p, facts, err := infer.OpenVolumes(t.Context(), open(t).Backend, checkpoint.BestPath(c.Output), Student, 0.5)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	if facts.Patch != c.Loader.Volumes.Grid || facts.ClassSet.Len() != prepared.Classes || facts.Values.Window != [2]float64{-75, 275} {
		t.Errorf("facts %+v", facts)
	}
	l, err := loader.Open(t.Context(), loader.Config{Dir: c.Loader.Dir})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	for x, err := range l.Volumes(t.Context(), semidavil.Test) {
		if err != nil {
			t.Fatal(err)
		}
		got, err := p.Predict(t.Context(), x.Volume, x.Volume.Grid)
		if err != nil {
			t.Fatal(err)
		}
		right, counted := 0, 0
		for i, id := range x.Label.IDs {
			if id != semidavil.Ignore {
				counted++
				if got.IDs[i] == id {
					right++
				}
			}
			if c := float64(got.Confidence[i]); !(c > 0.2 && c <= 1.00001) {
				t.Fatalf("confidence %v", c)
			}
		}
		if share := float64(right) / float64(counted); share < 0.8 {
			t.Errorf("%.2f of the voxels are right", share)
		}
		// On a grid of half the distances each voxel has eight, of which most are of its class. The
		// volume on top of itself takes windows above each other.
		tall := x.Volume
		tall.D, tall.Values = 2*tall.D, slices.Concat(tall.Values, tall.Values)
		own, err := p.Predict(t.Context(), tall, tall.Grid)
		if err != nil {
			t.Fatal(err)
		}
		fine := semidavil.Grid{D: 2 * tall.D, H: 2 * tall.H, W: 2 * tall.W}
		large, err := p.Predict(t.Context(), tall, fine)
		if err != nil || len(large.IDs) != fine.Voxels() || len(large.Confidence) != fine.Voxels() {
			t.Fatalf("%d voxels, want %d: %v", len(large.IDs), fine.Voxels(), err)
		}
		same := 0
		for i, id := range large.IDs {
			d, h, w := i/(fine.H*fine.W), i/fine.W%fine.H, i%fine.W
			if id == own.IDs[(d/2*tall.H+h/2)*tall.W+w/2] {
				same++
			}
		}
		if share := float64(same) / float64(fine.Voxels()); share < 0.85 {
			t.Errorf("%.2f of the voxels have the class that they have at the volume's own grid", share)
		}
	}
	if _, _, err := infer.OpenVolumes(t.Context(), open(t).Backend, checkpoint.BestPath(c.Output), Teacher, 0.5); err == nil {
		t.Error("a teacher was found")
	}
	if _, err := infer.ReadFacts(t.Context(), checkpoint.BestPath(c.Output)); err == nil {
		t.Error("facts of a network on images were found")
	}
}

// TestVolumesResume: an interrupted training ends with the same bytes, dropout and patches too.
func TestVolumesResume(t *testing.T) {
	data := volumeData(t)
	whole := volumeConfig(data, t.TempDir(), 6)
	if _, err := runVolumes(t, t.Context(), whole, Watcher{}); err != nil {
		t.Fatal(err)
	}
	parts := volumeConfig(data, t.TempDir(), 6)
	ctx, cancel := context.WithCancel(t.Context())
	if _, err := runVolumes(t, ctx, parts, Watcher{Step: func(p Progress) {
		if p.Step == 3 {
			cancel()
		}
	}}); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	if _, err := runVolumes(t, t.Context(), parts, Watcher{}); err != nil {
		t.Fatal(err)
	}
	sameCheckpoint(t, 6, parts.Output, whole.Output)
	if !bytes.Equal(read(t, checkpoint.BestPath(parts.Output)), read(t, checkpoint.BestPath(whole.Output))) {
		t.Error("the best weights differ")
	}
	killed := volumeConfig(data, t.TempDir(), 6)
	kill(t, volumesChildVariable, data, killed.Output)
	if s, err := runVolumes(t, t.Context(), killed, Watcher{}); err != nil || s.Resumed != 4 {
		t.Errorf("%+v, %v", s, err)
	}
	sameCheckpoint(t, 6, killed.Output, whole.Output)
	if !bytes.Equal(read(t, checkpoint.BestPath(killed.Output)), read(t, checkpoint.BestPath(whole.Output))) {
		t.Error("the best weights differ after a kill")
	}
	other := parts
	other.Loader.Volumes = &loader.VolumeConfig{PatchRecipe: parts.Loader.Volumes.PatchRecipe, Foreground: 0.25}
	if _, err := runVolumes(t, t.Context(), other, Watcher{}); err == nil {
		t.Error("a training with other patches was resumed")
	}
}
