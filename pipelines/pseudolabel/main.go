// Command pseudolabel labels images with a trained network, where it is confident.
package main

import (
	"semidavil/pipelines"
	"semidavil/pipelines/internal/pseudolabel"
)

func main() { pseudolabel.Command(pipelines.Pseudolabel).Main() }
