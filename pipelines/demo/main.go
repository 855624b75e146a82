// Command demo runs the whole loop on MiniCity and ends with one page to look at.
package main

import "semidavil/pipelines/internal/demo"

func main() { demo.Command().Main() }
