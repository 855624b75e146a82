package stages

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"reflect"

	"github.com/apache/beam/sdks/v2/go/pkg/beam"
	"golang.org/x/sync/errgroup"

	"semidavil"
	"semidavil/internal/captioner"
	"semidavil/internal/captionservice"
	"semidavil/internal/store"
	"semidavil/stages/captionstore"
	"semidavil/stages/counters"
	"semidavil/stages/inference"
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
	// Last tells that no other stage works on the images: those with a caption are done.
	Last bool
}

// Caption finds the caption of every image and writes them as JSONL, one file a
// shard, while it finds more. Captions that Output holds already, from the same captioner, are
// used again, so that a run that was interrupted does not ask a service twice;
// sidecar texts are always read. Images without a caption become rejects. A
// service that fails for five images of a shard and succeeds for none ends the
// run. Captions that cost something pass a Reshuffle, so that a repeated bundle
// behind it sees the same ones.
//
// PCollection<Plan> -> PCollection<Plan>, PCollection<shards.Reject>.
func Caption(s beam.Scope, p CaptionParams, planned beam.PCollection) (captioned, rejected beam.PCollection) {
	s = s.Scope("stages.Caption")
	captioned, rejected = beam.ParDo2(s, &captionFn{Params: p}, planned)
	if p.Captioner.Costly() {
		captioned = beam.Reshuffle(s, captioned)
	}
	return captioned, withBrokenRows(s, p, rejected)
}

type captionFn struct {
	Params CaptionParams

	// id is that of the captioner, which is nil where it is a network; that is opened when the
	// first image needs it.
	id                  string
	captioner, fallback captions.Captioner
	open                func(context.Context) (*inference.Describer, error)

	given map[string]captions.Row // of Params.From, by key
	cache captionstore.Cache      // of captions that cost something
}

// Setup makes the captioners and reads given captions.
func (f *captionFn) Setup(ctx context.Context) (err error) {
	if f.Params.Captioner.Looks() {
		f.id = f.Params.Captioner.ID()
		f.open = func(ctx context.Context) (*inference.Describer, error) {
			return inference.OpenDescriber(ctx, f.Params.Captioner, f.Params.Follow)
		}
	} else {
		if f.captioner, err = captioner.New(f.Params.Captioner); err != nil {
			return err
		}
		f.id = f.captioner.ID()
	}
	if f.fallback, err = captions.OfClassNames(f.Params.Captioner.Classes); err != nil {
		return err
	}
	if f.Params.From != "" {
		if f.given, err = captionstore.ReadGiven(ctx, f.Params.From); err != nil {
			return err
		}
	}
	if f.Params.Captioner.Costly() {
		f.cache, err = captionstore.ReadCache(ctx, f.Params.Output)
	}
	return err
}

// captioning is one shard in progress.
type captioning struct {
	plans.Plan
	lines  [][]byte // of the caption file, by sample
	faults []error  // why samples have no caption
}

// set gives sample i its caption, if it is one.
func (c *captioning) set(i int, caption, by string) {
	s := &c.Samples[i]
	s.Caption, s.Captioner = caption, by
	c.lines[i], c.faults[i] = captions.AppendRow(nil, captions.Row{Key: s.Ref.Key, Image: s.Ref.Image, Caption: caption, Captioner: by})
}

func (c *captioning) file() []byte { return bytes.Join(c.lines, nil) }

// ProcessElement captions the images of one shard.
func (f *captionFn) ProcessElement(ctx context.Context, plan plans.Plan, emit func(plans.Plan), reject func(shards.Reject)) error {
	file, err := captionstore.OpenFile(ctx, f.Params.Output+"/"+plan.Name+".jsonl")
	if err != nil {
		return err
	}
	c := &captioning{Plan: plan, lines: make([][]byte, len(plan.Samples)), faults: make([]error, len(plan.Samples))}
	stop := f.fill(ctx, c, file)
	if err := file.Close(ctx, c.file()); err != nil {
		return err
	}
	if stop != nil {
		return stop
	}
	kept := plan
	kept.Samples = nil
	fallbacks := 0
	for i, s := range c.Samples {
		if err := c.faults[i]; err != nil {
			counters.AddDone(ctx, 1) // it will not get further
			rejects.Emit(ctx, reject, rejects.Of(s.Ref, "caption", err))
			continue
		}
		kept.Samples = append(kept.Samples, s)
		if s.Captioner == f.fallback.ID() && f.fallback.ID() != f.id {
			fallbacks++
		}
	}
	counters.Add(ctx, counters.Fallbacks, fallbacks)
	if len(kept.Samples) > 0 {
		emit(kept)
	}
	return nil
}

