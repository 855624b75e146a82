package prepare

import (
	"github.com/apache/beam/sdks/v2/go/pkg/beam"

	"semidavil/stages"
)

// build wires the stages.
func build(s beam.Scope, p plan) {
	refs, unmatched := stages.Match(s, p.Sets, p.Follow)
	assigned, duplicates := stages.Split(s, p.Split, refs)
	plans := stages.Assign(s, p.PerShard, p.Split.Seed, assigned)
	captioned, uncaptioned := stages.Caption(s, p.Caption, plans)
	tokenised, untokenised := stages.Tokenise(s, p.Tokenizer, captioned)
	results := stages.Write(s, p.Write, tokenised)
	rejects := beam.Flatten(s, unmatched, duplicates, uncaptioned, untokenised)
	stages.Commit(s, p.Commit, results, rejects)
}
