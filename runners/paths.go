package runners

import (
	"errors"
	"flag"

	"semidavil/internal/store"
)

// Path is the value of a flag that names a folder or gs:// prefix.
type Path struct {
	Flag  string
	Value *string
	// BuiltIn is a value that is no path but a name of something in the program.
	BuiltIn string
}

// Accelerate asks remote workers for an accelerator; an empty hint asks for none. The Go
// SDK states resource hints for a whole pipeline.
func (s *Session) Accelerate(hint string) error {
	if hint == "" {
		return nil
	}
	if err := flag.Set("resource_hints", "accelerator="+hint); err != nil {
		return Usagef("--accelerator=%s: %v", hint, err)
	}
	return Validate(s.Runner)
}

// Resolve makes local paths absolute and refuses them where the workers of the selected
// runner cannot see this machine's files, all of them at once. Empty paths stay empty.
func (s *Session) Resolve(paths ...Path) error {
	var faults []error
	for _, p := range paths {
		if p.BuiltIn != "" && *p.Value == p.BuiltIn {
			continue
		}
		absolute, err := store.Absolute(*p.Value)
		if err != nil {
			return err
		}
		if s.Remote() && absolute != "" && !store.IsRemote(absolute) {
			faults = append(faults, Usagef("--%s=%s: the workers of --runner=%s cannot see local files; give a gs:// path", p.Flag, absolute, s.Runner))
		}
		*p.Value = absolute
	}
	return errors.Join(faults...)
}
