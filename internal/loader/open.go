package loader

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"sync"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"semidavil"
	"semidavil/internal/parallel"
	"semidavil/internal/store"
	"semidavil/transforms/classstats"
	"semidavil/transforms/shards"
)

// Loader reads one output of prepare. Its methods may be called by several
// goroutines at the same time.
type Loader struct {
	cfg      Config
	manifest shards.Manifest
	samples  map[semidavil.Subset][]*sample // sorted by key

	source, labelled, unlabelled stream
	rare                         *rareClasses

	cacheLeft atomic.Int64 // bytes
	tools     sync.Pool    // of *tools
	temporary string       // folder to remove, if any
}

// sample is where the files of one sample are, and what is known of it.
type sample struct {
	key   string
	shard *shard
	files members
	w, h  int
	// grid is that of a volume, which has no w and h, and spacing its distances in millimetres.
	grid    semidavil.Grid
	spacing [3]float64
	// pixels by train id and those ignored; nil without a label.
	pixels  []uint64
	ignored uint64
	tokens  int
	cached  atomic.Pointer[picture]
	decoded atomic.Pointer[volume] // cached too
}

// fail names shard and sample in an error.
func (s *sample) fail(verb string, err error) error {
	return fmt.Errorf("loader: %s %s of shard %s: %w", verb, s.key, s.shard.name, err)
}

