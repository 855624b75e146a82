// Command prepare turns road-scene folders into captioned, tokenised, resized
// and counted training shards. Without arguments it draws its own scenes.
package main

import (
	"semidavil/pipelines"
	"semidavil/pipelines/internal/prepare"
)

func main() { prepare.Command(pipelines.Prepare).Main() }
