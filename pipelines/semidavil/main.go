// Command semidavil is all commands in one program: semidavil train is go run ./pipelines/train.
package main

import (
	"semidavil/pipelines/internal/commands"
	"semidavil/pipelines/internal/programs"
)

func main() { commands.Main("semidavil", programs.All()) }
