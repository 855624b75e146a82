// Command browse writes a page to look at the images of an output.
package main

import (
	"semidavil/pipelines"
	"semidavil/pipelines/internal/browse"
)

func main() { browse.Command(pipelines.Browse).Main() }
