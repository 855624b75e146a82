package pretrain

import (
	"context"
	"fmt"

	"semidavil/model/train"
)

// summarise prints what came out.
func summarise(ctx context.Context, r *job) error {
	sum, err := train.ReadSummary[train.PretrainSummary](ctx, r.Settings.Output)
	if err != nil {
		return err
	}
	if found := sum.Retrieval; found.Pairs > 0 {
		fmt.Fprintf(r.Stdout, "retrieval  the right caption is nearest for %.0f %% of %d val images, the right image for %.0f %% of the captions\n",
			100*found.ImageToText, found.Pairs, 100*found.TextToImage)
	}
	fmt.Fprintf(r.Stdout, "speed      %.2f steps/s on %s, %.0f %% of the time waiting for input\n", sum.StepRate, sum.Backend, 100*sum.Waited)
	fmt.Fprintf(r.Stdout, "model      %s, for train --clip\n", sum.Model)
	return nil
}
