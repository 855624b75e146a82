package stages

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"

	"github.com/apache/beam/sdks/v2/go/pkg/beam"

	"semidavil"
	"semidavil/internal/store"
	"semidavil/stages/rejects"
	"semidavil/transforms/metrics"
	"semidavil/transforms/report/figures"
	"semidavil/transforms/shards"
)

func init() { beam.RegisterDoFn(reflect.TypeFor[commitVolumeScoresFn]()) }

// VolumeEvaluation is [ReportFile] of volumes.
type VolumeEvaluation struct {
	ClassSet semidavil.ClassSet `json:"class_set"`
	Rejects  int                `json:"rejects"`
	// Volumes is their number.
	Volumes int                 `json:"volumes"`
	Organs  metrics.OrganReport `json:"organs"`
}

// ReadVolumeEvaluation reads the report of an output of evaluate.
func ReadVolumeEvaluation(ctx context.Context, output string) (e VolumeEvaluation, err error) {
	data, err := store.ReadFile(ctx, output+"/"+ReportFile, 0)
	if err != nil {
		return e, fmt.Errorf("%s is not a finished output of evaluate: %w", output, err)
	}
	if err = json.Unmarshal(data, &e); err == nil {
		err = e.Organs.Check(e.ClassSet)
	}
	if err != nil {
		return e, fmt.Errorf("%s/%s: %w", output, ReportFile, err)
	}
	return e, nil
}

// CommitVolumeScores writes the scores of organs as JSON, Markdown and a plot, the scores of every
// volume and the rejects. It returns the path of the report.
//
// PCollection<VolumeScore>, PCollection<shards.Reject> -> PCollection<string>.
func CommitVolumeScores(s beam.Scope, p CommitScoresParams, scores, rejected beam.PCollection) beam.PCollection {
	s = s.Scope("stages.CommitVolumeScores")
	return once(s, &commitVolumeScoresFn{p}, scores, rejected)
}

type commitVolumeScoresFn struct{ Params CommitScoresParams }

// ProcessElement writes the files.
func (f *commitVolumeScoresFn) ProcessElement(ctx context.Context, _ []byte, nextScore func(*VolumeScore) bool, nextReject func(*shards.Reject) bool, emit func(string)) error {
	fail := func(err error) error { return fmt.Errorf("stages: commit scores: %w", err) }
	var scores []VolumeScore
	for s := (VolumeScore{}); nextScore(&s); s = (VolumeScore{}) {
		scores = append(scores, s)
	}
	slices.SortFunc(scores, func(a, b VolumeScore) int { return cmp.Compare(a.Key, b.Key) })
	rejected := rejects.Collect(nextReject)
	e := VolumeEvaluation{ClassSet: f.Params.Classes, Rejects: len(rejected), Volumes: len(scores), Organs: metrics.OrganReport{}}
	for _, rule := range metrics.OrganRules {
		var tally metrics.OrganTally
		for _, s := range scores {
			if err := tally.Add(s.Key, rule, s.Rules[rule]); err != nil {
				return fail(err)
			}
		}
		if len(scores) > 0 {
			e.Organs[rule] = tally.Summary()
		}
	}
	files, err := volumeScoreFiles(e, scores, rejected)
	if err != nil {
		return fail(err)
	}
	if err := writeFiles(ctx, f.Params.Output, files); err != nil {
		return fail(err)
	}
	emit(f.Params.Output + "/" + ReportFile)
	return nil
}

// volumeScoreFiles makes the files of an evaluation, the report last.
func volumeScoreFiles(e VolumeEvaluation, scores []VolumeScore, rejected []shards.Reject) ([]namedFile, error) {
	rejectRows, err := lines(rejected)
	if err != nil {
		return nil, err
	}
	rows, err := lines(scores)
	if err != nil {
		return nil, err
	}
	out := []namedFile{{RejectsFile, rejectRows}, {ScoresFile, rows}}
	if e.Volumes > 0 {
		table, err := e.Organs.Markdown(e.ClassSet)
		if err != nil {
			return nil, err
		}
		plot, err := figures.Organs(e.ClassSet, fmt.Sprintf("Dice of each organ, %d volumes", e.Volumes), e.Organs[metrics.Strict])
		if err != nil {
			return nil, err
		}
		out = append(out, namedFile{TableFile, []byte(table)}, namedFile{"dice.svg", plot})
	} else {
		out = append(out, namedFile{TableFile, []byte("No volume could be scored.\n")})
	}
	data, err := json.MarshalIndent(e, "", " ")
	if err != nil {
		return nil, err
	}
	return append(out, namedFile{ReportFile, append(data, '\n')}), nil
}
