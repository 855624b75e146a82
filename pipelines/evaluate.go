package pipelines

import (
	"github.com/apache/beam/sdks/v2/go/pkg/beam"

	"semidavil/stages"
)

// EvaluateParams are those of the stages of [Evaluate].
type EvaluateParams struct {
	Images ImagesParams
	Score  stages.ScoreParams
	Output string
}

// Evaluate counts how predictions agree with labels, and makes the report of all counts.
func Evaluate(s beam.Scope, p EvaluateParams) {
	plans, rejects := Images(s, p.Images)
	tallies, rows, unscored := stages.Score(s, p.Score, plans)
	stages.CommitScores(s, p.Output, p.Images.Load.Classes, tallies, rows, beam.Flatten(s, rejects, unscored))
}
