package train

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"iter"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"

	"semidavil"
	"semidavil/internal/loader"
	"semidavil/model/backend"
	"semidavil/model/checkpoint"
	"semidavil/model/clip"
	"semidavil/model/optim"
	"semidavil/model/params"
	"semidavil/model/textfeatures"
	"semidavil/model/weights"
	"semidavil/transforms/shards"
)

// PretrainConfig is all that decides the result of a contrastive pre-training, and
// where its files go.
type PretrainConfig struct {
	Output string
	// Overwrite is as in [Config].
	Overwrite bool `json:",omitempty"`
	CLIP      clip.Config
	// Start is a model folder to go on from; empty, the towers start from random
	// values.
	Start string
	// Width and Height are the size that images are resized to.
	Width, Height int
	// Batch is the number of pairs, all of which are told apart from each other.
	Batch int
	// Symmetric also picks the image for each text; Eq. (1) as quoted does not.
	Symmetric bool
	Optimiser optim.Config
	Schedule  optim.Schedule
	Steps     int
	Seed      uint64
	Loader    loader.Config `json:"Feed"` // as fingerprints have it

	LogEvery, EvaluateEvery, CheckpointEvery, Keep int
}

// PretrainSummary is the end of a pre-training.
type PretrainSummary struct {
	Steps     int       `json:"steps"`
	Resumed   int       `json:"resumed"`
	Seconds   float64   `json:"seconds"`
	StepRate  float64   `json:"steps_per_second"`
	Waited    float64   `json:"waited"`
	Backend   string    `json:"backend"`
	Retrieval Retrieval `json:"retrieval"`
	// Model is the folder of the trained CLIP.
	Model string `json:"model"`
}

// Retrieval is how often the right partner among all val pairs is the nearest, 0 to
// 1. Captions that are the same count as right.
type Retrieval struct {
	ImageToText float64 `json:"image_to_text"`
	TextToImage float64 `json:"text_to_image"`
	Pairs       int     `json:"pairs"`
}

// Check tells all that is impossible about c.
func (c PretrainConfig) Check() error {
	var faults []error
	fault := func(format string, args ...any) {
		faults = append(faults, fmt.Errorf("train: check pre-training: "+format, args...))
	}
	if err := c.CLIP.Check(); err != nil {
		faults = append(faults, err)
	} else if p := c.CLIP.PatchSize; c.Width < p || c.Height < p || c.Width%p != 0 || c.Height%p != 0 {
		fault("size %dx%d: sides must be multiples of the patch size %d", c.Width, c.Height, p)
	}
	if c.Batch < 2 {
		fault("a batch of %d pairs has nothing to tell apart", c.Batch)
	}
	if err := c.Optimiser.Check(); err != nil {
		faults = append(faults, err)
	}
	if err := c.Schedule.Check(); err != nil {
		faults = append(faults, err)
	}
	if c.Steps < 1 || c.LogEvery < 1 || c.EvaluateEvery < 1 || c.CheckpointEvery < 1 || c.Keep < 1 {
		fault("steps, log, evaluate, checkpoint and keep numbers must be 1 or more")
	}
	return errors.Join(faults...)
}

// ModelDir is where a pre-training puts the CLIP folder, below its output.
const ModelDir = "clip"

// clipNetwork is the root of both towers while they are trained.
const clipNetwork = "clip"

// pretrainer is one pre-training.
type pretrainer struct {
	PretrainConfig
	backend backend.Choice
	watch   Watcher
	loader  *loader.Loader
	store   *model.Store
	byKey   map[string]textfeatures.Tokens
	exec    *model.Exec
	keeper  *checkpoint.Keeper
	record  *recorder
	start   string // digest of the weights it starts from
}