// Open reads the manifest and the indexes, copies shards of a bucket to this
// machine and notes where every member stands. It fails where a stream that the
// configuration asks for has no samples, except for an unlabelled one: without
// unlabelled samples, the labelled ones stand in (docs/METHOD.md#splits, all
// labelled). An image may be a labelled and an unlabelled sample, under the same key.
func Open(ctx context.Context, cfg Config) (*Loader, error) {
	cfg, err := cfg.complete()
	if err != nil {
		return nil, err
	}
	f := &Loader{cfg: cfg, samples: map[semidavil.Subset][]*sample{}}
	f.cacheLeft.Store(cfg.CacheBytes)
	f.tools.New = func() any { return new(tools) }
	if err := f.open(ctx); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

// Close removes temporary copies. The Loader must not be used afterwards.
func (f *Loader) Close() error {
	if f.temporary == "" {
		return nil
	}
	dir := f.temporary
	f.temporary = ""
	if err := os.RemoveAll(dir); err != nil {
		return fmt.Errorf("loader: close: %w", err)
	}
	return nil
}

// Manifest returns the manifest of the shards.
func (f *Loader) Manifest() shards.Manifest { return f.manifest }

// Len returns the number of samples of a subset.
func (f *Loader) Len(subset semidavil.Subset) int { return len(f.samples[subset]) }

func (f *Loader) open(ctx context.Context) error {
	name, err := store.Join(f.cfg.Dir, "manifest.json", store.FollowLinks)
	if err != nil {
		return fmt.Errorf("loader: open: %w", err)
	}
	data, err := store.ReadFile(ctx, name, 0)
	if err != nil {
		return fmt.Errorf("loader: open: %w (has prepare come to its end there?)", err)
	}
	if f.manifest, err = shards.DecodeManifest(data); err != nil {
		return fmt.Errorf("loader: open %s: %w", name, err)
	}
	if k := len(f.manifest.Classes); k < 1 || k > semidavil.Ignore || f.manifest.Ignore != semidavil.Ignore {
		return fmt.Errorf("loader: open %s: %d classes with %d ignored: want 1 to %d classes and %d", name, k, f.manifest.Ignore, semidavil.Ignore, semidavil.Ignore)
	}
	if f.cfg.perStep() > 0 && (f.cfg.Volumes != nil) != (f.manifest.Volumes != nil) {
		kinds := map[bool]string{true: "volumes", false: "images"}
		return fmt.Errorf("loader: open %s: it holds %s, and %s are asked for", name, kinds[f.manifest.Volumes != nil], kinds[f.cfg.Volumes != nil])
	}
	if err := f.openShards(ctx); err != nil {
		return err
	}
	return f.openStreams()
}

// openShards indexes all shards, several at the same time.
func (f *Loader) openShards(ctx context.Context) error {
	if store.IsRemote(f.cfg.Dir) && f.cfg.CacheDir == "" {
		dir, err := os.MkdirTemp("", "semidavil-shards-")
		if err != nil {
			return fmt.Errorf("loader: open: %w", err)
		}
		f.temporary = dir
	}
	parts := make([][]*sample, len(f.manifest.Shards))
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(max(4, f.cfg.Workers))
	for i, s := range f.manifest.Shards {
		g.Go(func() (err error) {
			err = parallel.Try(func() (err error) {
				parts[i], err = f.openShard(gctx, s)
				return err
			})
			if err != nil {
				return fmt.Errorf("loader: open shard %s: %w", s.Name, err)
			}
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		return err
	}
	for i, s := range f.manifest.Shards {
		f.samples[s.Subset] = append(f.samples[s.Subset], parts[i]...)
	}
	for subset, list := range f.samples {
		slices.SortFunc(list, func(a, b *sample) int { return cmp.Compare(a.key, b.key) })
		for i := 1; i < len(list); i++ {
			if a, b := list[i-1], list[i]; a.key == b.key {
				return fmt.Errorf("loader: open: subset %s has sample %s in shard %s and in %s", subset, a.key, a.shard.name, b.shard.name)
			}
		}
	}
	return nil
}

// openStreams ties the counts of the configuration to the subsets.
func (f *Loader) openStreams() error {
	f.source = stream{"source", f.cfg.Seed, f.cfg.Source, f.samples[semidavil.SourceTrain]}
	f.labelled = stream{"labelled", f.cfg.Seed, f.cfg.Labelled, f.samples[semidavil.Labelled]}
	f.unlabelled = stream{"unlabelled", f.cfg.Seed, f.cfg.Unlabelled, f.samples[semidavil.Unlabelled]}
	if len(f.unlabelled.samples) == 0 {
		f.unlabelled.samples = f.labelled.samples
	}
	for _, s := range []*stream{&f.source, &f.labelled, &f.unlabelled} {
		if s.count > 0 && len(s.samples) == 0 {
			return fmt.Errorf("loader: open: %d %s images a step are asked for, but %s holds none", s.count, s.name, f.cfg.Dir)
		}
	}
	if !f.cfg.RareClass || f.source.count == 0 {
		return nil
	}
	counts := classstats.NewCounts(len(f.manifest.Classes))
	if err := addCounts(&counts, f.source.samples); err != nil {
		return err
	}
	var err error
	f.rare, err = newRareClasses(f.source.samples, counts.Frequencies(), f.cfg.RareTemperature)
	return err
}

// Frequencies counts the pixels of the labelled training samples that the
// configuration uses: those of the source where Source > 0, and labelled ones where
// Labelled > 0.
func (f *Loader) Frequencies() (classstats.Counts, error) {
	counts := classstats.NewCounts(len(f.manifest.Classes))
	for _, s := range []*stream{&f.source, &f.labelled} {
		if s.count == 0 {
			continue
		}
		if err := addCounts(&counts, s.samples); err != nil {
			return counts, err
		}
	}
	return counts, nil
}

func addCounts(counts *classstats.Counts, samples []*sample) error {
	for _, s := range samples {
		if err := counts.Add(s.pixels, s.ignored); err != nil {
			return s.fail("count the pixels of", err)
		}
	}
	return nil
}

// Size is the width and height of the target domain's samples as they were prepared,
// by the first of them, or of the source's where there is no target.
func (f *Loader) Size() (width, height int) {
	for _, subset := range []semidavil.Subset{semidavil.Val, semidavil.Unlabelled, semidavil.Labelled, semidavil.SourceTrain} {
		if list := f.samples[subset]; len(list) > 0 {
			return list[0].w, list[0].h
		}
	}
	return 0, 0
}
