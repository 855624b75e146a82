package stages

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"sync"
	"time"

	"github.com/apache/beam/sdks/v2/go/pkg/beam"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/register"
	"golang.org/x/sync/errgroup"
	"golang.org/x/sync/singleflight"

	"semidavil/internal/store"
	"semidavil/model/caption"
	"semidavil/transforms/shards"
)

func init() {
	register.DoFn4x1[context.Context, Plan, func(Plan), func(shards.Reject), error](&captionFn{})
}

// CaptionParams choose the captioner.
type CaptionParams struct {
	Captioner caption.Config
	// FallBack gives images whose sidecar is missing the sentence of class names
	// instead of rejecting them.
	FallBack bool
	// Output is the folder of the caption files, one JSONL file a shard.
	Output string
	// From is a JSONL file or a folder of them whose captions are used as they
	// are, by key.
	From string
	// Follow permits links out of the roots.
	Follow bool
	// Concurrency is the number of captions of a shard under way at once; the
	// captioner has its own limit for the process.
	Concurrency int
}

// Caption finds the caption of every image and writes them as JSONL, one file a
// shard. Captions that Output holds already, from the same captioner, are used
// again, so that a run that was interrupted does not ask a service twice;
// sidecar texts are always read. Images without a caption become rejects. A
// service that fails for five images of a shard and succeeds for none ends the
// run. What services answered passes a Reshuffle, so that a repeated bundle
// behind it sees the same captions.
//
// PCollection<Plan> -> PCollection<Plan>, PCollection<shards.Reject>.
func Caption(s beam.Scope, p CaptionParams, plans beam.PCollection) (captioned, rejects beam.PCollection) {
	s = s.Scope("stages.Caption")
	captioned, rejects = beam.ParDo2(s, &captionFn{Params: p}, plans)
	if p.Captioner.Kind == caption.HTTP {
		captioned = beam.Reshuffle(s, captioned)
	}
	return captioned, rejects
}

type captionFn struct {
	Params CaptionParams

	captioner, fallback caption.Captioner
	given               map[string]caption.Row  // of Params.From, by key
	stored              map[string]knownCaption // of Params.Output, by captioner ID + "\x00" + key
}

// Setup makes the captioners and reads given captions.
func (f *captionFn) Setup(ctx context.Context) (err error) {
	if f.captioner, err = caption.New(f.Params.Captioner); err != nil {
		return err
	}
	if f.fallback, err = caption.New(caption.Config{Kind: caption.ClassNames, Classes: f.Params.Captioner.Classes}); err != nil {
		return err
	}
	if f.Params.From != "" {
		if f.given, err = givenCaptions.load(ctx, f.Params.From); err != nil {
			return err
		}
	}
	return f.readStored(ctx)
}

// known holds captions of services that this process has received, so that the same image in two shards is captioned once.
var known sync.Map // captioner ID + "\x00" + root + "\x00" + key -> knownCaption

// knownCaption is a caption and when it was made, in Unix nanoseconds; an image
// that has changed since then needs another one.
type knownCaption struct {
	text string
	made int64
}

// ProcessElement captions the images of one shard.
func (f *captionFn) ProcessElement(ctx context.Context, plan Plan, emit func(Plan), reject func(shards.Reject)) error {
	name := f.Params.Output + "/" + plan.Name + ".jsonl"
	old, err := store.ReadFile(ctx, name, 0)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("stages: caption: %w", err)
	}
	faults := make([]error, len(plan.Samples))
	stop := f.fill(ctx, &plan, faults)

	kept := plan
	kept.Samples = nil
	var file []byte
	fallbacks := int64(0)
	for i, s := range plan.Samples {
		if faults[i] == nil && s.Caption != "" {
			kept.Samples = append(kept.Samples, s)
			row := caption.Row{Key: s.Ref.Key, Image: s.Ref.Image, Caption: s.Caption, Captioner: s.Captioner}
			if file, err = caption.AppendRow(file, row); err != nil {
				return err
			}
			if s.Captioner == f.fallback.ID() && f.fallback.ID() != f.captioner.ID() {
				fallbacks++
			}
		}
	}
	if !bytes.Equal(file, old) {
		// Also when the run is being stopped: captions may have been paid for.
		saving, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
		defer cancel()
		if err := store.WriteFile(saving, name, file); err != nil {
			return fmt.Errorf("stages: caption: %w", err)
		}
	}
	if stop != nil {
		return stop
	}
	beam.NewCounter(Namespace, Fallbacks).Inc(ctx, fallbacks)
	for i, err := range faults {
		if err != nil {
			beam.NewCounter(Namespace, Rejects).Inc(ctx, 1)
			beam.NewCounter(Namespace, Done).Inc(ctx, 1) // it will not get further
			reject(rejectOf(plan.Samples[i].Ref, "caption", err))
		}
	}
	if len(kept.Samples) > 0 {
		emit(kept)
	}
	return nil
}

