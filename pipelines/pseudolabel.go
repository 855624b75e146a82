package pipelines

import (
	"github.com/apache/beam/sdks/v2/go/pkg/beam"

	"semidavil/stages"
	"semidavil/transforms/pseudo"
)

// PseudolabelParams are those of the stages of [Pseudolabel].
type PseudolabelParams struct {
	Images  ImagesParams
	Predict stages.PredictParams
	Rule    pseudo.Rule // chooses the thresholds
	Label   stages.LabelParams
}

// Pseudolabel labels images where a network is sure: it predicts every image once, chooses
// the thresholds of the classes from all confidences, and labels by them.
func Pseudolabel(s beam.Scope, p PseudolabelParams) {
	plans, rejects := Images(s, p.Images)
	predicted, unpredicted := stages.Predict(s, p.Predict, plans)
	thresholds := stages.Threshold(s, p.Label.Output, p.Rule, predicted)
	parts := stages.Label(s, p.Label, predicted, thresholds)
	stages.CommitLabels(s, p.Label.Output, p.Label.Classes, parts, beam.Flatten(s, rejects, unpredicted))
}
