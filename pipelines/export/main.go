// Command export writes a trained network for PyTorch.
package main

import "semidavil/pipelines/internal/export"

func main() { export.Command().Main() }
