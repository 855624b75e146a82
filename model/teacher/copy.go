package teacher

import (
	"fmt"
	"strings"

	"github.com/gomlx/gomlx/ml/model"
)

// Copy gives the network to the values that from has, all of them, on the host, where
// to lacks them or has others. It is called between steps.
func Copy(store *model.Store, from, to string) error {
	return CopySome(store, from, to, func(string) bool { return true })
}

// CopySome is [Copy] for the paths, below the root of the network, that own holds of. A
// teacher that uses the student's frozen vision tower owns what is outside of it.
func CopySome(store *model.Store, from, to string, own func(path string) bool) error {
	copied := 0
	for source, path := range below(store, from) {
		if !own(path) {
			continue
		}
		if err := copyVariable(store, source, "/"+to+"/"+path); err != nil {
			return fmt.Errorf("teacher: copy %s to %s: %s: %w", from, to, path, err)
		}
		copied++
	}
	if copied == 0 {
		return fmt.Errorf("teacher: copy %s to %s: there is nothing to copy", from, to)
	}
	return nil
}

func copyVariable(store *model.Store, source *model.Variable, path string) error {
	value, err := source.Value()
	if err != nil {
		return err
	}
	if value, err = value.Clone(); err != nil {
		return err
	}
	target := store.GetVariable(path)
	if target == nil {
		store.VariableWithValue(path, value).SetTrainable(source.Trainable)
		return nil
	}
	if !target.Shape().Equal(source.Shape()) {
		return fmt.Errorf("have shape %s, want %s", target.Shape(), source.Shape())
	}
	return target.SetValue(value)
}

// below lists the variables of a network with their paths below its root. The store
// may grow meanwhile.
func below(store *model.Store, network string) map[*model.Variable]string {
	paths := map[*model.Variable]string{}
	for v := range store.IterVariables() {
		if path, ok := strings.CutPrefix(v.Path(), "/"+network+"/"); ok {
			paths[v] = path
		}
	}
	return paths
}
