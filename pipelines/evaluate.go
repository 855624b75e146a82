package pipelines

import (
	"github.com/apache/beam/sdks/v2/go/pkg/beam"

	"semidavil/stages"
)

// EvaluateParams are those of the stages of [Evaluate].
type EvaluateParams struct {
	Images ImagesParams
	// Exchange gives the images further captions; nil does not.
	Exchange *stages.ExchangeParams
	Score    stages.ScoreParams
	Commit   stages.CommitScoresParams
	// Volumes scores volumes, in the place of Score; nil scores images.
	Volumes *stages.ScoreVolumesParams
}

// Unit is "images" or "volumes".
func (p EvaluateParams) Unit() string { return unit(p.Volumes != nil) }

// Evaluate counts how predictions agree with labels, and makes the report of all counts.
func Evaluate(s beam.Scope, p EvaluateParams) {
	planned, unplanned := Images(s, p.Images)
	if p.Volumes != nil {
		scores, unscored := stages.ScoreVolumes(s, *p.Volumes, planned)
		stages.CommitVolumeScores(s, p.Commit, scores, beam.Flatten(s, unplanned, unscored))
		return
	}
	if p.Exchange != nil {
		planned = stages.Exchange(s, *p.Exchange, planned)
	}
	tallies, scores, unscored := stages.Score(s, p.Score, planned)
	stages.CommitScores(s, p.Commit, tallies, scores, beam.Flatten(s, unplanned, unscored))
}
