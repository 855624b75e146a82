package prepare

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"maps"
	"runtime"
	"slices"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"

	"semidavil/configs"
	"semidavil/internal/store"
	"semidavil/runners"
	"semidavil/transforms/datasets/minicity"
)

// drawScenes writes the built-in data set below the output, in the layouts of
// GTA5 and Cityscapes. A finished one is left alone: its mark holds the
// options that it was drawn with.
func drawScenes(ctx context.Context, s *runners.Session, cfg configs.Prepare) error {
	w, h, err := configs.ParseSize(cfg.SceneSize)
	if err != nil {
		return err
	}
	o := minicity.Options{Seed: cfg.Seed, Source: cfg.Scenes[0], Train: cfg.Scenes[1], Val: cfg.Scenes[2], Extra: cfg.Scenes[3], W: w, H: h}
	if o.Source+o.Train+o.Val+o.Extra == 0 {
		return runners.Usagef("--scenes: nothing to draw")
	}
	root, mark := cfg.Output+"/minicity", cfg.Output+"/minicity/complete.json"
	digest, err := configs.Fingerprint(struct {
		Version int
		Options minicity.Options
	}{minicity.Version, o})
	if err != nil {
		return err
	}
	want := []byte(digest + "\n")
	switch data, err := store.ReadFile(ctx, mark, 0); {
	case err == nil && bytes.Equal(data, want):
		return nil
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return err
	}
	if err := store.Remove(ctx, mark); err != nil {
		return err
	}
	items := minicity.Items(o)
	bar := s.Bar("drawing MiniCity", "scenes", int64(len(items)))
	written, err := writeScenes(ctx, root, items, bar)
	if err != nil {
		bar.Abort()
		return err
	}
	bar.Finish()
	// Scenes that other options left.
	err = store.RemoveFiles(ctx, root, func(rel string) bool {
		ours := strings.HasPrefix(rel, "gta5/") || strings.HasPrefix(rel, "cityscapes/")
		return ours && !written[rel]
	})
	if err != nil {
		return err
	}
	return store.WriteFile(ctx, mark, want)
}

// writeScenes draws on all cores and returns the paths that it wrote.
func writeScenes(ctx context.Context, root string, items []minicity.Item, bar *runners.Bar) (map[string]bool, error) {
	var mu sync.Mutex
	written := map[string]bool{}
	rows := make([]minicity.CaptionRow, len(items))
	group, drawing := errgroup.WithContext(ctx)
	group.SetLimit(2 * runtime.GOMAXPROCS(0)) // some wait for the disk
	for i, item := range items {
		group.Go(func() error {
			if err := drawing.Err(); err != nil {
				return err
			}
			files, row, err := item.Build()
			if err != nil {
				return err
			}
			rows[i] = row
			for rel, data := range files {
				if err := store.WriteFile(drawing, root+"/"+rel, data); err != nil {
					return err
				}
			}
			mu.Lock()
			defer mu.Unlock()
			for rel := range files {
				written[rel] = true
			}
			bar.Add(1)
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	byRoot := map[string][]minicity.CaptionRow{}
	for _, row := range rows {
		byRoot[row.Root] = append(byRoot[row.Root], row)
	}
	for _, name := range slices.Sorted(maps.Keys(byRoot)) {
		data, err := minicity.EncodeCaptions(byRoot[name])
		if err != nil {
			return nil, err
		}
		rel := name + "/captions.jsonl"
		written[rel] = true
		if err := store.WriteFile(ctx, root+"/"+rel, data); err != nil {
			return nil, err
		}
	}
	return written, nil
}
