package stages

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"math"
	"slices"
	"strings"

	"semidavil/internal/store"
	"semidavil/transforms/metrics"
	"semidavil/transforms/pseudo"
	"semidavil/transforms/shards"
)

// OutputRef is an output of prepare, pseudolabel or evaluate.
type OutputRef struct {
	Command, Folder string
}

// Outcome is what an output says of images, beside what shards and data sets do.
type Outcome struct {
	// Scores names those of the images; less is worse.
	Scores []string
	// Images are by key; nil of an output of prepare, in which all count.
	Images map[string]ImageOutcome
}

// ImageOutcome is what an output says of an image.
type ImageOutcome struct {
	Scores []metrics.Fraction
	// Place is where the files of an image are in an output of pseudolabel, without their endings.
	Place string
}

// ReadOutcome reads what an output says of its images.
func ReadOutcome(ctx context.Context, of OutputRef) (o Outcome, err error) {
	switch of.Command {
	case "pseudolabel":
		rows, err := readLabelRows(ctx, of.Folder)
		if err != nil {
			return o, err
		}
		o = Outcome{[]string{"share kept"}, map[string]ImageOutcome{}}
		for key, row := range rows {
			place := strings.TrimSuffix(strings.TrimPrefix(row.Label, LabelsFolder+"/"), pseudo.TrainIDsEnding)
			o.Images[key] = ImageOutcome{[]metrics.Fraction{metrics.Fraction(row.Kept)}, place}
		}
	case "evaluate":
		rows, err := readRows[ImageScore](ctx, of.Folder+"/"+ScoresFile)
		if err != nil {
			return o, fmt.Errorf("%s is not a finished output of evaluate: %w", of.Folder, err)
		}
		rows = slices.DeleteFunc(rows, func(s ImageScore) bool { return s.Captions != "" })
		var networks []string
		for _, s := range rows {
			if !slices.Contains(networks, s.Network) {
				networks = append(networks, s.Network)
			}
		}
		slices.Sort(networks) // the student first
		o.Images = map[string]ImageOutcome{}
		for i, name := range networks {
			if name += " "; len(networks) == 1 {
				name = ""
			}
			o.Scores = append(o.Scores, name+"mIoU", name+"pixel accuracy")
			for _, s := range rows {
				if s.Network != networks[i] {
					continue
				}
				image := o.Images[s.Key]
				for len(image.Scores) < 2*i { // rejected with the networks before
					image.Scores = append(image.Scores, metrics.Fraction(math.NaN()))
				}
				image.Scores = append(image.Scores[:2*i], s.MIoU, s.PixelAccuracy)
				o.Images[s.Key] = image
			}
		}
	}
	return o, nil
}

// readRows reads a JSONL file.
func readRows[T any](ctx context.Context, name string) (rows []T, err error) {
	data, err := store.ReadFile(ctx, name, 0)
	if err != nil {
		return nil, err
	}
	n := 0
	for line := range bytes.Lines(data) {
		n++
		var row T
		if err := json.Unmarshal(line, &row); err != nil {
			return nil, fmt.Errorf("%s, line %d: %w", name, n, err)
		}
		rows = append(rows, row)
	}
	return rows, nil
}

// ReadRejects reads the rejects of an output, which an old one may lack.
func ReadRejects(ctx context.Context, output string) ([]shards.Reject, error) {
	rows, err := readRows[shards.Reject](ctx, output+"/"+RejectsFile)
	if errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	return rows, err
}

// Choice says which images are chosen: those of the lowest rank, which is a score where the worst are wanted,
// and behind that a number that depends on the key alone, as if drawn at random.
type Choice struct {
	Worst bool // by the first score
	// Images is how many are chosen.
	Images int
	// Limited is whether any are left out, and Score and Number the greatest rank of those chosen.
	Limited bool
	Score   float64
	Number  uint64
}

// Choose makes the choice of so many images at most.
func Choose(keys iter.Seq[string], o Outcome, worst bool, limit int) Choice {
	c := Choice{Worst: worst}
	var ranks []Choice
	for key := range keys {
		ranks = append(ranks, c.of(key, o))
	}
	if c.Images = len(ranks); c.Images <= limit {
		return c
	}
	slices.SortFunc(ranks, compareRanks)
	for c.Images = limit; c.Images > 0 && compareRanks(ranks[c.Images-1], ranks[c.Images]) == 0; c.Images-- { // one key in two subsets
	}
	c.Limited, c.Score = true, -1
	if c.Images > 0 {
		c.Score, c.Number = ranks[c.Images-1].Score, ranks[c.Images-1].Number
	}
	return c
}

func compareRanks(a, b Choice) int {
	return cmp.Or(cmp.Compare(a.Score, b.Score), cmp.Compare(a.Number, b.Number))
}

// of is the rank of an image. One without a score is behind all others.
func (c Choice) of(key string, o Outcome) Choice {
	r := Choice{Worst: c.Worst, Number: rank(0, "browse", key)}
	if c.Worst {
		if r.Score = 2; len(o.Images[key].Scores) > 0 && !math.IsNaN(float64(o.Images[key].Scores[0])) {
			r.Score = float64(o.Images[key].Scores[0])
		}
	}
	return r
}

// takes reports whether an image is chosen.
func (c Choice) takes(key string, o Outcome) bool {
	if _, known := o.Images[key]; o.Images != nil && !known {
		return false // a reject
	}
	return !c.Limited || compareRanks(c.of(key, o), c) <= 0
}
