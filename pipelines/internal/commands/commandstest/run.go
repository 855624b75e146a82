// Package commandstest runs commands in tests.
package commandstest

import (
	"bytes"
	"context"
	"io"

	"semidavil/pipelines/internal/commands"
	"semidavil/runners"
)

// Run runs the command's own code on a runner, with settings that it validates first, and returns
// what it prints.
func Run[C interface{ Validate() error }, P any](c commands.Command[C, P], runner string, settings C) (string, error) {
	if err := settings.Validate(); err != nil {
		return "", err
	}
	var stdout bytes.Buffer
	s := &runners.Session{Runner: runner, Display: runners.NewDisplay(io.Discard, c.Name, true), Stdout: &stdout}
	err := c.Run(context.Background(), s, settings)
	return stdout.String(), err
}
