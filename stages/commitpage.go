package stages

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/apache/beam/sdks/v2/go/pkg/beam"

	"semidavil"
	"semidavil/internal/store"
	"semidavil/transforms/captions"
	"semidavil/transforms/report"
	"semidavil/transforms/shards"
)

func init() { beam.RegisterDoFn(reflect.TypeFor[commitPageFn]()) }

// PageFile is what CommitPage writes.
const PageFile = "browse.html"

// CommitPageParams say what the page is of.
type CommitPageParams struct {
	Output  string
	Of      OutputRef
	Classes semidavil.ClassSet
	Choice  Choice
	// Images is the number of all images, before the choice.
	Images int
}

// CommitPage writes a page of all pictures, and of the rejects of the output that it is of. It
// returns its path.
//
// PCollection<PicturePart> -> PCollection<string>.
func CommitPage(s beam.Scope, p CommitPageParams, parts beam.PCollection) beam.PCollection {
	s = s.Scope("stages.CommitPage")
	return once(s, &commitPageFn{p}, parts)
}

type commitPageFn struct{ Params CommitPageParams }

// ProcessElement writes the page.
func (f *commitPageFn) ProcessElement(ctx context.Context, _ []byte, nextPart func(*PicturePart) bool, emit func(string)) error {
	var pictures []report.Picture
	for part := (PicturePart{}); nextPart(&part); part = (PicturePart{}) {
		pictures = append(pictures, part.Pictures...)
	}
	outcome, err := ReadOutcome(ctx, f.Params.Of)
	if err != nil {
		return fmt.Errorf("stages: commit page: %w", err)
	}
	rejected, err := ReadRejects(ctx, f.Params.Of.Folder)
	if err != nil {
		return fmt.Errorf("stages: commit page: %w", err)
	}
	page, err := f.Params.page(pictures, append(outcome.Scores, f.Params.Of.drawnScores()...), rejected).HTML()
	if err == nil {
		err = store.WriteFile(ctx, f.Params.Output+"/"+PageFile, page)
	}
	if err != nil {
		return fmt.Errorf("stages: commit page: %w", err)
	}
	emit(f.Params.Output + "/" + PageFile)
	return nil
}

func (p CommitPageParams) page(pictures []report.Picture, scores []string, rejected []shards.Reject) report.Gallery {
	n := strconv.Itoa
	slices.SortFunc(pictures, func(a, b report.Picture) int {
		return cmp.Or(cmp.Compare(a.Title, b.Title), cmp.Compare(a.Key, b.Key), cmp.Compare(a.Subset, b.Subset))
	})
	g := report.Gallery{Title: "Images of " + p.Of.Command, Lead: p.Of.Folder}
	g.Scores = known(pictures, scores)
	for _, c := range p.Classes.Classes {
		g.Classes = append(g.Classes, report.Swatch{Name: c.Name, Color: c.Color})
	}
	if left := p.Images - len(pictures); left > 0 {
		how := "a choice by their names, the same in every run"
		if p.Choice.Worst {
			how = "those with the lowest " + scores[0]
		}
		g.Note = fmt.Sprintf("%d of %d images: %s. The other %d are not on this page.", len(pictures), p.Images, how, left)
	}
	g.Facts = []report.Fact{{Label: "images", Value: n(p.Images)}, {Label: "of them on this page", Value: n(len(pictures))}, {Label: "rejects", Value: n(len(rejected))}}
	var rows []captions.Row
	images := map[string]int{}
	for _, picture := range pictures {
		if picture.Caption != "" {
			rows = append(rows, captions.Row{Key: picture.Key, Image: picture.Title, Caption: picture.Caption})
			images[picture.Caption]++
		}
	}
	for i := range pictures {
		pictures[i].Images = images[pictures[i].Caption]
	}
	if len(rows) > 0 {
		for _, c := range captions.Summarise(rows).Frequent {
			g.Words = append(g.Words, report.Word{Text: c.Text, Images: c.Images})
		}
	}
	for _, r := range rejected {
		reason := strings.TrimPrefix(r.Reason, r.Path+": ")
		pictures = append(pictures, report.Picture{Title: r.Path, Key: r.Key, Fault: r.Stage + ": " + reason, Reject: kindOf(reason)})
	}
	g.Pictures = pictures
	return g
}

// known removes the scores that no picture has, and returns the names of the others.
func known(pictures []report.Picture, names []string) (out []string) {
	var columns []int
	for i, name := range names {
		if slices.ContainsFunc(pictures, func(p report.Picture) bool { return !math.IsNaN(float64(p.Scores[i])) }) {
			columns, out = append(columns, i), append(out, name)
		}
	}
	for i, p := range pictures {
		pictures[i].Scores = nil
		for _, c := range columns {
			pictures[i].Scores = append(pictures[i].Scores, p.Scores[c])
		}
	}
	return out
}

// anyNumber and anyFile are what tells reasons of one kind apart.
var anyNumber, anyFile = regexp.MustCompile(`[0-9][0-9.,]*`), regexp.MustCompile(`\S*/\S*|\S+\.(png|jpe?g|txt|jsonl)\b`)

// kindOf is a reason without what is particular to an image.
func kindOf(reason string) string {
	kind := []rune(anyNumber.ReplaceAllString(anyFile.ReplaceAllString(reason, "FILE"), "N"))
	return string(kind[:min(len(kind), 80)])
}
