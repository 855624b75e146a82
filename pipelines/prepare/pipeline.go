package main

import (
	"github.com/apache/beam/sdks/v2/go/pkg/beam"

	"semidavil/configs"
	"semidavil/model/caption"
	"semidavil/stages"
)

// plan is all that the pipeline needs to know; run fills it in from the
// configuration.
type plan struct {
	Sets     []stages.DataSet
	Follow   bool // links out of the data sets' roots
	Split    stages.SplitParams
	PerShard int
	Caption  stages.CaptionParams
	// Tokenizer is a folder, or empty for the built-in vocabulary.
	Tokenizer string
	Write     stages.WriteParams
	Commit    stages.CommitParams
}

// build wires the stages.
func build(s beam.Scope, p plan) {
	refs, unmatched := stages.Match(s, p.Sets, p.Follow)
	assigned, duplicates := stages.Split(s, p.Split, refs)
	plans := stages.Assign(s, p.PerShard, p.Split.Seed, assigned)
	captioned, uncaptioned := stages.Caption(s, p.Caption, plans)
	tokenised := stages.Tokenise(s, p.Tokenizer, captioned)
	results := stages.Write(s, p.Write, tokenised)
	rejects := beam.Flatten(s, unmatched, duplicates, uncaptioned)
	stages.Commit(s, p.Commit, results, rejects)
}

// captionConfig maps the configuration of captions.
func captionConfig(p configs.Prepare, classes []string) stages.CaptionParams {
	return stages.CaptionParams{
		Captioner: caption.Config{Kind: p.Captions, Classes: classes, Endpoint: caption.Endpoint{
			URL: p.CaptionURL, Model: p.CaptionModel, Prompt: p.CaptionPrompt, KeyVariable: p.CaptionKeyEnv,
			Concurrency: p.CaptionConcurrency,
		}},
		FallBack:    p.CaptionFallback == "classnames",
		Output:      p.Output + "/captions",
		From:        p.CaptionsFrom,
		Follow:      p.FollowLinks,
		Concurrency: p.CaptionConcurrency,
	}
}
