package train

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"
	"gorgonia.org/tensor"

	"semidavil"
	"semidavil/internal/loader"
	"semidavil/model/backend"
	"semidavil/model/checkpoint"
	"semidavil/model/infer"
	"semidavil/model/params"
	"semidavil/model/segmenter"
	"semidavil/model/textfeatures"
	"semidavil/model/weights"
	"semidavil/transforms/classstats"
)

// textNetwork is where the frozen text tower lives while captions are encoded.
const textNetwork = "clip"

func newTrainer(ctx context.Context, b backend.Choice, c Config, w Watcher) (*trainer, error) {
	t := &trainer{Config: c, backend: b, watch: w, store: model.NewStore(), byKey: map[string]textfeatures.Tokens{}}
	var err error
	if t.loader, err = loader.Open(ctx, c.Loader); err != nil {
		return nil, err
	}
	if err := t.prepare(ctx); err != nil {
		return nil, errors.Join(err, t.loader.Close())
	}
	return t, nil
}

func (t *trainer) prepare(ctx context.Context) error {
	if err := t.loadCLIP(ctx); err != nil {
		return err
	}
	if err := t.Segmenter.CheckSize(t.Loader.CropW, t.Loader.CropH); err != nil {
		return err
	}
	counts, err := t.loader.Frequencies()
	if err != nil {
		return err
	}
	t.counts = pixelsOf(counts)
	if t.Loss.Kind == "wce" && t.Loss.ClassWeights == nil {
		t.Loss.ClassWeights = classWeights(counts.Frequencies())
	}
	if t.Method != nil {
		method := *t.Method
		method.Loss = t.Loss
		t.Method = &method
	}
	if err := t.encodeCaptions(ctx); err != nil {
		return err
	}
	if t.exec, err = t.newStepExec(); err != nil {
		return err
	}
	fingerprint, err := t.fingerprint()
	if err != nil {
		return err
	}
	shown := t.Config
	shown.Prompts = nil // thousands of numbers that follow from the classes
	t.loop = &loop[*loader.Batch]{
		steps: t.Steps, logEvery: t.LogEvery, evaluateEvery: t.EvaluateEvery, checkpointEvery: t.CheckpointEvery,
		overwrite: t.Overwrite, fingerprint: fingerprint,
		store: t.store, keeper: &checkpoint.Keeper{Dir: t.Output, Keep: t.Keep}, record: newRecorder(t.Output, shown), watch: t.watch,
		learningRate: func(step int) float64 { return t.Schedule.At(step, t.Steps) * t.Optimiser.LR },
		batches:      t.loader.Batches, step: t.step, evaluate: t.evaluate, meta: t.meta, restore: t.restore,
	}
	return nil
}

func (t *trainer) close() {
	t.exec.Finalize()
	if err := t.loader.Close(); err != nil {
		t.watch.note("%v", err)
	}
}

// classes are those of the data, by train id.
func (t *trainer) classes() semidavil.ClassSet { return t.loader.Manifest().Set() }

// classWeights are inverse frequencies of mean 1.
func classWeights(frequencies []float64) []float32 {
	var out []float32
	for _, w := range classstats.InverseFrequency(frequencies) {
		out = append(out, float32(w))
	}
	return out
}

// pixelsOf are the counted pixels of each class.
func pixelsOf(counts classstats.Counts) []float64 {
	var out []float64
	for _, n := range counts.Pixels {
		out = append(out, float64(n))
	}
	return out
}

// loadCLIP puts the towers where they are used: text for the captions, vision into
// student and teacher.
func (t *trainer) loadCLIP(ctx context.Context) error {
	if t.CLIP == "" {
		return nil
	}
	config, values, err := weights.LoadCLIP(ctx, t.CLIP)
	if err != nil {
		return err
	}
	t.Segmenter.CLIP, t.clipDigest = config, values.Digest()
	vision, text := values.Under("vision"), values.Under("text")
	t.textDigest = text.Digest()
	if err := params.Load(t.store, textNetwork, text); err != nil {
		return err
	}
	if err := params.Load(t.store, Student, vision); err != nil {
		return err
	}
	if t.TeacherVision() == Teacher && t.Loader.Unlabelled > 0 {
		return params.Load(t.store, Teacher, vision)
	}
	return nil
}

// captionBatch is the number of captions that pass the text tower together.
const captionBatch = 16

// encodeCaptions runs the text tower over all captions once and forgets it.
func (t *trainer) encodeCaptions(ctx context.Context) error {
	captions, err := t.loader.Captions(ctx)
	if err != nil {
		return err
	}
	var all []textfeatures.Tokens
	for _, caption := range captions {
		tokens := textfeatures.Tokens{IDs: caption.Tokens[:], Count: caption.Count}
		t.byKey[caption.Key] = tokens
		all = append(all, tokens)
	}
	all = append(all, t.Prompts...)
	if t.captions, err = textfeatures.NewTable(t.backend.Backend, t.store, textNetwork, t.Segmenter.CLIP, captionBatch); err != nil {
		return err
	}
	defer t.captions.Close()
	if err := t.captions.Add(ctx, all, func(done, total int) { t.watch.phase("encode captions", done, total) }); err != nil {
		return err
	}
	if t.Segmenter.Guidance.NeedsClasses() {
		prompts := params.Values{segmenter.ClassText: params.Dense(t.captions.Pooled(t.Prompts), len(t.Prompts), t.Segmenter.CLIP.Embed)}
		for _, network := range []string{Student, Teacher} {
			if network == Teacher && t.Loader.Unlabelled == 0 {
				continue
			}
			if err := params.Load(t.store, network, prompts); err != nil {
				return err
			}
		}
	}
	return t.store.DeleteVariablesInScope("/" + textNetwork)
}

// metaBest is where a checkpoint holds the best score so far.
const metaBest = "best"

// meta is what the network needs beside its weights, and the best score so far.
func (t *trainer) meta() (map[string]string, error) {
	facts, err := t.facts().Encode()
	if err != nil {
		return nil, err
	}
	bestJSON, err := json.Marshal(t.best)
	return map[string]string{infer.FactsKey: facts, metaBest: string(bestJSON)}, err
}

// restore reads the best score.
func (t *trainer) restore(meta map[string]string) error {
	if err := json.Unmarshal([]byte(meta[metaBest]), &t.best); err != nil {
		return fmt.Errorf("best score: %w", err)
	}
	return nil
}

// facts are what the network needs to be used on other images.
func (t *trainer) facts() infer.Facts {
	m := t.loader.Manifest()
	f := infer.Facts{Segmenter: t.Segmenter, ClassSet: t.classes(), Tokenizer: m.Tokenizer, TextTower: t.textDigest,
		Window: t.Window, Crop: [2]int{t.Loader.CropW, t.Loader.CropH}, SharedVision: t.TeacherVision() == Student}
	f.Width, f.Height = t.loader.Size()
	return f
}

// array hands a host array to the backend.
func array[T uint8 | int32 | float32](d *tensor.Dense) *tensors.Tensor {
	return tensors.FromFlatDataAndDimensions(d.Data().([]T), d.Shape()...)
}