// fill finds captions, at first those that are known: what the file holds of them stays in it.
// Its error ends the run.
func (f *captionFn) fill(ctx context.Context, c *captioning, file *captionstore.File) error {
	asked := f.known(c)
	reused := len(c.Samples) - len(asked)
	if f.Params.Captioner.Costly() {
		counters.Add(ctx, counters.Captions, reused)
	}
	f.done(ctx, reused)
	failed, succeeded := 0, 0
	ask := f.ask
	if f.Params.Captioner.Looks() {
		ask = f.look
	}
	return ask(ctx, c, asked, func(i int, caption, by string, err error) error {
		if stop := rejects.OfRun(ctx, err); stop != nil {
			return stop
		}
		if err == nil {
			c.set(i, caption, by)
			err = c.faults[i]
		}
		if c.faults[i] = err; err == nil {
			succeeded++
			f.done(ctx, 1)
			if f.Params.Captioner.Costly() {
				file.Save(ctx, c.file())
			}
			return nil
		}
		if errors.Is(err, captionservice.ErrService) {
			failed++
		}
		if failed >= 5 && succeeded == 0 {
			return fmt.Errorf("stages: caption: the service failed for %d images and succeeded for none: %w", failed, err)
		}
		return nil
	})
}

// done counts images with a caption, where that is all they need.
func (f *captionFn) done(ctx context.Context, n int) {
	if f.Params.Last {
		counters.AddDone(ctx, n)
	}
}

// known sets the captions that need no question and returns the other samples.
func (f *captionFn) known(c *captioning) (others []int) {
	for i, s := range c.Samples {
		if row, ok := f.given[s.Ref.Key]; ok {
			c.set(i, row.Caption, row.Captioner)
		} else if text, ok := f.cache.Find(f.id, s.Ref); ok && f.Params.Captioner.Costly() {
			c.set(i, text, f.id)
		} else {
			others = append(others, i)
		}
	}
	return others
}

// got receives the caption of sample i, or why it has none, on the goroutine of the bundle. Its
// error ends the questions.
type got func(i int, caption, by string, err error) error

// ask asks the captioner about some samples, several at once.
func (f *captionFn) ask(ctx context.Context, c *captioning, samples []int, receive got) (stop error) {
	type answer struct {
		sample      int
		caption, by string
		err         error
	}
	outer := ctx
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	answers := make(chan answer)
	go func() {
		defer close(answers)
		var group errgroup.Group
		group.SetLimit(max(1, f.Params.Concurrency))
		for _, i := range samples {
			if ctx.Err() != nil {
				break
			}
			group.Go(func() error {
				a := answer{sample: i}
				ref := c.Samples[i].Ref
				a.err = rejects.Guard(ctx, "caption", ref, func() (err error) {
					a.caption, a.by, err = f.caption(ctx, ref)
					return err
				})
				answers <- a
				return nil
			})
		}
		group.Wait() //nolint:errcheck // errors are answers
	}()
	for a := range answers {
		if stop == nil {
			if stop = receive(a.sample, a.caption, a.by, a.err); stop != nil {
				cancel()
			}
		}
	}
	if stop == nil {
		stop = outer.Err()
	}
	return stop
}

// look lets the network look at some samples, in batches.
func (f *captionFn) look(ctx context.Context, c *captioning, samples []int, receive got) error {
	if len(samples) == 0 {
		return nil
	}
	d, err := f.open(ctx)
	if err != nil {
		return err
	}
	plan := c.Plan
	plan.Samples = nil
	for _, i := range samples {
		plan.Samples = append(plan.Samples, c.Samples[i])
	}
	return d.Each(ctx, plan, func(n int, caption string, err error) error {
		i := samples[n]
		if caption = captions.Normalise(caption); err == nil && caption == "" {
			err = captions.ErrEmpty
		}
		if err == nil {
			err = captionstore.Keep(f.id, c.Samples[i].Ref, caption)
		}
		return receive(i, caption, f.id, err)
	})
}

// caption finds the caption of one image.
func (f *captionFn) caption(ctx context.Context, ref semidavil.Ref) (caption, by string, err error) {
	caption, err = f.text(ctx, ref)
	// An answer without text is a failure of the service, as others are.
	empty := f.Params.Captioner.Kind == captioner.Sidecar && errors.Is(err, captions.ErrEmpty)
	if (empty || errors.Is(err, captions.ErrMissing)) && f.Params.FallBack {
		caption, err = f.fallback.Caption(ctx, captions.Request{Key: ref.Key})
		return caption, f.fallback.ID(), err
	}
	return caption, f.id, err
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
	if !f.Params.Captioner.Costly() {
		return ask()
	}
	return f.cache.Get(ctx, f.id, ref, ask)
}
