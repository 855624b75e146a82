package stages

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/apache/beam/sdks/v2/go/pkg/beam"

	"semidavil"
	"semidavil/internal/store"
	"semidavil/stages/rejects"
	"semidavil/transforms/metrics"
	"semidavil/transforms/report/figures"
	"semidavil/transforms/shards"
)

func init() {
	registerJSON[namedTally]()
	beam.RegisterDoFn(nameTally)
	beam.RegisterDoFn(reflect.TypeFor[commitScoresFn]())
}

// Names of the files that CommitScores writes into the output, the report last.
const (
	ReportFile = "report.json"
	TableFile  = "report.md"
	ScoresFile = "images.jsonl"
)

// NetworkReport is one element of [ReportFile].
type NetworkReport struct {
	Network string         `json:"network"`
	Report  metrics.Report `json:"report"`
}

// Evaluation is [ReportFile]: the report of every network, the student first.
type Evaluation struct {
	ClassSet semidavil.ClassSet `json:"class_set"`
	Rejects  int                `json:"rejects"`
	Turned   *shards.Turned     `json:"turned,omitempty"`
	Networks []NetworkReport    `json:"networks"`
	// Captions is there where captions were checked.
	Captions *CaptionCheck `json:"caption_check,omitempty"`
}

// Named lists the reports for tables and figures.
func (e Evaluation) Named() (out []figures.Named) {
	for _, n := range e.Networks {
		out = append(out, figures.Named{Name: n.Network, Report: n.Report})
	}
	return out
}

// ReadEvaluation reads the report of an output of evaluate.
func ReadEvaluation(ctx context.Context, output string) (e Evaluation, err error) {
	data, err := store.ReadFile(ctx, output+"/"+ReportFile, 0)
	if err != nil {
		return e, fmt.Errorf("%s is not a finished output of evaluate: %w", output, err)
	}
	if e, err = decodeEvaluation(data); err != nil {
		return e, fmt.Errorf("%s/%s: %w", output, ReportFile, err)
	}
	return e, nil
}

func decodeEvaluation(data []byte) (e Evaluation, err error) {
	if err := json.Unmarshal(data, &e); err != nil {
		return e, err
	}
	for _, n := range e.Networks {
		if k := n.Report.Confusion.Classes; k != e.ClassSet.Len() {
			return e, fmt.Errorf("the %s has a confusion of %d classes, the class set %s has %d", n.Network, k, e.ClassSet.Name, e.ClassSet.Len())
		}
	}
	return e, nil
}

// CommitScoresParams name the output and the classes of its scores.
type CommitScoresParams struct {
	Output  string
	Classes semidavil.ClassSet
	// Captions is the check to which the scores with further captions belong; nil where
	// there are none.
	Captions *CaptionCheck
}

// CommitScores writes the scores as JSON, Markdown and plots, the scores of every image
// and the rejects. It returns the path of the report.
//
// PCollection<KV<string, metrics.Tally>>, PCollection<ImageScore>,
// PCollection<shards.Reject> -> PCollection<string>.
func CommitScores(s beam.Scope, p CommitScoresParams, tallies, scores, rejected beam.PCollection) beam.PCollection {
	s = s.Scope("stages.CommitScores")
	return once(s, &commitScoresFn{p}, beam.ParDo(s, nameTally, tallies), scores, rejected)
}

// namedTally is the sum of one network.
type namedTally struct {
	Network string
	Tally   metrics.Tally
}

func nameTally(network string, t metrics.Tally) namedTally { return namedTally{network, t} }

type commitScoresFn struct{ Params CommitScoresParams }

// ProcessElement writes the files.
func (f *commitScoresFn) ProcessElement(ctx context.Context, _ []byte, nextTally func(*namedTally) bool, nextScore func(*ImageScore) bool, nextReject func(*shards.Reject) bool, emit func(string)) error {
	var evaluation Evaluation
	evaluation.ClassSet = f.Params.Classes
	if f.Params.Captions != nil {
		check := *f.Params.Captions
		evaluation.Captions = &check
	}
	for n := (namedTally{}); nextTally(&n); {
		r, err := metrics.NewReport(f.Params.Classes, n.Tally)
		if err != nil {
			return fmt.Errorf("stages: commit scores: %w", err)
		}
		network, captions := splitName(n.Network)
		if captions == "" {
			evaluation.Networks = append(evaluation.Networks, NetworkReport{network, r})
		}
		if evaluation.Captions != nil && evaluation.Captions.Read {
			evaluation.Captions.add(network, cmp.Or(captions, OwnCaption), r.Scores)
		}
	}
	slices.SortFunc(evaluation.Networks, func(a, b NetworkReport) int { return cmp.Compare(a.Network, b.Network) })
	var scores []ImageScore
	for s := (ImageScore{}); nextScore(&s); {
		scores = append(scores, s)
	}
	slices.SortFunc(scores, func(a, b ImageScore) int {
		return cmp.Or(cmp.Compare(a.Key, b.Key), cmp.Compare(a.Network, b.Network), cmp.Compare(a.Captions, b.Captions))
	})
	for _, s := range scores {
		if s.EXIF != "" && s.Network == scores[0].Network && s.Captions == "" {
			evaluation.Turned = evaluation.Turned.With(s.Image, s.EXIF)
		}
	}
	rejected := rejects.Collect(nextReject)
	evaluation.Rejects = len(rejected)
	files, err := scoreFiles(evaluation, scores, rejected)
	if err != nil {
		return fmt.Errorf("stages: commit scores: %w", err)
	}
	if err := writeFiles(ctx, f.Params.Output, files); err != nil {
		return fmt.Errorf("stages: commit scores: %w", err)
	}
	emit(f.Params.Output + "/" + ReportFile)
	return nil
}

