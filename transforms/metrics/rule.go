package metrics

import (
	"slices"

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
// Any other set has the rule "all".
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
