package stages

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"reflect"
	"sync"
	"time"

	"github.com/apache/beam/sdks/v2/go/pkg/beam"
	"golang.org/x/sync/errgroup"

	"semidavil"
	"semidavil/internal/captioner"
	"semidavil/internal/captionservice"
	"semidavil/internal/store"
	"semidavil/stages/captionstore"
	"semidavil/stages/counters"
	"semidavil/stages/plans"
	"semidavil/stages/rejects"
	"semidavil/transforms/captions"
	"semidavil/transforms/shards"
)

func init() {
	beam.RegisterDoFn(reflect.TypeFor[captionFn]())
}

// CaptionParams choose the captioner.
type CaptionParams struct {
	Captioner captioner.Config
	// Sets are the data sets of the images, for rows of captions.jsonl that name them
	// otherwise than by their exact paths.
	Sets []plans.DataSet
	// FallBack gives images whose sidecar is missing or empty the sentence of class
	// names instead of rejecting them.
	FallBack bool
	// Output is the folder of the caption files, one JSONL file per shard.
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
// run. Captions from a service pass a Reshuffle, so that a repeated bundle
// behind it sees the same ones.
//
// PCollection<Plan> -> PCollection<Plan>, PCollection<shards.Reject>.
func Caption(s beam.Scope, p CaptionParams, planned beam.PCollection) (captioned, rejected beam.PCollection) {
	s = s.Scope("stages.Caption")
	captioned, rejected = beam.ParDo2(s, &captionFn{Params: p}, planned)
	if p.Captioner.Kind == captioner.HTTP {
		captioned = beam.Reshuffle(s, captioned)
	}
	return captioned, withBrokenRows(s, p, rejected)
}

type captionFn struct {
	Params CaptionParams

	captioner, fallback captions.Captioner
	given               map[string]captions.Row // of Params.From, by key
	cache               captionstore.Cache      // of the service
}

// Setup makes the captioners and reads given captions.
func (f *captionFn) Setup(ctx context.Context) (err error) {
	if f.captioner, err = captioner.New(f.Params.Captioner); err != nil {
		return err
	}
	if f.fallback, err = captions.OfClassNames(f.Params.Captioner.Classes); err != nil {
		return err
	}
	if f.Params.From != "" {
		if f.given, err = captionstore.ReadGiven(ctx, f.Params.From); err != nil {
			return err
		}
	}
	if f.Params.Captioner.Kind == captioner.HTTP {
		f.cache, err = captionstore.ReadCache(ctx, f.Params.Output)
	}
	return err
}

// ProcessElement captions the images of one shard.
func (f *captionFn) ProcessElement(ctx context.Context, plan plans.Plan, emit func(plans.Plan), reject func(shards.Reject)) error {
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
	fallbacks := 0
	for i, s := range plan.Samples {
		if faults[i] == nil && s.Caption != "" {
			kept.Samples = append(kept.Samples, s)
			row := captions.Row{Key: s.Ref.Key, Image: s.Ref.Image, Caption: s.Caption, Captioner: s.Captioner}
			if file, faults[i] = captions.AppendRow(file, row); faults[i] != nil {
				kept.Samples = kept.Samples[:len(kept.Samples)-1]
				continue
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
	counters.Add(ctx, counters.Fallbacks, fallbacks)
	for i, err := range faults {
		if err != nil {
			counters.AddDone(ctx, 1) // it will not get further
			rejects.Emit(ctx, reject, rejects.Of(plan.Samples[i].Ref, "caption", err))
		}
	}
	if len(kept.Samples) > 0 {
		emit(kept)
	}
	return nil
}

// fill sets the captions of plan; faults[i] says why sample i has none. Its own
// error ends the run.
func (f *captionFn) fill(ctx context.Context, plan *plans.Plan, faults []error) error {
	var mu sync.Mutex
	var failed, succeeded int
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(max(1, f.Params.Concurrency))
	for i := range plan.Samples {
		group.Go(func() error {
			sample := &plan.Samples[i]
			err := rejects.Guard(ctx, "caption", sample.Ref, func() error { return f.caption(ctx, sample) })
			mu.Lock()
			defer mu.Unlock()
			if err == nil {
				succeeded++
				return nil
			}
			if err := rejects.OfRun(ctx, err); err != nil {
				return err
			}
			faults[i] = err
			if errors.Is(err, captionservice.ErrService) {
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

// caption finds the caption of one image.
func (f *captionFn) caption(ctx context.Context, s *plans.Sample) error {
	if row, ok := f.given[s.Ref.Key]; ok {
		s.Caption, s.Captioner = row.Caption, row.Captioner
		return nil
	}
	text, err := f.text(ctx, s.Ref)
	// An answer without text is a failure of the service, as others are.
	empty := f.Params.Captioner.Kind == captioner.Sidecar && errors.Is(err, captions.ErrEmpty)
	if (empty || errors.Is(err, captions.ErrMissing)) && f.Params.FallBack {
		text, err = f.fallback.Caption(ctx, captions.Request{Key: s.Ref.Key})
		s.Caption, s.Captioner = text, f.fallback.ID()
		return err
	}
	s.Caption, s.Captioner = text, f.captioner.ID()
	return err
}

// text asks the captioner, or takes what a service has answered before.
func (f *captionFn) text(ctx context.Context, ref semidavil.Ref) (string, error) {
	image, err := store.Join(ref.Root, ref.Image, store.Links(f.Params.Follow))
	if err != nil {
		return "", err
	}
	ask := func() (string, error) {
		return f.captioner.Caption(ctx, captions.Request{Key: ref.Key, Image: image, Root: ref.Root, FollowLinks: f.Params.Follow, Images: f.Params.images(ref.Root),
			ReadImage: func(ctx context.Context) ([]byte, error) { return store.ReadFile(ctx, image, 0) }})
	}
	if f.Params.Captioner.Kind != captioner.HTTP {
		return ask()
	}
	return f.cache.Get(ctx, f.captioner.ID(), ref, ask)
}