// Pretrain trains both towers of CLIP on the images and captions of an output of
// prepare, Eq. (1), and writes the model folder. Like Run it resumes.
func Pretrain(ctx context.Context, b backend.Choice, c PretrainConfig, w Watcher) (PretrainSummary, error) {
	p := &pretrainer{PretrainConfig: c, backend: b, watch: w, store: model.NewStore(), byKey: map[string]textfeatures.Tokens{},
		keeper: &checkpoint.Keeper{Dir: c.Output, Keep: c.Keep}, record: newRecorder(c.Output)}
	if err := p.load(ctx); err != nil {
		return PretrainSummary{}, err
	}
	if err := p.Check(); err != nil {
		return PretrainSummary{}, err
	}
	var err error
	if p.loader, err = loader.Open(ctx, c.Loader); err != nil {
		return PretrainSummary{}, err
	}
	defer p.loader.Close()
	captions, err := p.loader.Captions(ctx)
	if err != nil {
		return PretrainSummary{}, err
	}
	for _, caption := range captions {
		p.byKey[caption.Key] = textfeatures.Tokens{IDs: caption.Tokens[:], Count: caption.Count}
	}
	if vocab := p.loader.Manifest().Tokenizer.Vocab; vocab > p.CLIP.Vocab {
		return PretrainSummary{}, fmt.Errorf("train: pre-train: the data has a vocabulary of %d tokens, the text tower of %d", vocab, p.CLIP.Vocab)
	}
	if p.CLIP.Context != shards.Context {
		return PretrainSummary{}, fmt.Errorf("train: pre-train: captions have %d tokens, the text tower has a context of %d", shards.Context, p.CLIP.Context)
	}
	if p.exec, err = model.NewExec(b.Backend, p.store, p.graph); err != nil {
		return PretrainSummary{}, fmt.Errorf("train: pre-train: %w", err)
	}
	defer p.exec.Finalize()
	return p.run(ctx)
}

// load puts the weights to start from into the store.
func (p *pretrainer) load(ctx context.Context) error {
	if p.Start == "" {
		return nil
	}
	config, values, err := weights.LoadCLIP(ctx, p.Start)
	if err != nil {
		return err
	}
	p.CLIP, p.start = config, values.Digest()
	return params.Load(p.store, clipNetwork, values)
}

// graph is a step: images u8[M,H,W,3], tokens i32[M,Context], learning-rate factor.
func (p *pretrainer) graph(_ *model.Scope, images, tokens, scale *graph.Node) []*graph.Node {
	s := params.In(p.store, images.Graph(), clipNetwork, params.Options{Seed: p.Seed, Train: true})
	_, text := clip.Text(s, p.CLIP, tokens)
	image := clip.PooledVision(s, p.CLIP, clip.Normalise(images))
	loss := clip.Contrastive(s, image, text, p.Symmetric)
	norm, ok := optim.Step(p.store, loss, clipNetwork, p.Optimiser, []optim.Group{{Name: "all", Match: func(string) bool { return true }, NoDecay: optim.WithoutDecay}}, scale)
	return []*graph.Node{loss, norm, graph.ConvertDType(ok, dtypes.Float32)}
}

func (p *pretrainer) run(ctx context.Context) (PretrainSummary, error) {
	first, err := p.resume(ctx)
	if err != nil {
		return PretrainSummary{}, err
	}
	summary := PretrainSummary{Steps: p.Steps, Resumed: first, Backend: p.backend.Chosen, Model: p.Output + "/" + ModelDir}
	next, stop := iter.Pull2(p.loader.Pairs(ctx, first, p.Batch, p.Width, p.Height))
	defer stop()
	l := loop{
		first: first, steps: p.Steps, logEvery: p.LogEvery, evaluateEvery: p.EvaluateEvery, checkpointEvery: p.CheckpointEvery,
		watch: p.watch, record: p.record,
		learningRate: func(step int) float64 { return p.Schedule.At(step, p.Steps) * p.Optimiser.LR },
		input: func() (any, error) {
			batch, err, _ := next()
			return batch, err
		},
		step: func(step int, input any) (Losses, error) { return p.step(step, input.(*loader.Pairs)) },
		evaluate: func(ctx context.Context, done int, _ bool) (err error) {
			summary.Retrieval, err = p.evaluate(ctx, done)
			return err
		},
		save: p.save,
	}
	if err := l.run(ctx); err != nil {
		return summary, err
	}
	values, err := params.Read(p.store, clipNetwork)
	if err != nil {
		return summary, err
	}
	if err := weights.ExportCLIP(ctx, summary.Model, p.CLIP, values, "hf"); err != nil {
		return summary, err
	}
	summary.Seconds, summary.StepRate, summary.Waited = l.speed()
	return summary, p.record.finish(ctx, summary)
}

func (p *pretrainer) step(step int, batch *loader.Pairs) (Losses, error) {
	out, err := p.exec.Call(array[uint8](batch.Images), p.tokens(batch.Keys), float32(p.Schedule.At(step, p.Steps)))
	if err != nil {
		return Losses{}, fmt.Errorf("train: step %d: %w", step+1, err)
	}
	v := scalars(out)
	l := Losses{Loss: v[0], Supervised: v[0], GradientNorm: v[1]}
	if v[2] != 1 {
		return l, fmt.Errorf("train: step %d: not finite: contrastive loss %v, gradient norm %v; the last checkpoint is kept; try a lower --lr or --clip_norm=1", step+1, v[0], v[1])
	}
	return l, nil
}

