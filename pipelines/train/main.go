// Command train learns to segment the target domain from the shards of prepare.
package main

import (
	"semidavil/pipelines"
	"semidavil/pipelines/internal/train"
)

func main() { train.Command(pipelines.Train).Main() }
