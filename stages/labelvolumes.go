package stages

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"path"
	"reflect"
	"strings"

	"github.com/apache/beam/sdks/v2/go/pkg/beam"

	"semidavil"
	"semidavil/internal/store"
	"semidavil/stages/counters"
	"semidavil/stages/inference"
	"semidavil/stages/plans"
	"semidavil/stages/rejects"
	"semidavil/transforms/datasets"
	"semidavil/transforms/pseudo"
	"semidavil/transforms/shards"
)

func init() { beam.RegisterDoFn(reflect.TypeFor[labelVolumesFn]()) }

// LabelVolumesParams say what is labelled and what is written.
type LabelVolumesParams struct {
	Volumes inference.VolumeParams
	Output  string
	Classes semidavil.ClassSet
	// Thresholds are those of the classes, in units of 1/pseudo.One.
	Thresholds []uint32
	// Confidence writes the confidences too.
	Confidence bool
	// Config is the fingerprint of network and thresholds: labels of another one are made anew.
	Config string
}

// LabelVolumes labels the volumes of every plan where the network is confident, and writes NIfTI
// files with the header of the volume: label ids, 255 where it is not. A volume that an earlier run
// finished in the same way stays as it is.
//
// PCollection<Plan> -> PCollection<LabelPart>.
func LabelVolumes(s beam.Scope, p LabelVolumesParams, planned beam.PCollection) beam.PCollection {
	s = s.Scope("stages.LabelVolumes")
	return beam.ParDo(s, &labelVolumesFn{Params: p}, planned)
}

type labelVolumesFn struct {
	Params LabelVolumesParams

	volumes *inference.Volumes
	ids     map[uint8]uint8 // stored ids by train id
}

// Setup opens the network.
func (f *labelVolumesFn) Setup(ctx context.Context) (err error) {
	f.ids = map[uint8]uint8{semidavil.Ignore: semidavil.Ignore}
	for i, c := range f.Params.Classes.Classes {
		if c.ID < 0 || c.ID >= semidavil.Ignore {
			return fmt.Errorf("stages: label volumes: the id %d of %s does not fit an 8-bit label", c.ID, c.Name)
		}
		f.ids[uint8(i)] = uint8(c.ID)
	}
	f.volumes, err = inference.OpenVolumes(ctx, f.Params.Volumes)
	return err
}

// finishedLabel is what is kept of a finished volume.
type finishedLabel struct {
	Config string       `json:"config"`
	Row    LabelRow     `json:"row"`
	Stats  pseudo.Stats `json:"stats"`
}

// finishedFile remembers a finished volume.
func (f *labelVolumesFn) finishedFile(key string) string {
	return f.Params.Output + "/" + PredictionsFolder + "/" + key + ".json"
}

// ProcessElement labels the volumes of one plan.
func (f *labelVolumesFn) ProcessElement(ctx context.Context, plan plans.Plan, emit func(LabelPart)) error {
	part := LabelPart{Stats: pseudo.NewStats(f.Params.Thresholds)}
	rest := plan
	rest.Samples = nil
	for _, s := range plan.Samples {
		if done, ok := f.finished(ctx, s.Ref); ok {
			part.Rows = append(part.Rows, done.Row)
			if err := part.Stats.Merge(done.Stats); err != nil {
				return fmt.Errorf("stages: label %s: %w", s.Ref.Image, err)
			}
			counters.Add(ctx, counters.Predictions, 1)
			counters.AddDone(ctx, 1)
			continue
		}
		rest.Samples = append(rest.Samples, s)
	}
	rejected := func(r shards.Reject) {
		counters.Add(ctx, counters.Rejects, 1)
		counters.AddDone(ctx, 1)
		part.Rejects = append(part.Rejects, r)
	}
	err := f.volumes.Each(ctx, rest, func(_ int, v *inference.Volume) error {
		var made finishedLabel
		var failed error // of the storage: a fault of the run
		err := rejects.Guard(ctx, "label", v.Ref, func() (err error) {
			made, failed, err = f.label(ctx, v)
			return err
		})
		switch {
		case failed != nil:
			return failed
		case rejects.OfRun(ctx, err) != nil:
			return err
		case err != nil:
			rejected(rejects.Of(v.Ref, "label", err))
			return nil
		}
		part.Rows = append(part.Rows, made.Row)
		counters.AddDone(ctx, 1)
		return part.Stats.Merge(made.Stats)
	}, rejected)
	if err != nil {
		return fmt.Errorf("stages: label %s: %w", plan.Name, err)
	}
	emit(part)
	return nil
}

