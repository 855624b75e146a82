package pipelines

import (
	"github.com/apache/beam/sdks/v2/go/pkg/beam"

	"semidavil/stages"
)

// PrepareParams are those of the stages of [Prepare].
type PrepareParams struct {
	// Volumes says that the data are volumes, which nobody captions.
	Volumes  bool
	Match    stages.MatchParams
	Split    stages.SplitParams
	Assign   stages.AssignParams
	Caption  stages.CaptionParams
	Tokenise stages.TokeniseParams
	Write    stages.WriteParams
	Commit   stages.CommitParams
}

// Unit is "images" or "volumes".
func (p PrepareParams) Unit() string { return unit(p.Volumes) }

// Prepare makes training shards of raw folders. Write decodes, resizes, crops and counts;
// Commit sums the class statistics.
func Prepare(s beam.Scope, p PrepareParams) {
	refs, unmatched := stages.Match(s, p.Match)
	assigned, duplicates := stages.Split(s, p.Split, refs)
	planned := stages.Assign(s, p.Assign, assigned)
	rejected := []beam.PCollection{unmatched, duplicates}
	if !p.Volumes {
		captioned, uncaptioned := stages.Caption(s, p.Caption, planned)
		tokenised, untokenised := stages.Tokenise(s, p.Tokenise, captioned)
		planned, rejected = tokenised, append(rejected, uncaptioned, untokenised)
	}
	indexes := stages.Write(s, p.Write, planned)
	stages.Commit(s, p.Commit, indexes, beam.Flatten(s, rejected...))
}
