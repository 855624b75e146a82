package infer

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"

	"github.com/gomlx/compute"
	"github.com/gomlx/gomlx/ml/model"
	"golang.org/x/sync/semaphore"

	"semidavil/internal/store"
	"semidavil/model/checkpoint"
	"semidavil/model/params"
	"semidavil/model/textfeatures"
	"semidavil/model/weights"
)

// Find returns the checkpoint file to read for a network: the path itself where it is
// a file; of an output folder of train the best weights for the student, and for the
// teacher, which they do not hold, the newest checkpoint.
func Find(ctx context.Context, path, network string) (string, error) {
	info, err := store.Stat(ctx, path)
	switch {
	case err != nil:
		return "", fmt.Errorf("infer: find checkpoint: %w", err)
	case !info.IsDir:
		return path, nil
	case network == Student:
		best := checkpoint.BestPath(path)
		if found, err := store.Exists(ctx, best); err != nil || found {
			return best, err
		}
	}
	step, found, err := checkpoint.Newest(ctx, path)
	if err != nil {
		return "", fmt.Errorf("infer: find checkpoint: %w", err)
	}
	if !found {
		return "", fmt.Errorf("infer: find checkpoint: %s holds none; give an output folder of train, or a .safetensors file of it", path)
	}
	return checkpoint.Path(path, step), nil
}

// CheckNetwork reports a checkpoint file that lacks a network, "student" or "teacher", by its head
// alone.
func CheckNetwork(ctx context.Context, path, network string) error {
	_, names, err := checkpoint.ReadHead(ctx, path)
	if err != nil {
		return err
	}
	return missing(names, network)
}

// missing says why values of those names lack a network. Best weights are the student's, whose names
// do not begin with it.
func missing(names []string, network string) error {
	has := func(root string) bool {
		return slices.ContainsFunc(names, func(name string) bool { return strings.HasPrefix(name, root+"/") })
	}
	switch {
	case network != Student && network != Teacher:
		return fmt.Errorf("network %q is unknown; valid: %s, %s", network, Student, Teacher)
	case has(network), !has(Student) && network == Student:
		return nil
	case !has(Student):
		return errors.New("best weights are the student's; the teacher is in the checkpoints folder of the training")
	}
	return fmt.Errorf("it has no %s: the training had no unlabelled data", network)
}

// ReadFacts reads what a checkpoint file says about its network, without the weights.
func ReadFacts(ctx context.Context, path string) (Facts, error) {
	meta, _, err := checkpoint.ReadHead(ctx, path)
	if err != nil {
		return Facts{}, err
	}
	f, err := decodeFacts(meta[FactsKey])
	if err != nil {
		return f, fmt.Errorf("infer: read %s: %w", path, err)
	}
	return f, nil
}

// Open reads a network and its text tower.
func Open(ctx context.Context, b compute.Backend, o Options) (*Model, error) {
	if o.Batch < 1 {
		return nil, fmt.Errorf("infer: open: batch %d: want 1 or more", o.Batch)
	}
	state, err := checkpoint.Read(ctx, o.Checkpoint)
	if err != nil {
		return nil, err
	}
	atOnce := 1
	if b.String() == "go" {
		// Its products round a row by its place among all rows, so that the result of an
		// image would depend on the others of its batch. Several images at once, each in a graph of its
		// own, are as fast.
		atOnce, o.Batch = runtime.GOMAXPROCS(0), 1
	}
	m := &Model{options: o, backend: b, store: model.NewStore(), atOnce: int64(atOnce)}
	m.slots = semaphore.NewWeighted(m.atOnce)
	if m.facts, err = decodeFacts(state.Meta[FactsKey]); err != nil {
		return nil, fmt.Errorf("infer: open %s: %w", o.Checkpoint, err)
	}
	if err := m.load(state.Values); err != nil {
		return nil, fmt.Errorf("infer: open %s: %w", o.Checkpoint, err)
	}
	if err := m.loadText(ctx); err != nil {
		return nil, fmt.Errorf("infer: open %s: %w", o.Checkpoint, err)
	}
	m.loaded = m.parameters()
	if m.text, err = textfeatures.NewTable(b, m.store, textRoot, m.facts.Segmenter.CLIP, o.Batch); err != nil {
		return nil, err
	}
	return m, nil
}

// load puts the network into the store, below its own name.
func (m *Model) load(values params.Values) error {
	if err := missing(values.Names(), m.options.Network); err != nil {
		return err
	}
	if len(values.Under(Student)) == 0 {
		return params.Load(m.store, Student, values)
	}
	wanted := values.Under(m.options.Network)
	if m.vision() == Student {
		for name, value := range values.Under(Student + "/vision") {
			wanted[name] = value
		}
	}
	return params.LoadAll(m.store, wanted)
}

// vision is the network whose vision tower is used.
func (m *Model) vision() string {
	if m.facts.SharedVision {
		return Student
	}
	return m.options.Network
}

func (m *Model) loadText(ctx context.Context) error {
	if m.options.CLIP == "" {
		if m.facts.TextTower != "" {
			return errors.New("the network was trained with a CLIP: give its folder (--clip)")
		}
		return nil
	}
	config, values, err := weights.LoadCLIP(ctx, m.options.CLIP)
	if err != nil {
		return err
	}
	text := values.Under("text")
	if text.Digest() != m.facts.TextTower {
		return fmt.Errorf("the text tower of %s is not the one that the network was trained with", m.options.CLIP)
	}
	if config != m.facts.Segmenter.CLIP {
		return fmt.Errorf("%s has other sizes than the network", m.options.CLIP)
	}
	text[LogitScale] = values[LogitScale]
	return params.Load(m.store, textRoot, text)
}
