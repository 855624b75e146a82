package stages

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"reflect"

	"github.com/apache/beam/sdks/v2/go/pkg/beam"

	"semidavil"
	"semidavil/internal/store"
	"semidavil/stages/counters"
	"semidavil/stages/plans"
	"semidavil/stages/rejects"
	"semidavil/transforms/datasets"
	"semidavil/transforms/samples"
	"semidavil/transforms/shards"
)

func init() {
	beam.RegisterDoFn(reflect.TypeFor[writeFn]())
	beam.RegisterCoder(reflect.TypeFor[shards.Index](), encodeIndex, shards.DecodeIndex)
}

// WriteParams say how samples are made and where they go.
type WriteParams struct {
	// Output is the folder of the shards.
	Output string
	Sets   []plans.DataSet
	// Follow permits links out of the roots.
	Follow  bool
	Samples samples.Params
	// Volumes says how volumes are made, in the place of Samples; nil for images.
	Volumes *shards.Volumes
	// Classes are those of data sets that have none of their own.
	Classes semidavil.ClassSet
	// Workers is the number of images in progress at once in a process; 0 is one per
	// core.
	Workers int
	// Config is the fingerprint of the configuration: a shard of another one is
	// rewritten.
	Config string
}

// Write makes the samples of every plan and writes them as one tar file and one
// index each, both under a temporary name first. A shard whose index says that
// it was made of the same things is left as it is, unless an input file is
// newer or could not be read. Faulty files become rejects, which the index keeps.
// An input that is replaced by one of the same size and an older time is not
// noticed.
//
// PCollection<Plan> -> PCollection<shards.Index>.
func Write(s beam.Scope, p WriteParams, tokenised beam.PCollection) beam.PCollection {
	s = s.Scope("stages.Write")
	return beam.ParDo(s, &writeFn{Params: p}, tokenised)
}

func encodeIndex(x shards.Index) ([]byte, error) { return shards.EncodeJSON(x) }

type writeFn struct {
	Params WriteParams

	adapters map[string]datasets.Adapter
	sizes    map[string][2]int
	workers  chan *worker
}

// Setup looks up the adapters.
func (f *writeFn) Setup() (err error) {
	f.adapters, f.sizes = map[string]datasets.Adapter{}, map[string][2]int{}
	for _, set := range f.Params.Sets {
		a, err := set.Adapter()
		if err != nil {
			return err
		}
		if a.Classes.Len() == 0 {
			a.Classes = f.Params.Classes
		}
		f.adapters[a.Name] = a
		f.sizes[a.Name+"\x00"+string(set.Domain)] = [2]int{set.W, set.H}
	}
	f.workers, err = processWorkers(f.Params.Workers)
	return err
}

// ProcessElement writes one shard.
func (f *writeFn) ProcessElement(ctx context.Context, plan plans.Plan, emit func(shards.Index)) error {
	// Few shards at a time: a killed run loses less.
	select {
	case shardSlots <- struct{}{}:
		defer func() { <-shardSlots }()
	case <-ctx.Done():
		return ctx.Err()
	}
	planned := len(plan.Samples)
	fingerprint, err := f.fingerprint(plan)
	if err != nil {
		return err
	}
	base := f.Params.Output + "/" + plan.Name
	if index, ok := f.finished(ctx, base, plan, fingerprint); ok {
		counters.Add(ctx, counters.Reused, 1)
		counters.AddDone(ctx, planned)
		counters.Add(ctx, counters.Rejects, len(index.Rejects))
		emit(index)
		return nil
	}
	// An index must never describe a tar file that it was not written for.
	if err := store.Remove(ctx, base+".json"); err != nil {
		return fmt.Errorf("stages: write %s: %w", plan.Name, err)
	}
	index := shards.Index{Format: shards.Name, Version: shards.Version, Plan: fingerprint, Samples: []shards.Meta{}, Rejects: []shards.Reject{}}
	if err := f.writeTar(ctx, base+".tar", plan, &index); err != nil {
		return fmt.Errorf("stages: write %s: %w", plan.Name, err)
	}
	data, err := shards.EncodeJSON(index)
	if err != nil {
		return err
	}
	if err := store.WriteFile(ctx, base+".json", data); err != nil {
		return fmt.Errorf("stages: write %s: %w", plan.Name, err)
	}
	emit(index)
	return nil
}