// finished finds a volume that needs no work.
func (f *labelVolumesFn) finished(ctx context.Context, ref semidavil.Ref) (done finishedLabel, ok bool) {
	info, err := store.Stat(ctx, f.finishedFile(ref.Key))
	if err != nil || info.ModTime.UnixNano() < ref.Changed {
		return done, false
	}
	data, err := store.ReadFile(ctx, f.finishedFile(ref.Key), 0)
	if err != nil || json.Unmarshal(data, &done) != nil || done.Config != f.config(ref) {
		return done, false
	}
	names := []string{done.Row.Label}
	if f.Params.Confidence {
		names = append(names, confidenceVolume(done.Row.Label))
	}
	for _, name := range names {
		if _, err := store.Stat(ctx, f.Params.Output+"/"+name); err != nil {
			return done, false
		}
	}
	return done, true
}

// config identifies how a volume is labelled.
func (f *labelVolumesFn) config(ref semidavil.Ref) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%s\n%s\n%d\n%v", f.Params.Config, ref.Image, ref.Bytes, f.Params.Confidence))
	return hex.EncodeToString(sum[:16])
}

// confidenceVolume is the name of the confidences beside a label.
func confidenceVolume(label string) string {
	for _, ending := range []string{".nii.gz", ".nii"} {
		if stem, ok := datasets.CutEnding(label, ending); ok {
			return stem + "_confidence" + label[len(stem):]
		}
	}
	return label + "_confidence"
}

// label writes the files of one volume. failed is an error of the storage.
func (f *labelVolumesFn) label(ctx context.Context, v *inference.Volume) (made finishedLabel, failed, err error) {
	if v.File == nil {
		return made, nil, errors.New("a prepared volume has no header to write its label with; give the data set KIND:FOLDER")
	}
	ids, confidence := v.Prediction.IDs, v.Prediction.Confidence
	var certain []uint8
	if f.Params.Confidence {
		certain = make([]uint8, len(confidence))
		for i, p := range confidence {
			certain[i] = uint8(255*min(p, 1) + 0.5)
		}
	}
	made = finishedLabel{Config: f.config(v.Ref), Stats: pseudo.NewStats(f.Params.Thresholds)}
	if err := made.Stats.Voxels(ids, confidence); err != nil {
		return made, nil, err
	}
	gz := strings.HasSuffix(strings.ToLower(v.Ref.Image), ".gz")
	write := func(name string, ids []uint8, stored map[uint8]uint8) error {
		data, e := v.File.EncodeLabels(semidavil.LabelVolume{Grid: v.Grid, Spacing: v.Spacing, IDs: ids}, stored, gz)
		if e != nil {
			err = e
			return e
		}
		failed = store.WriteFile(ctx, f.Params.Output+"/"+name, data)
		return failed
	}
	name := path.Join(LabelsFolder, v.Ref.Image)
	if certain != nil {
		if write(confidenceVolume(name), certain, nil) != nil {
			return made, failed, err
		}
	}
	if write(name, ids, f.ids) != nil {
		return made, failed, err
	}
	kept := len(ids) - int(made.Stats.Ignored)
	made.Row = LabelRow{Key: v.Ref.Key, Image: v.Ref.Image, SHA256: v.SHA256, Label: name, Width: v.Grid.W, Height: v.Grid.H, Depth: v.Grid.D, Kept: float64(kept) / float64(len(ids))}
	data, err := json.Marshal(made)
	if err != nil {
		return made, nil, err
	}
	return made, store.WriteFile(ctx, f.finishedFile(v.Ref.Key), append(data, '\n')), nil
}
