// Command pretrain trains a small CLIP on the images and captions of prepare, for
// data that no pre-trained CLIP knows.
package main

import (
	"semidavil/pipelines"
	"semidavil/pipelines/internal/pretrain"
)

func main() { pretrain.Command(pipelines.Pretrain).Main() }
