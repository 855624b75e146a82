// Command bench_loop makes the inputs of evaluate.sh and pseudolabel.sh and times the
// parts of which evaluate consists, without Beam:
//
//	go run ./tools/bench_loop pairs DIR DISTINCT TOTAL
//	go run ./tools/bench_loop parts DIR WORKERS
//	go run ./tools/bench_loop copies FROM TO TOTAL
//
// pairs draws MiniCity's labels at 2048x1024 and predictions of them in the layout of
// Cityscapes, DISTINCT drawn ones copied to TOTAL names. copies copies the PNG files of
// a folder to TOTAL names.
package main

import (
	"fmt"
	"os"
	"strconv"
)

func main() {
	err := fmt.Errorf("usage: bench_loop pairs DIR DISTINCT TOTAL | parts DIR WORKERS | copies FROM TO TOTAL")
	switch a := os.Args[1:]; {
	case len(a) == 4 && a[0] == "pairs":
		err = pairs(a[1], number(a[2]), number(a[3]))
	case len(a) == 3 && a[0] == "parts":
		err = parts(a[1], number(a[2]))
	case len(a) == 4 && a[0] == "copies":
		err = copies(a[1], a[2], number(a[3]))
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func number(s string) int {
	n, err := strconv.Atoi(s)
	if err != nil || n < 1 {
		fmt.Fprintf(os.Stderr, "%q is no number from 1\n", s)
		os.Exit(2)
	}
	return n
}
