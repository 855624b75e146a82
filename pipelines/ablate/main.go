// Command ablate trains the variants of the method's tables and compares them.
package main

import (
	"semidavil/pipelines/internal/ablate"
	"semidavil/runners"
)

func main() { runners.Main(ablate.Command()) }
