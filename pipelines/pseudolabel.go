package pipelines

import (
	"github.com/apache/beam/sdks/v2/go/pkg/beam"

	"semidavil/stages"
)

// PseudolabelParams are those of the stages of [Pseudolabel].
type PseudolabelParams struct {
	Images    ImagesParams
	Predict   stages.PredictParams
	Threshold stages.ThresholdParams
	Label     stages.LabelParams
	Commit    stages.CommitLabelsParams
	// Volumes labels volumes, in the place of Predict, Threshold and Label; nil labels images.
	Volumes *stages.LabelVolumesParams
}

// Unit is "images" or "volumes".
func (p PseudolabelParams) Unit() string { return unit(p.Volumes != nil) }

// Pseudolabel labels images where a network is confident: it predicts every image once, chooses
// the thresholds of the classes from all confidences, and labels by them.
func Pseudolabel(s beam.Scope, p PseudolabelParams) {
	planned, unplanned := Images(s, p.Images)
	if p.Volumes != nil {
		stages.CommitLabels(s, p.Commit, stages.LabelVolumes(s, *p.Volumes, planned), unplanned)
		return
	}
	predicted, histograms, unpredicted := stages.Predict(s, p.Predict, planned)
	thresholds := stages.Threshold(s, p.Threshold, histograms)
	parts := stages.Label(s, p.Label, predicted, thresholds)
	stages.CommitLabels(s, p.Commit, parts, beam.Flatten(s, unplanned, unpredicted))
}
