package runners

import "semidavil/internal/store"

// Path is the value of a flag that names a folder or gs:// prefix.
type Path struct {
	Flag  string
	Value *string
}

// Resolve makes local paths absolute and refuses them where the workers of the selected
// runner cannot see this machine's files. Empty paths stay empty.
func (s *Session) Resolve(paths ...Path) error {
	for _, p := range paths {
		absolute, err := store.Absolute(*p.Value)
		if err != nil {
			return err
		}
		if s.Remote() && absolute != "" && !store.IsRemote(absolute) {
			return Usagef("--%s=%s: the workers of --runner=%s cannot see local files; give a gs:// path", p.Flag, absolute, s.Runner)
		}
		*p.Value = absolute
	}
	return nil
}