// readStored takes over captions of a service that an earlier run stored, in
// whichever shard. A file that cannot be read as captions counts for nothing.
func (f *captionFn) readStored(ctx context.Context) error {
	f.stored = map[string]knownCaption{}
	if f.Params.Captioner.Kind != caption.HTTP {
		return nil
	}
	err := store.List(ctx, f.Params.Output, func(info store.Info, err error) error {
		if err != nil || !OwnFile(info.Rel) {
			return err
		}
		data, err := store.ReadFile(ctx, info.Path, 0)
		if err != nil {
			return err
		}
		rows, _, err := caption.ReadRowsCut(bytes.NewReader(data))
		if err != nil {
			return nil
		}
		for _, row := range rows {
			f.stored[row.Captioner+"\x00"+row.Key] = knownCaption{row.Caption, info.ModTime.UnixNano()}
		}
		return nil
	})
	if err != nil && !isMissing(err) {
		return fmt.Errorf("stages: caption: %w", err)
	}
	return nil
}

// fill sets the captions of plan; faults[i] says why sample i has none. Its own
// error ends the run.
func (f *captionFn) fill(ctx context.Context, plan *Plan, faults []error) error {
	var mu sync.Mutex
	var failed, succeeded int
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(max(1, f.Params.Concurrency))
	for i := range plan.Samples {
		group.Go(func() error {
			err := f.one(ctx, &plan.Samples[i])
			mu.Lock()
			defer mu.Unlock()
			if err == nil {
				succeeded++
				return nil
			}
			if ctx.Err() != nil {
				return ctx.Err()
			}
			faults[i] = err
			if errors.Is(err, caption.ErrService) {
				failed++
			}
			if failed >= 5 && succeeded == 0 {
				return fmt.Errorf("stages: caption: the service failed for %d images and succeeded for none: %w", failed, err)
			}
			return nil
		})
	}
	return group.Wait()
}

// one finds the caption of one image.
func (f *captionFn) one(ctx context.Context, s *PlannedSample) error {
	ref := s.Ref
	if row, ok := f.given[ref.Key]; ok {
		s.Caption, s.Captioner = row.Caption, row.Captioner
		return nil
	}
	memo := f.captioner.ID() + "\x00" + ref.Root + "\x00" + ref.Key
	if v, ok := known.Load(memo); ok && v.(knownCaption).made >= ref.Changed {
		s.Caption, s.Captioner = v.(knownCaption).text, f.captioner.ID()
		return nil
	}
	if c, ok := f.stored[f.captioner.ID()+"\x00"+ref.Key]; ok && c.made >= ref.Changed {
		s.Caption, s.Captioner = c.text, f.captioner.ID()
		return nil
	}
	image, err := store.Join(ref.Root, ref.Image, linkOptions(f.Params.Follow)...)
	if err != nil {
		return err
	}
	req := caption.Request{Key: ref.Key, Image: image, Root: ref.Root,
		ReadImage: func(ctx context.Context) ([]byte, error) { return store.ReadFile(ctx, image, 0) }}
	if f.Params.Captioner.Kind == caption.HTTP {
		return f.ask(ctx, s, memo, req)
	}
	text, err := f.captioner.Caption(ctx, req)
	if errors.Is(err, caption.ErrMissing) && f.Params.FallBack {
		text, err = f.fallback.Caption(ctx, caption.Request{Key: ref.Key})
		s.Caption, s.Captioner = text, f.fallback.ID()
		return err
	}
	if err != nil {
		return err
	}
	s.Caption, s.Captioner = text, f.captioner.ID()
	return nil
}

// asking lets the second of two requests about one image wait for the first.
var asking singleflight.Group

// ask puts an image to the service, once a process.
func (f *captionFn) ask(ctx context.Context, s *PlannedSample, memo string, req caption.Request) error {
	text, err, _ := asking.Do(memo, func() (any, error) {
		if v, ok := known.Load(memo); ok && v.(knownCaption).made >= s.Ref.Changed {
			return v.(knownCaption).text, nil
		}
		text, err := f.captioner.Caption(ctx, req)
		if err == nil {
			known.Store(memo, knownCaption{text, time.Now().UnixNano()})
		}
		return text, err
	})
	if err != nil {
		return err
	}
	s.Caption, s.Captioner = text.(string), f.captioner.ID()
	return nil
}

// givenCaptions reads each captions file or folder once a process.
var givenCaptions rowCache

type rowCache struct {
	mu   sync.Mutex
	rows map[string]map[string]caption.Row
}

func (c *rowCache) load(ctx context.Context, from string) (map[string]caption.Row, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if rows, ok := c.rows[from]; ok {
		return rows, nil
	}
	files := []string{from}
	if !strings.HasSuffix(from, ".jsonl") {
		files = nil
		err := store.List(ctx, from, func(info store.Info, err error) error {
			if strings.HasSuffix(info.Path, ".jsonl") {
				files = append(files, info.Path)
			}
			return err
		})
		if err != nil {
			return nil, fmt.Errorf("stages: caption: %w", err)
		}
	}
	rows := map[string]caption.Row{}
	for _, name := range files {
		data, err := store.ReadFile(ctx, name, 0)
		if err != nil {
			return nil, fmt.Errorf("stages: caption: %w", err)
		}
		list, err := caption.ReadRows(bytes.NewReader(data))
		if err != nil {
			return nil, fmt.Errorf("stages: caption: %s: %w", name, err)
		}
		for _, row := range list {
			rows[row.Key] = row
		}
	}
	if c.rows == nil {
		c.rows = map[string]map[string]caption.Row{}
	}
	c.rows[from] = rows
	return rows, nil
}