// scoreFiles makes the files of an evaluation, the report last.
func scoreFiles(e Evaluation, scores []ImageScore, rejected []shards.Reject) ([]namedFile, error) {
	rejectRows, err := lines(rejected)
	if err != nil {
		return nil, err
	}
	rows, err := lines(scores)
	if err != nil {
		return nil, err
	}
	out := []namedFile{{RejectsFile, rejectRows}, {ScoresFile, rows}}
	table, err := EvaluationMarkdown(e)
	if err != nil {
		return nil, err
	}
	out = append(out, namedFile{TableFile, []byte(table)})
	if e.scored() {
		iou, err := figures.IoU(e.ClassSet, "IoU of each class", e.Named(), 0)
		if err != nil {
			return nil, err
		}
		out = append(out, namedFile{"iou.svg", iou})
		for _, n := range e.Networks {
			confusion, err := figures.Confusion(e.ClassSet, "Confusion of the "+n.Network, n.Report.Confusion)
			if err != nil {
				return nil, err
			}
			out = append(out, namedFile{n.Network + "_confusion.svg", confusion})
			if e.Captions != nil && e.Captions.Read {
				captions, err := e.Captions.Figure(e.ClassSet, n.Network, 0)
				if err != nil {
					return nil, err
				}
				out = append(out, namedFile{n.Network + "_captions.svg", captions})
			}
			if n.Report.Calibration == nil {
				continue
			}
			reliability, err := figures.Reliability("Reliability of the "+n.Network, *n.Report.Calibration)
			if err != nil {
				return nil, err
			}
			out = append(out, namedFile{n.Network + "_reliability.svg", reliability})
		}
	}
	data, err := json.MarshalIndent(e, "", " ")
	if err != nil {
		return nil, err
	}
	return append(out, namedFile{ReportFile, append(data, '\n')}), nil
}

// scored reports whether any pixel was.
func (e Evaluation) scored() bool {
	for _, n := range e.Networks {
		if n.Report.Confusion.Images == 0 || len(n.Report.Scores) == 0 || n.Report.Scores[0].Pixels == 0 {
			return false
		}
	}
	return len(e.Networks) > 0
}

// Columns are the scores of all networks, a column a rule.
func (e Evaluation) Columns() (out []metrics.Column) {
	for _, n := range e.Networks {
		for _, c := range n.Report.Columns() {
			if len(e.Networks) > 1 {
				c.Title = n.Network + " " + c.Title
			}
			out = append(out, c)
		}
	}
	return out
}

// writeKeptClasses tells of each class what thresholds keep. Reports of earlier revisions do not have it.
func writeKeptClasses(b *bytes.Buffer, kept []metrics.Kept) {
	classes := metrics.MaxClasses
	for _, k := range kept {
		classes = min(classes, len(k.Classes))
	}
	if len(kept) == 0 || classes == 0 {
		return
	}
	b.WriteString("\nOf the pixels of each class, those that a threshold keeps and that are right, %; in brackets, how many of those that it keeps as the class are right, %.\n\n| class |")
	for _, k := range kept {
		fmt.Fprintf(b, " %g |", k.Threshold)
	}
	b.WriteString("\n|---|" + strings.Repeat("---:|", len(kept)) + "\n")
	for i := range classes {
		fmt.Fprintf(b, "| %s |", kept[0].Classes[i].Class)
		for _, k := range kept {
			fmt.Fprintf(b, " %s (%s) |", k.Classes[i].Recall, k.Classes[i].Precision)
		}
		b.WriteString("\n")
	}
}

// EvaluationMarkdown is [TableFile]: the scores, and what thresholds would keep.
func EvaluationMarkdown(e Evaluation) (string, error) {
	if len(e.Networks) == 0 {
		return "No image could be scored.\n", nil
	}
	var b bytes.Buffer
	table, err := metrics.Markdown(e.Columns())
	if err != nil {
		return "", err
	}
	b.WriteString(table)
	for _, n := range e.Networks {
		if n.Report.CalibrationError == nil {
			continue
		}
		fmt.Fprintf(&b, "\nExpected calibration error of the %s: %s %%.\n\n| threshold | pixels kept, %% | of them right, %% |\n|---:|---:|---:|\n", n.Network, n.Report.CalibrationError)
		for _, k := range n.Report.Kept {
			fmt.Fprintf(&b, "| %g | %s | %s |\n", k.Threshold, k.Share, k.Accuracy)
		}
		writeKeptClasses(&b, n.Report.Kept)
	}
	if e.Captions == nil {
		return b.String(), nil
	}
	for _, n := range e.Networks {
		fmt.Fprintf(&b, "\n%s\n", e.Captions.Text(n.Network))
		if !e.Captions.Read {
			break
		}
		table, err := metrics.Markdown(e.Captions.Columns(n.Network))
		if err != nil {
			return "", err
		}
		fmt.Fprintf(&b, "\n%s", table)
	}
	return b.String(), nil
}
