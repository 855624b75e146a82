// Command pretrain_minicity writes a CLIP folder again in half precision:
//
//	go run ./tools/pretrain_minicity FROM TO
package main

import (
	"context"
	"fmt"
	"os"

	"semidavil/model/weights"
)

func main() {
	if err := convert(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func convert(args []string) error {
	if len(args) != 2 {
		return fmt.Errorf("pretrain_minicity: want two folders, from and to; have %d arguments", len(args))
	}
	ctx := context.Background()
	c, values, err := weights.LoadCLIP(ctx, args[0])
	if err != nil {
		return err
	}
	return weights.ExportHalf(ctx, args[1], c, values)
}
