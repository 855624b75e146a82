// Command evaluate scores a trained network, or label files, against labels.
package main

import (
	"semidavil/pipelines/internal/evaluate"
	"semidavil/runners"
)

func main() { runners.Main(evaluate.Command()) }
