package inputs

import (
	"context"
	"fmt"

	"semidavil"
	"semidavil/configs"
	"semidavil/model/backend"
	"semidavil/model/infer"
	"semidavil/pipelines"
	"semidavil/runners"
	"semidavil/stages"
	"semidavil/stages/inference"
	"semidavil/stages/plans"
	"semidavil/transforms/shards"
)

// AreVolumes reports whether a request is for volumes: a prepared output of them, or a data set whose
// images are NIfTI files. What cannot be read is left to [Find].
func AreVolumes(ctx context.Context, r Request) bool {
	if prepared, err := isPrepared(ctx, r.From); err == nil && prepared {
		m, err := stages.ReadManifest(ctx, r.From)
		return err == nil && m.Volumes != nil
	}
	if !isDataSet(r.From) {
		return false
	}
	set, err := DataSet(ctx, r.From)
	if err != nil {
		return false
	}
	adapter, err := set.Adapter()
	return err == nil && adapter.Volumes
}

// FindVolumes lists the volumes of a request without reading them, and says how networks see them.
// Their values are those of the network's data; without a network, which may be nil, they are only
// looked at, in the window that prepare has by default.
func FindVolumes(ctx context.Context, follow bool, r Request, network *VolumeNetwork) (p pipelines.ImagesParams, v inference.VolumeParams, classes semidavil.ClassSet, err error) {
	p = pipelines.ImagesParams{Assign: stages.AssignParams{PerShard: r.Group}, LabelsOnly: true}
	v = inference.VolumeParams{Follow: follow, Labels: r.Labels, Values: shards.Volumes{Window: configs.DefaultPrepare().Values}}
	if network != nil {
		v.Network, v.Values = &network.Params, network.Facts.Values
	}
	prepared, err := isPrepared(ctx, r.From)
	if err != nil {
		return p, v, classes, fmt.Errorf("--%s: %w", r.Flag, err)
	}
	if prepared {
		m, err := stages.ReadManifest(ctx, r.From)
		if err != nil {
			return p, v, classes, err
		}
		if m.Volumes == nil {
			return p, v, classes, holdsImages(r)
		}
		if network != nil && *m.Volumes != network.Facts.Values {
			return p, v, classes, runners.Usagef("--%s=%s was prepared with other values or sizes of volumes than the network's data", r.Flag, r.From)
		}
		classes = m.Set()
		if p.Shards, err = r.shards(m); err != nil {
			return p, v, classes, err
		}
	} else {
		set, err := Raw(ctx, r)
		if err != nil {
			return p, v, classes, err
		}
		adapter, err := set.Adapter()
		if err != nil {
			return p, v, classes, runners.Usagef("--%s: %v", r.Flag, err)
		}
		if !adapter.Volumes {
			return p, v, classes, holdsImages(r)
		}
		if r.Labels && adapter.Classes.Len() == 0 {
			return p, v, classes, runners.Usagef("--%s=%s: volumes alone have no labels to compare with; give a data set KIND:FOLDER or an output of prepare", r.Flag, r.From)
		}
		if classes = adapter.Classes; classes.Len() == 0 && network != nil { // volumes alone
			classes = network.Facts.ClassSet
		}
		v.Sets, p.Load = []plans.DataSet{set}, inference.LoadParams{Sets: []plans.DataSet{set}, Follow: follow}
	}
	if network != nil {
		if err := sameClasses(r, classes, network.Facts.ClassSet); err != nil {
			return p, v, classes, err
		}
	}
	return p, v, classes, nil
}

// holdsImages refuses images where volumes are wanted.
func holdsImages(r Request) error {
	return runners.Usagef("--%s=%s holds images; the network of --checkpoint is one on volumes", r.Flag, r.From)
}

// CheckVolumeSettings refuses settings of networks that only those on images have.
func CheckVolumeSettings(c configs.Inference) error {
	for _, given := range []struct {
		flag string
		set  bool
	}{{"size", c.Size != ""}, {"window", c.Window != "trained"}, {"scales", len(c.Scales) > 0}, {"flip", c.Flip}, {"precision", c.Precision != "float32"}} {
		if given.set {
			return runners.Usagef("--%s is for images; a network on volumes has --overlap", given.flag)
		}
	}
	return nil
}

// VolumeNetwork is a trained network on volumes.
type VolumeNetwork struct {
	Facts  infer.VolumeFacts
	Params inference.VolumeNetworkParams
}

// HasVolumeNetwork reports whether a checkpoint is of a network on volumes. What cannot be read is
// left to others.
func HasVolumeNetwork(ctx context.Context, checkpoint, name string) bool {
	file, err := infer.Find(ctx, checkpoint, name)
	if err != nil {
		return false
	}
	_, found, err := infer.ReadVolumeFacts(ctx, file)
	return found && err == nil
}

// ReadVolumeNetwork finds the checkpoint of a network on volumes.
func ReadVolumeNetwork(ctx context.Context, checkpoint, name, backendName string, overlap float64) (*VolumeNetwork, error) {
	if err := backend.Check(backendName); err != nil {
		return nil, runners.Usagef("--backend: %v", err)
	}
	file, err := infer.Find(ctx, checkpoint, name)
	if err != nil {
		return nil, runners.Usagef("--checkpoint=%s: %v", checkpoint, err)
	}
	facts, found, err := infer.ReadVolumeFacts(ctx, file)
	if err != nil {
		return nil, err
	}
	if !found {
		return nil, runners.Usagef("--checkpoint=%s: %s is of a network on images, the data are volumes", checkpoint, file)
	}
	if err := infer.CheckNetwork(ctx, file, name); err != nil {
		return nil, runners.Usagef("--checkpoint=%s: %v", file, err)
	}
	stamp, err := inference.Stamp(ctx, file)
	if err != nil {
		return nil, err
	}
	return &VolumeNetwork{facts, inference.VolumeNetworkParams{Backend: backendName, Stamp: stamp, Checkpoint: file, Network: name, Overlap: overlap}}, nil
}
