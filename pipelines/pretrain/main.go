// Command pretrain trains a small CLIP on the images and captions of prepare, for
// data that no pre-trained CLIP knows.
package main

import (
	"semidavil/pipelines/internal/pretrain"
	"semidavil/runners"
)

func main() { runners.Main(pretrain.Command()) }
