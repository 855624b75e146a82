package stages

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"semidavil"
	"semidavil/transforms/metrics"
	"semidavil/transforms/report/figures"
)

// The kinds of captions of a [CaptionCheck], beside [OtherCaption].
const (
	OwnCaption        = "own"
	ClassNamesCaption = "class_names"
	NoCaption         = "none"
)

// captionKinds are the kinds in the order of the report, with their titles in tables.
var captionKinds = []struct{ kind, title string }{
	{OwnCaption, "own"}, {OtherCaption, "other images'"}, {ClassNamesCaption, "class names"}, {NoCaption, "none"},
}

// CaptionCheck shows what captions are worth to networks: their scores with the captions of
// the images, with those of other images, with one sentence of all class names, and with none.
type CaptionCheck struct {
	// Guidance is the networks' kind of guidance, Read whether captions have an influence on
	// it. Where they have none there are no Scores.
	Guidance string `json:"guidance"`
	Read     bool   `json:"read"`
	// Seed is that of the exchange; the table of images says whose caption each one got.
	Seed   uint64          `json:"seed"`
	Scores []CaptionScores `json:"scores"`
}

// CaptionScores are those of a network with one kind of captions, by every rule.
type CaptionScores struct {
	Network  string           `json:"network"`
	Captions string           `json:"captions"`
	Scores   []metrics.Scores `json:"scores"`
}

// add takes the scores of a network with captions of a kind.
func (c *CaptionCheck) add(network, kind string, scores []metrics.Scores) {
	c.Scores = append(c.Scores, CaptionScores{network, kind, scores})
	place := func(s CaptionScores) int {
		return slices.IndexFunc(captionKinds, func(k struct{ kind, title string }) bool { return k.kind == s.Captions })
	}
	slices.SortStableFunc(c.Scores, func(a, b CaptionScores) int {
		return cmp.Or(cmp.Compare(a.Network, b.Network), cmp.Compare(place(a), place(b)))
	})
}

// Columns are the scores of a network by the first rule, a column a kind of captions.
func (c CaptionCheck) Columns(network string) (out []metrics.Column) {
	for _, s := range c.Scores {
		for _, k := range captionKinds {
			if s.Network == network && s.Captions == k.kind && len(s.Scores) > 0 {
				out = append(out, metrics.Column{Title: k.title, Scores: s.Scores[0]})
			}
		}
	}
	return out
}

// Text says in a sentence or two what captions are worth to a network; names of the kinds
// are explained elsewhere.
func (c CaptionCheck) Text(network string) string {
	if !c.Read {
		return fmt.Sprintf("The network reads no captions (guidance %s): any caption gives the same result.", c.Guidance)
	}
	columns := c.Columns(network)
	var lost []string
	for i, column := range columns {
		if i > 0 {
			lost = append(lost, column.Title+" "+(column.Scores.MeanIoU-columns[0].Scores.MeanIoU).Points())
		}
	}
	text := fmt.Sprintf("Mean IoU of the %s beside that with the images' own captions, points: %s.", network, strings.Join(lost, ", "))
	if !slices.ContainsFunc(columns, func(m metrics.Column) bool { return m.Title == captionKinds[1].title }) {
		text += " All images have the same caption, so there are no other images' captions."
	}
	return text
}

// Figure draws the IoU of each class, a bar a kind of captions, the own ones in charts.Color(first).
func (c CaptionCheck) Figure(set semidavil.ClassSet, network string, first int) ([]byte, error) {
	var named []figures.Named
	for _, column := range c.Columns(network) {
		named = append(named, figures.Named{Name: column.Title, Report: metrics.Report{Scores: []metrics.Scores{column.Scores}}})
	}
	return figures.IoU(set, "IoU of the "+network+" by the captions that it reads", named, first)
}
