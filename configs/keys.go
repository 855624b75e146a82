package configs

import (
	"encoding/json"
	"maps"
	"slices"
)

// sortedKeys returns the keys of both objects, each once.
func sortedKeys(a, b map[string]json.RawMessage) []string {
	all := maps.Clone(a)
	maps.Copy(all, b)
	return slices.Sorted(maps.Keys(all))
}
