package loader

import (
	"context"
	"reflect"
	"strings"
	"testing"

	"semidavil"
	"semidavil/internal/fixture/prepared"
	"semidavil/transforms/augment"
)

func openVolumes(t *testing.T, change func(*Config)) *Loader {
	t.Helper()
	cfg := Config{Dir: prepared.Write(t, prepared.Options{Volume: semidavil.Grid{D: 8, H: 16, W: 16}, Counts: [5]int{0, 3, 2, 2, 1}}),
		Labelled: 2, Volumes: &VolumeConfig{PatchRecipe: augment.PatchRecipe{Grid: semidavil.Grid{D: 4, H: 8, W: 8}, Rotate: 10}, Foreground: 0.5}}
	if change != nil {
		change(&cfg)
	}
	f, err := Open(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

func take(t *testing.T, f *Loader, first, n int) (out []*Patches) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	for p, err := range f.Patches(ctx, first) {
		if err != nil {
			t.Fatal(err)
		}
		if out = append(out, p); len(out) == n {
			break
		}
	}
	return out
}

// TestPatchesOfSteps: a step's patches depend on the step alone, not on the cache and the workers.
func TestPatchesOfSteps(t *testing.T) {
	all := take(t, openVolumes(t, nil), 0, 6)
	other := openVolumes(t, func(c *Config) { c.CacheBytes, c.Workers = -1, 3 })
	if late := take(t, other, 3, 3); !reflect.DeepEqual(late, all[3:]) {
		t.Error("steps 3 to 5 differ when they are the first ones")
	}
	seen := map[string]int{}
	for _, p := range all {
		if d := p.Volumes.Shape(); !d.Eq([]int{2, 4, 8, 8, 1}) {
			t.Fatalf("shape %v", d)
		}
		for _, key := range p.Keys {
			seen[key]++
		}
	}
	if len(seen) != 3 || seen["labelled_000"] != 4 {
		t.Errorf("12 patches are of %v: want 4 of each", seen)
	}
	if reflect.DeepEqual(all[0].Volumes, all[1].Volumes) {
		t.Error("two steps are alike")
	}
}

// TestForeground: patches that have to show a class do, each class as often as the others.
func TestForeground(t *testing.T) {
	f := openVolumes(t, func(c *Config) {
		c.Volumes.Foreground, c.Volumes.Rotate = 1, 0
		c.Volumes.Grid = semidavil.Grid{D: 1, H: 1, W: 1}
	})
	counts := [256]int{}
	for _, p := range take(t, f, 0, 150) {
		for _, id := range p.Labels.Data().([]uint8) {
			counts[id]++
		}
	}
	if counts[0] > 0 || min(counts[1], counts[2], counts[3]) < 70 {
		t.Errorf("patches of one voxel show %v", counts[:4])
	}
}

func TestVolumeExamples(t *testing.T) {
	f := openVolumes(t, nil)
	var keys []string
	for x, err := range f.Volumes(t.Context(), semidavil.Test) {
		if err != nil {
			t.Fatal(err)
		}
		keys = append(keys, x.Key)
		if x.Label.Grid != x.Volume.Grid || x.Volume.Spacing != [3]float64{3, 1.5, 1.5} {
			t.Errorf("%+v, %+v", x.Label.Grid, x.Volume.Grid)
		}
	}
	if len(keys) != 1 {
		t.Errorf("test has %v", keys)
	}
}

func TestVolumesAreNoImages(t *testing.T) {
	dir := prepared.Write(t, prepared.Options{Volume: semidavil.Grid{D: 8, H: 16, W: 16}, Counts: [5]int{1, 1}})
	_, err := Open(t.Context(), Config{Dir: dir, Source: 1, CropW: 8, CropH: 8, Strong: None})
	if err == nil || !strings.Contains(err.Error(), "it holds volumes, and images are asked for") {
		t.Error(err)
	}
}

// TestUnlabelledPatches follow the labelled ones, and are valid where their volume is.
func TestUnlabelledPatches(t *testing.T) {
	f := openVolumes(t, func(c *Config) {
		c.Unlabelled, c.Volumes.Rotate = 3, 0
		c.Volumes.Grid = semidavil.Grid{D: 12, H: 8, W: 8} // deeper than the volumes
	})
	all := take(t, f, 0, 2)
	for _, p := range all {
		if d := p.Volumes.Shape(); !d.Eq([]int{5, 12, 8, 8, 1}) || !p.Labels.Shape().Eq([]int{2, 12, 8, 8}) || !p.Valid.Shape().Eq([]int{3, 12, 8, 8}) {
			t.Fatalf("shapes %v, %v, %v", d, p.Labels.Shape(), p.Valid.Shape())
		}
		inside := 0
		for _, v := range p.Valid.Data().([]uint8) {
			inside += int(v)
		}
		if inside != 3*8*8*8 {
			t.Errorf("%d voxels are valid, want those of 8 slices", inside)
		}
		for i, key := range p.Keys {
			if labelled := strings.HasPrefix(key, "labelled"); labelled != (i < 2) {
				t.Errorf("patch %d is of %s", i, key)
			}
		}
	}
	if late := take(t, f, 1, 1); !reflect.DeepEqual(late, all[1:]) {
		t.Error("step 1 differs when it is the first one")
	}
	if p := take(t, openVolumes(t, nil), 0, 1); p[0].Valid != nil {
		t.Error("there are valid voxels of no unlabelled patches")
	}
}
