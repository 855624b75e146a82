package pipelines

import (
	"github.com/apache/beam/sdks/v2/go/pkg/beam"

	"semidavil"
	"semidavil/stages"
)

// CaptionParams are those of the stages of [Caption].
type CaptionParams struct {
	Match     stages.MatchParams
	Assign    stages.AssignParams
	Caption   stages.CaptionParams
	Thumbnail stages.ThumbnailParams
	Commit    stages.CommitCaptionsParams
}

// Caption finds the caption of every image, and shows some of the images with theirs.
func Caption(s beam.Scope, p CaptionParams) {
	refs, unmatched := stages.Match(s, p.Match)
	assigned, duplicates := stages.Split(s, stages.SplitParams{All: semidavil.Unlabelled}, refs)
	grouped := stages.Assign(s, p.Assign, assigned)
	captioned, uncaptioned := stages.Caption(s, p.Caption, grouped)
	parts := stages.Thumbnail(s, p.Thumbnail, captioned)
	stages.CommitCaptions(s, p.Commit, parts, beam.Flatten(s, unmatched, duplicates, uncaptioned))
}
