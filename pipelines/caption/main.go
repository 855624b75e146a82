// Command caption writes a sentence about every image.
package main

import (
	"semidavil/pipelines"
	"semidavil/pipelines/internal/caption"
)

func main() { caption.Command(pipelines.Caption).Main() }
