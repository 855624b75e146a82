package loader

import (
	"context"
	"fmt"
	"iter"
	"math/rand/v2"
	"os"

	"gorgonia.org/tensor"

	"semidavil"
	"semidavil/transforms/augment"
	"semidavil/transforms/classstats"
	"semidavil/transforms/shards"
)

// Patches is what one step of a training on volumes learns from. It belongs to its receiver.
type Patches struct {
	// Volumes f32[S+L+U,D,H,W,1] holds values of 0 to 1: of source volumes, of labelled ones, and of
	// unlabelled ones.
	Volumes *tensor.Dense
	// Labels u8[S+L,D,H,W] are train ids, 255 ignored.
	Labels *tensor.Dense
	// Valid u8[U,D,H,W] is 0 where an unlabelled patch is outside of its volume; nil without such.
	Valid *tensor.Dense
	// Keys name the samples of Volumes.
	Keys []string
}

// Patches makes the patches of steps first, first+1 and so on without end, ahead of their use.
// Those of a step depend on the configuration, the data and the step only. Errors name the
// shard and the sample at fault.
func (f *Loader) Patches(ctx context.Context, first int) iter.Seq2[*Patches, error] {
	return ordered(ctx, f.cfg, first, endless, f.patches)
}

func (f *Loader) patches(ctx context.Context, step int) (*Patches, error) {
	recipe := f.cfg.Volumes.PatchRecipe
	size, n, u := recipe.Voxels(), f.source.count+f.labelled.count, f.unlabelled.count
	values, ids, valid := make([]float32, (n+u)*size), make([]uint8, n*size), make([]uint8, u*size)
	out := &Patches{}
	for _, from := range []*stream{&f.source, &f.labelled, &f.unlabelled} {
		for j := range from.count {
			if err := ctx.Err(); err != nil {
				return nil, err
			}
			slot := uint64(step)*uint64(from.count) + uint64(j)
			s := from.at(slot)
			x, err := f.volume(s)
			if err != nil {
				return nil, err
			}
			rng := augment.Rand(f.cfg.Seed, s.key, from.name+" patch", slot)
			at := len(out.Keys)
			if at < n {
				p := recipe.Draw(rng, s.grid, x.centre(rng, f.cfg.Volumes.Foreground))
				p.Volume(values[at*size:(at+1)*size], &x.values)
				p.Labels(ids[at*size:(at+1)*size], &x.label)
			} else {
				p := recipe.Draw(rng, s.grid, -1)
				p.Volume(values[at*size:(at+1)*size], &x.values)
				p.Valid(valid[(at-n)*size:(at-n+1)*size], &x.values)
			}
			out.Keys = append(out.Keys, s.key)
		}
	}
	out.Volumes = tensor.New(tensor.WithShape(n+u, recipe.D, recipe.H, recipe.W, 1), tensor.WithBacking(values))
	out.Labels, out.Valid = dense(ids, n, recipe.D, recipe.H, recipe.W), dense(valid, u, recipe.D, recipe.H, recipe.W)
	return out, nil
}

// volume is a decoded sample.
type volume struct {
	values semidavil.Volume
	label  semidavil.LabelVolume // empty for unlabelled samples
	// places are the voxels of each class but 0, those of one class after the other; class c
	// ends at ends[c].
	places []int32
	ends   []int32
}

// centre draws a voxel that a patch is to show, or -1 where it may show any.
func (x *volume) centre(rng *rand.Rand, foreground float64) int {
	if rng.Float64() >= foreground || len(x.places) == 0 {
		return -1
	}
	var classes [][2]int32 // first and end of the places of those that are there
	for c := 1; c < len(x.ends); c++ {
		if from, to := x.ends[c-1], x.ends[c]; to > from {
			classes = append(classes, [2]int32{from, to})
		}
	}
	c := classes[rng.IntN(len(classes))]
	return int(x.places[c[0]+rng.Int32N(c[1]-c[0])])
}

// find fills in the places of classes, of which there are so many.
func (x *volume) find(counts []uint64) {
	x.ends = make([]int32, len(counts))
	total := int32(0)
	at := make([]int32, len(counts))
	for c := 1; c < len(counts); c++ {
		at[c] = total
		total += int32(counts[c])
		x.ends[c] = total
	}
	x.places = make([]int32, total)
	for i, id := range x.label.IDs {
		if id != 0 && id != semidavil.Ignore {
			x.places[at[id]] = int32(i)
			at[id]++
		}
	}
}

// volume returns a decoded sample, which must not be changed, from the cache where it had room.
func (f *Loader) volume(s *sample) (*volume, error) {
	if x := s.decoded.Load(); x != nil {
		return x, nil
	}
	x, err := f.decodeVolume(s)
	if err != nil {
		return nil, err
	}
	need := int64(s.grid.Voxels()) * 5
	if f.cacheLeft.Add(-need) < 0 || !s.decoded.CompareAndSwap(nil, x) {
		f.cacheLeft.Add(need)
	}
	return x, nil
}

// decodeVolume reads and decodes the volume and the label of a sample.
func (f *Loader) decodeVolume(s *sample) (*volume, error) {
	file, err := os.Open(s.shard.path)
	if err != nil {
		return nil, s.fail("read", err)
	}
	defer file.Close()
	t, free := f.getTools()
	defer free()
	if err := t.read(file, s.files.volume); err != nil {
		return nil, s.fail("read volume of", err)
	}
	x := new(volume)
	if x.values, err = shards.DecodeVolume(t.file); err != nil {
		return nil, s.fail("decode volume of", err)
	}
	if x.values.Grid != s.grid {
		return nil, s.fail("decode volume of", fmt.Errorf("its grid is %v, its description says %v", x.values.Grid, s.grid))
	}
	x.values.Spacing = s.spacing
	if s.files.label.n == 0 {
		return x, nil
	}
	data := make([]byte, s.files.label.n) // which the labels keep
	if _, err := file.ReadAt(data, s.files.label.at); err != nil {
		return nil, s.fail("read label of", err)
	}
	if x.label, err = shards.DecodeLabels(data); err != nil {
		return nil, s.fail("decode label of", err)
	}
	if x.label.Grid != s.grid {
		return nil, s.fail("decode label of", fmt.Errorf("its grid is %v, its volume's %v", x.label.Grid, s.grid))
	}
	x.label.Spacing = s.spacing
	counts, _, err := classstats.Histogram(&semidavil.LabelMap{W: len(x.label.IDs), H: 1, Pix: x.label.IDs}, len(f.manifest.Classes))
	if err != nil {
		return nil, s.fail("decode label of", err)
	}
	x.find(counts)
	return x, nil
}

// VolumeExample is a whole sample of volumes.
type VolumeExample struct {
	Key    string
	Volume semidavil.Volume
	Label  semidavil.LabelVolume // empty for unlabelled samples
}

// Volumes yields the samples of a subset in the order of their keys, decoded ahead of their use.
// After an error it ends.
func (f *Loader) Volumes(ctx context.Context, subset semidavil.Subset) iter.Seq2[VolumeExample, error] {
	samples := f.samples[subset]
	cfg := f.cfg
	cfg.Prefetch = 1 // they are large
	return ordered(ctx, cfg, 0, len(samples), func(ctx context.Context, n int) (VolumeExample, error) {
		if err := ctx.Err(); err != nil {
			return VolumeExample{}, err
		}
		x, err := f.decodeVolume(samples[n])
		if err != nil {
			return VolumeExample{}, err
		}
		return VolumeExample{Key: samples[n].key, Volume: x.values, Label: x.label}, nil
	})
}
