package stages

import (
	"context"
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
	"semidavil/transforms/labels"
	"semidavil/transforms/metrics"
	"semidavil/transforms/report/sheet"
	"semidavil/transforms/samples"
	"semidavil/transforms/shards"
)

func init() {
	registerJSON[VolumeScore]()
	beam.RegisterDoFn(reflect.TypeFor[scoreVolumesFn]())
}

// ScoreVolumesParams say what is compared with the labels: a network, or the label files of another
// program.
type ScoreVolumesParams struct {
	Volumes inference.VolumeParams
	Classes semidavil.ClassSet
	// Predictions is a folder of NIfTI files, looked for by the path or the name of the volume or
	// of its label.
	Predictions string
	// Pictures is the folder of the sheets of the first Pictured volumes of the first plan.
	Pictures string
	Pictured int
}

// VolumeScore is one line of [ScoresFile] of volumes.
type VolumeScore struct {
	Key    string `json:"key"`
	Volume string `json:"volume"`
	// Rules has the scores of the organs, that of class k at k-1, by each rule.
	Rules map[metrics.OrganRule][]metrics.OrganScore `json:"rules"`
}

// ScoreVolumes segments every volume, or reads the prediction of another program, and scores the
// organs at the label's grid.
//
// PCollection<Plan> -> PCollection<VolumeScore>, PCollection<shards.Reject>.
func ScoreVolumes(s beam.Scope, p ScoreVolumesParams, planned beam.PCollection) (scores, rejected beam.PCollection) {
	s = s.Scope("stages.ScoreVolumes")
	return beam.ParDo2(s, &scoreVolumesFn{Params: p}, planned)
}

type scoreVolumesFn struct {
	Params ScoreVolumesParams

	volumes *inference.Volumes
	// files are the predictions by their path, and named by their name, "" of several.
	files map[string]bool
	named map[string]string
	table labels.Table
}

// Setup opens the network, or lists the predictions.
func (f *scoreVolumesFn) Setup(ctx context.Context) (err error) {
	if f.volumes, err = inference.OpenVolumes(ctx, f.Params.Volumes); err != nil || f.Params.Predictions == "" {
		return err
	}
	f.table, f.files, f.named = labels.TrainIDs(f.Params.Classes), map[string]bool{}, map[string]string{}
	err = store.List(ctx, f.Params.Predictions, func(info store.Info, err error) error {
		if err != nil || !datasets.IsVolume(info.Rel) {
			return err
		}
		f.files[info.Rel] = true
		base := path.Base(info.Rel)
		if _, taken := f.named[base]; taken {
			f.named[base] = ""
		} else {
			f.named[base] = info.Rel
		}
		return nil
	})
	if err == nil && len(f.files) == 0 {
		err = fmt.Errorf("there are no NIfTI files")
	}
	if err != nil {
		return fmt.Errorf("stages: list predictions %s: %w", f.Params.Predictions, err)
	}
	return nil
}

// ProcessElement scores the volumes of one plan.
func (f *scoreVolumesFn) ProcessElement(ctx context.Context, plan plans.Plan, score func(VolumeScore), reject func(shards.Reject)) error {
	rejected := func(r shards.Reject) { rejects.Emit(ctx, reject, r); counters.AddDone(ctx, 1) }
	err := f.volumes.Each(ctx, plan, func(n int, v *inference.Volume) error {
		var s VolumeScore
		var drawn []byte
		err := rejects.Guard(ctx, "score", v.Ref, func() (err error) {
			prediction := semidavil.LabelVolume{Grid: v.Grid, Spacing: v.Spacing, IDs: v.Prediction.IDs}
			if f.Params.Predictions != "" {
				if prediction, err = f.prediction(ctx, v); err != nil {
					return err
				}
			}
			if s, err = f.score(v, prediction); err == nil && n < f.Params.Pictured && strings.HasSuffix(plan.Name, firstPlan) {
				drawn, err = f.picture(v, prediction)
			}
			return err
		})
		if err := rejects.OfRun(ctx, err); err != nil {
			return err
		}
		if err != nil {
			rejected(rejects.Of(v.Ref, "score", err))
			return nil
		}
		if drawn != nil {
			if err := store.WriteFile(ctx, f.Params.Pictures+"/"+v.Ref.Key+".png", drawn); err != nil {
				return err
			}
		}
		score(s)
		counters.AddDone(ctx, 1)
		return nil
	}, rejected)
	if err != nil {
		return fmt.Errorf("stages: score %s: %w", plan.Name, err)
	}
	return nil
}

func (f *scoreVolumesFn) score(v *inference.Volume, prediction semidavil.LabelVolume) (VolumeScore, error) {
	s := VolumeScore{Key: v.Ref.Key, Volume: v.Ref.Image, Rules: map[metrics.OrganRule][]metrics.OrganScore{}}
	if v.Truth.IDs == nil {
		return s, fmt.Errorf("there is no label to compare with")
	}
	for _, rule := range metrics.OrganRules {
		organs, err := metrics.OrganScores(prediction, v.Truth, f.Params.Classes.Len(), rule)
		if err != nil {
			return s, err
		}
		s.Rules[rule] = organs
	}
	return s, nil
}

// prediction reads the file of another program.
func (f *scoreVolumesFn) prediction(ctx context.Context, v *inference.Volume) (none semidavil.LabelVolume, err error) {
	if v.File == nil {
		return none, fmt.Errorf("files of predictions belong to the volumes of a data set, not to prepared ones")
	}
	rel, err := f.find(v.Ref)
	if err != nil {
		return none, err
	}
	data, err := store.ReadBelow(ctx, nil, f.Params.Predictions, rel, store.FollowLinks)
	if err != nil {
		return none, err
	}
	prediction, err := samples.ReadVolumeLabel(data, f.table, v.File)
	if err != nil {
		return none, fmt.Errorf("prediction %s: %w", rel, err)
	}
	return prediction, nil
}

// find returns the path of the prediction for a volume.
func (f *scoreVolumesFn) find(ref semidavil.Ref) (string, error) {
	for _, rel := range []string{ref.Image, ref.Label} {
		if f.files[rel] {
			return rel, nil
		}
	}
	for _, name := range []string{path.Base(ref.Label), path.Base(ref.Image)} {
		switch rel, found := f.named[name]; {
		case rel != "":
			return rel, nil
		case found:
			return "", fmt.Errorf("several predictions are named %s: keep the folders of the volumes", name)
		}
	}
	return "", fmt.Errorf("there is no prediction named %s or %s", ref.Image, ref.Label)
}

// picture draws three planes.
func (f *scoreVolumesFn) picture(v *inference.Volume, prediction semidavil.LabelVolume) ([]byte, error) {
	values, err := v.AtOwnGrid()
	if err != nil {
		return nil, err
	}
	drawn, err := sheet.Draw(sheet.Options{Set: f.Params.Classes}, sheet.Planes(v.Ref.Key, values, v.Truth, prediction))
	if err != nil {
		return nil, err
	}
	return sheet.PNG(drawn)
}
