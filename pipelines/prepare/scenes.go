package main

import (
	"context"
	"fmt"

	"semidavil/configs"
	"semidavil/runners"
)

// drawScenes writes the built-in data set into the output.
func drawScenes(ctx context.Context, s *runners.Session, cfg configs.Prepare) error {
	return fmt.Errorf("prepare: no built-in scenes yet")
}
