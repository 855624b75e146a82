package prepare

import (
	"context"
	"slices"
	"strings"

	"semidavil/configs"
	"semidavil/internal/store"
	"semidavil/stages"
)

// forget deletes the captions and indexes of other data: their keys may be those of the
// new ones.
func forget(ctx context.Context, cfg, before configs.Prepare) error {
	if sameData(before, cfg) {
		return nil
	}
	for _, dir := range []string{"captions", "shards"} {
		err := store.RemoveFiles(ctx, cfg.Output+"/"+dir, func(rel string) bool { return stages.OwnFile(rel) && !strings.HasSuffix(rel, ".tar") })
		if err != nil {
			return err
		}
	}
	return nil
}

// sameData reports whether two configurations read the same images.
func sameData(a, b configs.Prepare) bool {
	drawn := a.BuiltIn() && b.BuiltIn()
	return slices.Equal(a.Source, b.Source) && slices.Equal(a.Target, b.Target) &&
		(!drawn || a.Seed == b.Seed && a.SceneSize == b.SceneSize)
}
