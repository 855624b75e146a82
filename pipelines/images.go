package pipelines

import (
	"github.com/apache/beam/sdks/v2/go/pkg/beam"

	"semidavil"
	"semidavil/stages"
	"semidavil/stages/inference"
	"semidavil/stages/plans"
	"semidavil/transforms/shards"
)

// unit names what a graph works on.
func unit(volumes bool) string {
	if volumes {
		return "volumes"
	}
	return "images"
}

// ImagesParams say which images a network gets: those of shards that prepare
// wrote or, where there are none, of raw folders.
type ImagesParams struct {
	// Load is for the stages that read the images; its Sets are the raw folders.
	Load   inference.LoadParams
	Shards []plans.Plan

	// The rest is for raw folders: as in PrepareParams.
	Assign   stages.AssignParams
	Caption  stages.CaptionParams
	Tokenise stages.TokeniseParams
	// LabelsOnly means that labels alone are read, so that images need no captions.
	LabelsOnly bool
}

// Images are the images in groups, with captions and tokens, and the rejects of what
// could not be found: PCollection<plans.Plan>, PCollection<shards.Reject>.
func Images(s beam.Scope, p ImagesParams) (planned, unplanned beam.PCollection) {
	if len(p.Shards) > 0 {
		return stages.ListShards(s, stages.ListShardsParams{Shards: p.Shards}), beam.CreateList(s, []shards.Reject{})
	}
	subset := semidavil.Val
	if p.Load.Sets[0].Part.WithoutLabels {
		subset = semidavil.Unlabelled
	}
	refs, unmatched := stages.Match(s, stages.MatchParams{Sets: p.Load.Sets, Follow: p.Load.Follow})
	assigned, duplicates := stages.Split(s, stages.SplitParams{All: subset}, refs)
	grouped := stages.Assign(s, p.Assign, assigned)
	if p.LabelsOnly {
		return grouped, beam.Flatten(s, unmatched, duplicates)
	}
	captioned, uncaptioned := stages.Caption(s, p.Caption, grouped)
	tokenised, untokenised := stages.Tokenise(s, p.Tokenise, captioned)
	return tokenised, beam.Flatten(s, unmatched, duplicates, uncaptioned, untokenised)
}
