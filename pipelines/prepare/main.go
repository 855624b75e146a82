// Command prepare turns road-scene folders into captioned, tokenised, resized
// and counted training shards. Without arguments it draws its own scenes.
package main

import (
	"semidavil/pipelines/internal/prepare"
	"semidavil/runners"
)

func main() { runners.Main(prepare.Command()) }
