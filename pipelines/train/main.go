// Command train learns to segment the target domain from the shards of prepare.
package main

import (
	"semidavil/pipelines/internal/train"
	"semidavil/runners"
)

func main() { runners.Main(train.Command()) }
