// Command pseudolabel labels images with a trained network, where it is sure.
package main

import (
	"semidavil/pipelines/internal/pseudolabel"
	"semidavil/runners"
)

func main() { runners.Main(pseudolabel.Command()) }
