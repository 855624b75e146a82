package runners

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
)

// ownTemporaries makes a folder for the temporary files of this process and the programs
// that it starts, so that none stays behind, however the command ends; undo removes it. A
// process that is killed leaves it, and nobody looks there again.
//
// It returns a *UsageError where the folder for temporary files cannot be written to.
func ownTemporaries(name string) (undo func(), err error) {
	variable := "TMPDIR"
	if runtime.GOOS == "windows" {
		variable = "TMP"
	}
	old, given := os.LookupEnv(variable)
	parent, err := filepath.Abs(os.TempDir()) // programs that it starts may have another working folder
	dir := ""
	if err == nil {
		dir, err = os.MkdirTemp(parent, "semidavil-"+name+"-*")
	}
	if err != nil {
		var cause *fs.PathError
		if errors.As(err, &cause) {
			err = cause.Err
		}
		return nil, Usagef("the folder for temporary files, %s, cannot be written to: %v; name another in %s", os.TempDir(), err, variable)
	}
	if err := os.Setenv(variable, dir); err != nil {
		return nil, err
	}
	// Errors of the clean-up do not matter: the run has ended.
	return func() {
		if given {
			_ = os.Setenv(variable, old)
		} else {
			_ = os.Unsetenv(variable)
		}
		_ = os.RemoveAll(dir)
	}, nil
}
