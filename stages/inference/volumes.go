package inference

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"

	"semidavil"
	"semidavil/internal/parallel"
	"semidavil/internal/store"
	"semidavil/model/infer"
	"semidavil/stages/plans"
	"semidavil/stages/rejects"
	"semidavil/transforms/datasets"
	"semidavil/transforms/samples"
	"semidavil/transforms/shards"
	"semidavil/transforms/volumes/nifti"
	"semidavil/transforms/volumes/resample"
)

// VolumeNetworkParams name a network on volumes and what computes it.
type VolumeNetworkParams struct {
	Backend string
	// Stamp is as in [NetworkParams].
	Stamp string
	// Checkpoint is a file of train; Network is "student" or "teacher".
	Checkpoint, Network string
	// Overlap is that of the windows.
	Overlap float64
}

// volumeNetwork is the network of the process; it predicts one volume at a time.
type volumeNetwork struct {
	*infer.VolumePredictor
	turn chan struct{}
}

var volumeNetworks parallel.Cache[volumeNetwork]

func openVolumeNetwork(ctx context.Context, p VolumeNetworkParams) (volumeNetwork, error) {
	name, err := json.Marshal(p)
	if err != nil {
		return volumeNetwork{}, fmt.Errorf("stages: open network: %w", err)
	}
	return volumeNetworks.Get(string(name), func() (none volumeNetwork, err error) {
		b, err := openBackend(ctx, p.Backend, p.Checkpoint, p.Stamp)
		if err != nil {
			return none, err
		}
		predictor, _, err := infer.OpenVolumes(ctx, b.Backend, p.Checkpoint, p.Network, p.Overlap)
		return volumeNetwork{predictor, make(chan struct{}, 1)}, err
	})
}

// VolumeParams say where volumes come from, data sets or shards, and which network sees them.
type VolumeParams struct {
	Sets []plans.DataSet
	// Follow permits links out of the roots.
	Follow bool
	// Values is how a network wants the values of raw volumes.
	Values shards.Volumes
	// Network predicts; nil does not.
	Network *VolumeNetworkParams
	// Labels are wanted.
	Labels bool
}

// Volume is one volume, ready for people and networks.
type Volume struct {
	Ref semidavil.Ref
	// Values have the network's grid, and Grid and Spacing are the volume's own.
	Values  semidavil.Volume
	Grid    semidavil.Grid
	Spacing [3]float64
	// File is the NIfTI file; nil of a shard, whose own grid is that of Values.
	File *nifti.File
	// SHA256 is that of the file in hexadecimal digits; empty of a shard.
	SHA256 string
	// Truth is the label at the own grid, empty where there is none.
	Truth semidavil.LabelVolume
	// Prediction is the network's, at the own grid.
	Prediction infer.VolumePrediction
}

// Volumes reads volumes and predicts. It is for one goroutine.
type Volumes struct {
	params   VolumeParams
	adapters map[string]datasets.Adapter
	network  volumeNetwork
}

// OpenVolumes opens the network of the process.
func OpenVolumes(ctx context.Context, p VolumeParams) (*Volumes, error) {
	v := &Volumes{params: p, adapters: map[string]datasets.Adapter{}}
	for _, set := range p.Sets {
		a, err := set.Adapter()
		if err != nil {
			return nil, err
		}
		v.adapters[a.Name] = a
	}
	var err error
	if p.Network != nil {
		v.network, err = openVolumeNetwork(ctx, *p.Network)
	}
	return v, err
}

// Each calls found with every volume of a plan, and its position, or with the reject of one that
// could not be read or predicted. Errors are those of the run, and of found.
func (v *Volumes) Each(ctx context.Context, plan plans.Plan, found func(n int, volume *Volume) error, reject func(shards.Reject)) error {
	n := -1
	for s, err := range sources(ctx, plan, nil) {
		if err != nil {
			return err
		}
		n++
		var volume *Volume
		stage := "load"
		err := rejects.Guard(ctx, "predict", s.planned.Ref, func() (err error) {
			if volume, err = v.read(ctx, s); err != nil {
				if errors.As(err, new(unread)) {
					stage = rejects.Read
				}
				return err
			}
			stage = "predict"
			return v.predict(ctx, volume)
		})
		if err := rejects.OfRun(ctx, err); err != nil {
			return err
		}
		if err != nil {
			reject(rejects.Of(s.planned.Ref, stage, err))
			continue
		}
		if err := found(n, volume); err != nil {
			return err
		}
	}
	return nil
}

// unread marks errors of files that could not be read.
type unread struct{ error }

func (u unread) Unwrap() error { return u.error }

func (v *Volumes) read(ctx context.Context, s source) (*Volume, error) {
	if s.stored != nil {
		return v.readStored(s)
	}
	ref := s.planned.Ref
	out := &Volume{Ref: ref}
	file := func(root, name string) ([]byte, error) {
		data, err := store.ReadBelow(ctx, nil, root, name, store.Links(v.params.Follow))
		if err != nil {
			return nil, unread{rejects.BelowRoot(root, err)}
		}
		return data, nil
	}
	data, err := file(ref.Root, ref.Image)
	if err != nil {
		return nil, err
	}
	volume, err := samples.ReadVolume(data, v.params.Values)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", ref.Image, err)
	}
	sum := sha256.Sum256(data)
	out.SHA256 = hex.EncodeToString(sum[:])
	out.Values, out.Grid, out.Spacing, out.File = volume.Values, volume.Source, volume.File.Spacing(), volume.File
	if !v.params.Labels || ref.Label == "" {
		return out, nil
	}
	if data, err = file(cmp.Or(ref.LabelRoot, ref.Root), ref.Label); err != nil {
		return nil, err
	}
	if out.Truth, err = samples.ReadVolumeLabel(data, v.adapters[ref.Dataset].Tables[ref.Encoding], volume.File); err != nil {
		return nil, fmt.Errorf("%s: %w", ref.Label, err)
	}
	return out, nil
}

func (v *Volumes) readStored(s source) (*Volume, error) {
	if s.stored.Meta.Volume == nil {
		return nil, errors.New("the sample is an image, not a volume")
	}
	values, err := shards.DecodeVolume(s.stored.Volume)
	if err != nil {
		return nil, err
	}
	values.Spacing = s.stored.Meta.Volume.Spacing
	out := &Volume{Ref: s.planned.Ref, Values: values, Grid: values.Grid, Spacing: values.Spacing}
	if v.params.Labels && s.stored.Label != nil {
		if out.Truth, err = shards.DecodeLabels(s.stored.Label); err != nil {
			return nil, err
		}
		out.Truth.Spacing = values.Spacing
	}
	return out, nil
}

// predict runs the network, where there is one, when it is its turn.
func (v *Volumes) predict(ctx context.Context, volume *Volume) (err error) {
	if v.params.Network == nil {
		return nil
	}
	select {
	case v.network.turn <- struct{}{}:
		defer func() { <-v.network.turn }()
	case <-ctx.Done():
		return ctx.Err()
	}
	volume.Prediction, err = v.network.Predict(ctx, volume.Values, volume.Grid)
	return err
}

// AtOwnGrid are the values at the volume's own grid.
func (v *Volume) AtOwnGrid() (semidavil.Volume, error) {
	if v.Grid == v.Values.Grid {
		return v.Values, nil
	}
	out := semidavil.Volume{Grid: v.Grid}
	err := resample.Trilinear(&out, v.Values)
	return out, err
}
