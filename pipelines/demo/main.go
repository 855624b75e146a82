// Command demo runs the whole loop on MiniCity and writes a report as one HTML page.
package main

import "semidavil/pipelines/internal/demo"

func main() { demo.Command().Main() }
