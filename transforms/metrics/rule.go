package metrics

import (
	"fmt"
	"slices"
	"strings"

	"semidavil"
)

// Rule says which classes a benchmark averages over.
type Rule struct {
	// Name is short, a column title.
	Name string
	// Classes are the train ids of the classes in the mean.
	Classes []int
	// IgnoreTrue are the train ids whose true pixels are ignored. The true pixels
	// of a class that is in neither list count: what is predicted there is a false
	// positive of the predicted class.
	IgnoreTrue []int
}

// Rules returns the rules that apply to a class set, the one to report first at
// the front. For Cityscapes:
//
//   - "19": all classes, the adaptation from GTA5.
//   - "16": all but terrain, truck and train, which SYNTHIA does not have. The
//     matrix stays that of 19 classes, so true pixels of those three count as
//     false positives, as DAFormer does it.
//   - "13": "16" without wall, fence and pole, scored on the same predictions.
//   - "16-ignored", "13-ignored": the same means with the true pixels of terrain,
//     truck and train ignored.
//
// legend says that to a reader of a table. Any other set has the rule "all".
func Rules(set semidavil.ClassSet) []Rule {
	if set.Name != semidavil.Cityscapes19.Name {
		return []Rule{{Name: "all", Classes: without(set.Len())}}
	}
	absent := []int{9, 14, 16}
	sixteen := without(set.Len(), 9, 14, 16)
	thirteen := without(set.Len(), 3, 4, 5, 9, 14, 16)
	return []Rule{
		{Name: "19", Classes: without(set.Len())},
		{Name: "16", Classes: sixteen},
		{Name: "16-ignored", Classes: sixteen, IgnoreTrue: absent},
		{Name: "13", Classes: thirteen},
		{Name: "13-ignored", Classes: thirteen, IgnoreTrue: absent},
	}
}

// meanings are the legend of the rules' names.
var meanings = map[string]string{
	"19":         "all classes",
	"16":         "SYNTHIA's classes, without terrain, truck and train",
	"16-ignored": "the same, true pixels of terrain, truck and train left out",
	"13":         "as 16, without wall, fence and pole too",
	"13-ignored": "the same, true pixels of terrain, truck and train left out",
}

// legend explains the rules of columns, a line with a bullet each, where there are several.
func legend(columns []Column, bullet string) string {
	var lines []string
	for _, c := range columns {
		line := fmt.Sprintf("%s%s: mean over %s\n", bullet, c.Scores.Rule, meanings[c.Scores.Rule])
		if meanings[c.Scores.Rule] != "" && !slices.Contains(lines, line) {
			lines = append(lines, line)
		}
	}
	if len(lines) < 2 {
		return ""
	}
	return "\n" + strings.Join(lines, "")
}

// without returns the train ids below k but those given.
func without(k int, absent ...int) []int {
	out := make([]int, 0, k)
	for i := range k {
		if !slices.Contains(absent, i) {
			out = append(out, i)
		}
	}
	return out
}
