package pipelines

import (
	"github.com/apache/beam/sdks/v2/go/pkg/beam"

	"semidavil"
	"semidavil/stages"
	"semidavil/transforms/shards"
)

// ImagesParams say which images a network is to look at: those of shards that prepare
// wrote or, where there are none, of raw folders.
type ImagesParams struct {
	// Load is for the stages that read the images; its Sets are the raw folders.
	Load   stages.LoadParams
	Shards []stages.Plan

	// The rest is for raw folders: how they are captioned and tokenised, as in
	// PrepareParams, and the number of images of a plan.
	Caption   stages.CaptionParams
	Tokenizer string
	Group     int
	// LabelsOnly tells that labels alone are read, so that images need no captions.
	LabelsOnly bool
}

// Images are the images in groups, with captions and tokens, and the rejects of what
// could not be found: PCollection<stages.Plan>, PCollection<shards.Reject>.
func Images(s beam.Scope, p ImagesParams) (plans, rejects beam.PCollection) {
	if len(p.Shards) > 0 {
		return stages.Shards(s, p.Shards), beam.CreateList(s, []shards.Reject{{}})
	}
	subset := semidavil.Val
	if p.Load.Sets[0].Part.WithoutLabels {
		subset = semidavil.Unlabelled
	}
	refs, unmatched := stages.Match(s, p.Load.Sets, p.Load.Follow)
	assigned, duplicates := stages.Split(s, stages.SplitParams{All: subset}, refs)
	grouped := stages.Assign(s, p.Group, 0, assigned)
	if p.LabelsOnly {
		return grouped, beam.Flatten(s, unmatched, duplicates)
	}
	captioned, uncaptioned := stages.Caption(s, p.Caption, grouped)
	tokenised, untokenised := stages.Tokenise(s, p.Tokenizer, captioned)
	return tokenised, beam.Flatten(s, unmatched, duplicates, uncaptioned, untokenised)
}
