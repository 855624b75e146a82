package stages

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"slices"

	"semidavil/transforms/shards"
)

// readRejects collects rejects in order, each once, but for the empty one that stands
// for none.
func readRejects(next func(*shards.Reject) bool, more ...shards.Reject) []shards.Reject {
	all := slices.Clone(more)
	var reject shards.Reject
	for next(&reject) {
		if reject != (shards.Reject{}) {
			all = append(all, reject)
		}
	}
	slices.SortFunc(all, func(a, b shards.Reject) int {
		return cmp.Or(cmp.Compare(a.Key, b.Key), cmp.Compare(a.Path, b.Path), cmp.Compare(a.Stage, b.Stage), cmp.Compare(a.Reason, b.Reason))
	})
	return slices.Compact(all) // an image of two subsets is rejected once
}

// lines writes values as JSON, one a line.
func lines[T any](values []T) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	for _, v := range values {
		if err := e.Encode(v); err != nil {
			return nil, fmt.Errorf("stages: encode: %w", err)
		}
	}
	return b.Bytes(), nil
}