// writeTar writes the samples in the order of the plan while others are being
// made, and fills in the index.
func (f *writeFn) writeTar(ctx context.Context, name string, plan plans.Plan, index *shards.Index) error {
	file, err := store.Create(ctx, name)
	if err != nil {
		return err
	}
	defer file.Abort()
	w := shards.NewWriter(file)
	i := -1
	for made, err := range f.makeAll(ctx, plan) {
		if i++; err != nil {
			return err
		}
		if made.err != nil {
			if err := rejects.OfRun(ctx, made.err); err != nil {
				return err
			}
			stage := "load"
			if made.read {
				stage = rejects.Read
			}
			counters.Add(ctx, counters.Rejects, 1)
			index.Rejects = append(index.Rejects, rejects.Of(plan.Samples[i].Ref, stage, made.err))
		}
		for _, s := range made.samples {
			if err := w.Write(s); err != nil {
				return err
			}
			index.Samples = append(index.Samples, s.Meta)
		}
		counters.AddDone(ctx, 1)
	}
	if index.Shard, err = w.Close(plan.Name, plan.Subset); err != nil {
		return err
	}
	return file.Commit()
}

// makeOne reads the files of one sample and makes it.
func (f *writeFn) makeOne(ctx context.Context, w *worker, subset semidavil.Subset, s plans.Sample) (out made) {
	err := rejects.Guard(ctx, "write", s.Ref, func() error {
		out = f.readAndMake(ctx, w, subset, s)
		return nil
	})
	if err != nil {
		return made{err: err}
	}
	return out
}

func (f *writeFn) readAndMake(ctx context.Context, w *worker, subset semidavil.Subset, s plans.Sample) made {
	in := samples.Input{Ref: s.Ref, Subset: subset, Adapter: f.adapters[s.Ref.Dataset],
		Size:    f.sizes[s.Ref.Dataset+"\x00"+string(s.Ref.Domain)],
		Caption: s.Caption, Captioner: s.Captioner, Tokens: s.Tokens}
	var err error
	fail := func(err error) made { return made{err: rejects.BelowRoot(s.Ref.Root, err), read: true} }
	if w.image, err = store.ReadBelow(ctx, w.image, s.Ref.Root, s.Ref.Image, store.Links(f.Params.Follow)); err != nil {
		return fail(err)
	}
	if s.Ref.Label != "" {
		if w.label, err = store.ReadBelow(ctx, w.label, cmp.Or(s.Ref.LabelRoot, s.Ref.Root), s.Ref.Label, store.Links(f.Params.Follow)); err != nil {
			return fail(err)
		}
		in.Label = w.label
	}
	in.Image = w.image
	if v := f.Params.Volumes; v != nil {
		s, err := samples.MakeVolume(in, *v)
		if err != nil {
			return made{err: err}
		}
		return made{samples: []shards.Sample{s}}
	}
	w.maker.Params = f.Params.Samples
	list, err := w.maker.Make(in)
	return made{samples: list, err: err}
}

// finished reports whether the shard at base was made of the same things.
func (f *writeFn) finished(ctx context.Context, base string, plan plans.Plan, fingerprint string) (shards.Index, bool) {
	info, err := store.Stat(ctx, base+".json")
	if err != nil {
		return shards.Index{}, false
	}
	data, err := store.ReadFile(ctx, base+".json", 0)
	if err != nil {
		return shards.Index{}, false
	}
	index, err := shards.DecodeIndex(data)
	if err != nil || index.Plan != fingerprint || index.Shard.Name != plan.Name {
		return shards.Index{}, false
	}
	for _, r := range index.Rejects {
		if r.Stage == rejects.Read {
			return shards.Index{}, false // it may be readable by now
		}
	}
	for _, s := range plan.Samples {
		if s.Ref.Changed > info.ModTime.UnixNano() {
			return shards.Index{}, false
		}
	}
	file, err := store.Stat(ctx, base+".tar")
	return index, err == nil && file.Size == index.Shard.Bytes
}

// fingerprint stands for all that the bytes of a shard depend on, except the
// contents of input files of the same size; times and the root's place are left
// out so that the same data elsewhere gives the same index.
func (f *writeFn) fingerprint(plan plans.Plan) (string, error) {
	h := sha256.New()
	fmt.Fprintf(h, "%s\n%s\n", f.Params.Config, plan.Name)
	e := json.NewEncoder(h)
	for _, s := range plan.Samples {
		s.Ref.Root, s.Ref.LabelRoot, s.Ref.Changed = "", "", 0
		if err := e.Encode(s); err != nil {
			return "", fmt.Errorf("stages: write %s: fingerprint: %w", plan.Name, err)
		}
	}
	return hex.EncodeToString(h.Sum(nil)[:16]), nil
}
