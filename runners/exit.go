package runners

import (
	"errors"
	"fmt"
)

// Exit statuses of a command.
const (
	ExitOK          = 0
	ExitFailure     = 1
	ExitUsage       = 2
	ExitInterrupted = 130
)

// ErrInterrupted is returned by Run when its context ended before the job.
var ErrInterrupted = errors.New("interrupted")

// UsageError is a fault of the command line. Main prints it with a pointer to
// --help and exits with ExitUsage.
type UsageError struct {
	// Message holds one fault a line.
	Message string
}

// Error returns the message.
func (e *UsageError) Error() string { return e.Message }

// Usagef returns a *UsageError.
func Usagef(format string, args ...any) error {
	return &UsageError{Message: fmt.Sprintf(format, args...)}
}

// ExitCode returns the exit status for the error of a command.
func ExitCode(err error) int {
	var usage *UsageError
	switch {
	case err == nil:
		return ExitOK
	case errors.Is(err, ErrInterrupted):
		return ExitInterrupted
	case errors.As(err, &usage):
		return ExitUsage
	}
	return ExitFailure
}
