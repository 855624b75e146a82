package pipelines

import (
	"github.com/apache/beam/sdks/v2/go/pkg/beam"

	"semidavil/stages"
)

// PrepareParams are those of the stages of [Prepare].
type PrepareParams struct {
	Sets     []stages.DataSet
	Follow   bool // links out of the data sets' roots
	Split    stages.SplitParams
	PerShard int // images
	Caption  stages.CaptionParams
	// Tokenizer is a folder, or empty for the built-in vocabulary.
	Tokenizer string
	Write     stages.WriteParams
	Commit    stages.CommitParams
}

// Prepare makes training shards of raw folders. Write decodes, resizes, crops and counts;
// Commit sums the class statistics.
func Prepare(s beam.Scope, p PrepareParams) {
	refs, unmatched := stages.Match(s, p.Sets, p.Follow)
	assigned, duplicates := stages.Split(s, p.Split, refs)
	plans := stages.Assign(s, p.PerShard, p.Split.Seed, assigned)
	captioned, uncaptioned := stages.Caption(s, p.Caption, plans)
	tokenised, untokenised := stages.Tokenise(s, p.Tokenizer, captioned)
	results := stages.Write(s, p.Write, tokenised)
	rejects := beam.Flatten(s, unmatched, duplicates, uncaptioned, untokenised)
	stages.Commit(s, p.Commit, results, rejects)
}
