// Command check says what a backend computes on.
package main

import "semidavil/pipelines/internal/check"

func main() { check.Command().Main() }
