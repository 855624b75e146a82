package stages

import (
	"fmt"
	"strconv"

	"semidavil/transforms/captions"
	"semidavil/transforms/report"
	"semidavil/transforms/shards"
)

// maxRejectsShown is how many rejects the contact sheet lists.
const maxRejectsShown = 500

// sheet is the contact sheet.
func (p CommitCaptionsParams) sheet(rows []captions.Row, shown map[string]Thumbnailed, rejected []shards.Reject, stats CaptionStats) report.Gallery {
	n := strconv.Itoa
	g := report.Gallery{Title: "Captions", Lead: p.Input, Facts: []report.Fact{
		{Label: "captions", Value: n(stats.Captions)},
		{Label: "different captions", Value: n(stats.Different)},
		{Label: "words a caption", Value: fmt.Sprintf("%.1f", stats.MeanWords)},
		{Label: "fewest and most", Value: fmt.Sprintf("%d to %d", stats.FewestWords, stats.MostWords)},
		{Label: "different words", Value: n(stats.DifferentWords)},
		{Label: "without one, got class names", Value: n(stats.Fallbacks)},
		{Label: "rejected images", Value: n(stats.Rejects)},
		{Label: "of them with an empty caption", Value: n(stats.Empty)},
	}}
	if len(shown) < len(rows) {
		g.Note = fmt.Sprintf("%s of %s images, chosen at random.", n(len(shown)), n(len(rows)))
	}
	images := map[string]int{}
	for _, row := range rows {
		images[row.Caption]++
	}
	for _, row := range rows {
		t, ok := shown[row.Key]
		if !ok {
			continue
		}
		picture := report.Picture{Title: row.Image, Caption: row.Caption, Images: images[row.Caption], JPEG: t.JPEG, Width: t.Width, Height: t.Height, Fault: t.Fault}
		if row.Captioner == p.Fallback {
			picture.Mark = "class names"
		}
		g.Pictures = append(g.Pictures, picture)
	}
	for _, c := range stats.Frequent {
		g.Words = append(g.Words, report.Word{Text: c.Text, Images: c.Images})
	}
	table := func(caption string, head ...string) *report.Table {
		g.Tables = append(g.Tables, report.Table{Caption: caption, Head: head})
		return &g.Tables[len(g.Tables)-1]
	}
	t := table("Captioners", "captioner", "captions")
	for _, c := range stats.Captioners {
		t.Rows = append(t.Rows, []string{c.Text, n(c.Images)})
	}
	if p.Prompt != "" {
		t.Rows = append(t.Rows, []string{"asked: " + p.Prompt, ""})
	}
	if len(stats.Repeated) > 0 {
		t := table("Captions of several images", "caption", "images")
		for _, c := range stats.Repeated {
			t.Rows = append(t.Rows, []string{c.Text, n(c.Images)})
		}
	}
	if len(rejected) > 0 {
		t := table("Rejected images", "image", "stage", "reason")
		for i, r := range rejected {
			if i == maxRejectsShown {
				t.Rows = append(t.Rows, []string{fmt.Sprintf("and %s more, in %s", n(len(rejected)-i), RejectsFile), "", ""})
				break
			}
			t.Rows = append(t.Rows, []string{r.Path, r.Stage, r.Reason})
		}
	}
	return g
}
