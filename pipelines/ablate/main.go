// Command ablate trains the variants of the method's tables and compares them.
package main

import (
	"semidavil/pipelines"
	"semidavil/pipelines/internal/ablate"
)

func main() { ablate.Command(pipelines.Ablate).Main() }
