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
	items := minicity.Items(o)
	rows := make([]minicity.CaptionRow, len(items))
	return drawn(ctx, s, drawing{root: cfg.Output + "/minicity", label: "drawing MiniCity", unit: "scenes", count: len(items),
		options: struct {
			Version int
			Options minicity.Options
		}{minicity.Version, o},
		own: func(rel string) bool { return strings.HasPrefix(rel, "gta5/") || strings.HasPrefix(rel, "cityscapes/") },
		draw: func(i int) (map[string][]byte, error) {
			files, row, err := items[i].Build()
			rows[i] = row
			return files, err
		},
		rest: func() (map[string][]byte, error) { return captionFiles(rows) },
	})
}

// captionFiles are the captions of the scenes of each root.
func captionFiles(rows []minicity.CaptionRow) (map[string][]byte, error) {
	byRoot := map[string][]minicity.CaptionRow{}
	for _, row := range rows {
		byRoot[row.Root] = append(byRoot[row.Root], row)
	}
	files := map[string][]byte{}
	for _, name := range slices.Sorted(maps.Keys(byRoot)) {
		data, err := minicity.EncodeCaptions(byRoot[name])
		if err != nil {
			return nil, err
		}
		files[name+"/captions.jsonl"] = data
	}
	return files, nil
}

// drawing is built-in data that is drawn below a root.
type drawing struct {
	root string
	// options are all that decides the files.
	options     any
	label, unit string
	count       int
	// draw makes the files of item i, by their paths below the root, and rest those of all
	// together; it may be nil.
	draw func(i int) (map[string][]byte, error)
	rest func() (map[string][]byte, error)
	// own tells the paths that a drawing with other options may have left.
	own func(rel string) bool
}

// drawn writes the files. A finished drawing is left alone: its mark holds the options that it was
// made with.
func drawn(ctx context.Context, s *runners.Session, d drawing) error {
	digest, err := configs.Fingerprint(d.options)
	if err != nil {
		return err
	}
	mark, want := d.root+"/complete.json", []byte(digest+"\n")
	switch data, err := store.ReadFile(ctx, mark, 0); {
	case err == nil && bytes.Equal(data, want):
		return nil
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return err
	}
	if err := store.Remove(ctx, mark); err != nil {
		return err
	}
	bar := s.Bar(d.label, d.unit, 0, int64(d.count))
	written, err := d.write(ctx, bar)
	if err != nil {
		bar.Abort()
		return err
	}
	bar.Finish()
	if err := store.RemoveFiles(ctx, d.root, func(rel string) bool { return d.own(rel) && !written[rel] }); err != nil {
		return err
	}
	return store.WriteFile(ctx, mark, want)
}

// write draws on all cores and returns the paths that it wrote.
func (d drawing) write(ctx context.Context, bar *runners.Bar) (map[string]bool, error) {
	var mu sync.Mutex
	written := map[string]bool{}
	keep := func(ctx context.Context, files map[string][]byte) error {
		for rel, data := range files {
			if err := store.WriteFile(ctx, d.root+"/"+rel, data); err != nil {
				return err
			}
		}
		mu.Lock()
		defer mu.Unlock()
		for rel := range files {
			written[rel] = true
		}
		return nil
	}
	group, drawing := errgroup.WithContext(ctx)
	group.SetLimit(2 * runtime.GOMAXPROCS(0)) // some wait for the disk
	for i := range d.count {
		group.Go(func() error {
			if err := drawing.Err(); err != nil {
				return err
			}
			files, err := d.draw(i)
			if err != nil {
				return err
			}
			if err := keep(drawing, files); err != nil {
				return err
			}
			bar.Add(1)
			return nil
		})
	}
	if err := group.Wait(); err != nil || d.rest == nil {
		return written, err
	}
	files, err := d.rest()
	if err != nil {
		return nil, err
	}
	return written, keep(ctx, files)
}