// tokens gathers ids: i32[M,Context].
func (p *pretrainer) tokens(keys []string) *tensors.Tensor {
	ids := make([]int32, 0, len(keys)*shards.Context)
	for _, key := range keys {
		ids = append(ids, p.byKey[key].IDs...)
	}
	return tensors.FromFlatDataAndDimensions(ids, len(keys), shards.Context)
}

// evaluate measures the retrieval among the val pairs.
func (p *pretrainer) evaluate(ctx context.Context, done int) (Retrieval, error) {
	exec, err := model.NewExec(p.backend.Backend, p.store, func(_ *model.Scope, images, tokens *graph.Node) []*graph.Node {
		s := params.In(p.store, images.Graph(), clipNetwork, params.Options{})
		_, text := clip.Text(s, p.CLIP, tokens)
		return []*graph.Node{graph.L2Normalize(clip.PooledVision(s, p.CLIP, clip.Normalise(images)), -1), graph.L2Normalize(text, -1)}
	})
	if err != nil {
		return Retrieval{}, fmt.Errorf("train: evaluate: %w", err)
	}
	defer exec.Finalize()
	var images, texts [][]float32
	var captions []string
	for batch, err := range p.loader.ValPairs(ctx, p.Width, p.Height) {
		if err != nil {
			return Retrieval{}, err
		}
		out, err := exec.Call(array[uint8](batch.Images), p.tokens(batch.Keys))
		if err != nil {
			return Retrieval{}, fmt.Errorf("train: evaluate: %w", err)
		}
		for i, dst := range []*[][]float32{&images, &texts} {
			values, err := tensors.CopyFlatData[float32](out[i])
			if err != nil {
				return Retrieval{}, fmt.Errorf("train: evaluate: %w", err)
			}
			*dst = append(*dst, values)
		}
		captions = append(captions, textfeatures.Key(p.byKey[batch.Keys[0]]))
		p.watch.phase("evaluate", len(images), p.loader.Len(semidavil.Val))
	}
	r := Retrieval{Pairs: len(images), ImageToText: hits(images, texts, captions), TextToImage: hits(texts, images, captions)}
	if r.Pairs > 0 {
		p.record.retrieval(done, r)
		p.watch.note("step %d: the right caption is nearest for %.0f %% of %d val images, the right image for %.0f %% of the captions",
			done, 100*r.ImageToText, r.Pairs, 100*r.TextToImage)
	}
	return r, nil
}

// hits is the share of queries whose nearest candidate has the same caption.
func hits(queries, candidates [][]float32, captions []string) float64 {
	if len(queries) == 0 {
		return 0
	}
	right := 0
	for i, q := range queries {
		best, at := -2.0, 0
		for j, c := range candidates {
			var dot float64
			for k := range q {
				dot += float64(q[k]) * float64(c[k])
			}
			if dot > best {
				best, at = dot, j
			}
		}
		if captions[at] == captions[i] {
			right++
		}
	}
	return float64(right) / float64(len(queries))
}

func (p *pretrainer) fingerprint() (string, error) {
	c := p.PretrainConfig
	c.Output, c.Overwrite, c.Start = "", false, p.start
	c.LogEvery, c.EvaluateEvery, c.CheckpointEvery, c.Keep = 0, 0, 0, 0
	data, err := dataIdentity(&c.Loader, p.loader)
	if err != nil {
		return "", err
	}
	own, err := json.Marshal(c)
	if err != nil {
		return "", fmt.Errorf("train: fingerprint: %w", err)
	}
	sum := sha256.Sum256(append(own, data...))
	return hex.EncodeToString(sum[:16]), nil
}

func (p *pretrainer) resume(ctx context.Context) (int, error) {
	run, err := p.fingerprint()
	if err != nil {
		return 0, err
	}
	state, err := resume(ctx, p.Output, p.Steps, run, p.Overwrite, p.store)
	if err != nil {
		return 0, err
	}
	if state.Step == 0 {
		return 0, p.record.resume(ctx, 0)
	}
	p.watch.note("resumed from step %d", state.Step)
	return state.Step, p.record.resume(ctx, state.Step)
}

func (p *pretrainer) save(ctx context.Context, step int) (string, error) {
	values, err := params.ReadAll(p.store)
	if err != nil {
		return "", fmt.Errorf("train: checkpoint of step %d: %w", step, err)
	}
	run, err := p.fingerprint()
	if err != nil {
		return "", err
	}
	if err := p.keeper.Save(ctx, checkpoint.State{Step: step, Values: values, Meta: map[string]string{metaRun: run}}); err != nil {
		return "", err
	}
	return checkpoint.Path(p.Output, step), p.record.flush(ctx)
}
