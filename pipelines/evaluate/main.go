// Command evaluate scores a trained network, or label files, against labels.
package main

import (
	"semidavil/pipelines"
	"semidavil/pipelines/internal/evaluate"
)

func main() { evaluate.Command(pipelines.Evaluate).Main() }
