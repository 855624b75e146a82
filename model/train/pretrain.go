package train

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"

	"semidavil/internal/loader"
	"semidavil/model/backend"
	"semidavil/model/checkpoint"
	"semidavil/model/clip"
	"semidavil/model/optim"
	"semidavil/model/params"
	"semidavil/model/textfeatures"
	"semidavil/model/weights"
	"semidavil/transforms/shards"
	"semidavil/transforms/text"
	"semidavil/transforms/text/builtin"
)

// PretrainConfig is all that decides the result of a contrastive pre-training, and
// where its files go.
type PretrainConfig struct {
	Output string
	// Overwrite is as in [Config].
	Overwrite bool `json:",omitempty"`
	CLIP      clip.Config
	// Start is a model folder to start from; empty, the towers start from random
	// values.
	Start string
	// Width and Height are the size that images are resized to.
	Width, Height int
	// Batch is the number of pairs, all of which are contrasted with each other.
	Batch int
	// Scenes is the number of MiniCity's scenes that are drawn for the training, in the place
	// of the images of Loader, which then has the val pairs only. The tokens must be those
	// of the built-in vocabulary.
	Scenes int `json:",omitempty"`
	// Words weighs the loss of clip.Words.
	Words float64 `json:",omitempty"`
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
	RunStats
	Backend   string    `json:"backend"`
	Retrieval Retrieval `json:"retrieval"`
	// Model is the folder of the trained CLIP.
	Model string `json:"model"`
}

// Check reports everything that is invalid in c.
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
	if c.Scenes < 0 || !(c.Words >= 0) || c.Words > 1e6 {
		fault("%d scenes, weight of words %v: want 0 or more", c.Scenes, c.Words)
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
	pairs   func(ctx context.Context, first int) iter.Seq2[*loader.Pairs, error]
	store   *model.Store
	byKey   map[string]textfeatures.Tokens
	exec    *model.Exec
	record  *recorder
	start   string // digest of the weights it starts from
	// retrieval is the newest score.
	retrieval Retrieval
}

// Pretrain trains both towers of CLIP on the images and captions of an output of
// prepare, Eq. (1), and writes the model folder. Like Run it resumes.
func Pretrain(ctx context.Context, b backend.Choice, c PretrainConfig, w Watcher) (PretrainSummary, error) {
	p := &pretrainer{PretrainConfig: c, backend: b, watch: w, store: model.NewStore(), byKey: map[string]textfeatures.Tokens{}, record: newRecorder(c.Output, c)}
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
	if err := p.openPairs(); err != nil {
		return PretrainSummary{}, err
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

// openPairs chooses where the pairs come from.
func (p *pretrainer) openPairs() error {
	if p.Scenes == 0 {
		p.pairs = func(ctx context.Context, first int) iter.Seq2[*loader.Pairs, error] {
			return p.loader.Pairs(ctx, first, p.Batch, p.Width, p.Height)
		}
		return nil
	}
	tokenizer, err := text.Load(builtin.Files)
	if err != nil {
		return fmt.Errorf("train: pre-train: %w", err)
	}
	if data := p.loader.Manifest().Tokenizer; data.SHA256 != tokenizer.Digest() {
		return fmt.Errorf("train: pre-train: the data has the vocabulary %s, drawn scenes the built-in one; train on the data's own images (--scenes=0)", data.Name)
	}
	scenes, err := loader.NewScenes(p.Loader, p.Scenes, p.Width, p.Height, tokenizer)
	if err != nil {
		return err
	}
	p.pairs = func(ctx context.Context, first int) iter.Seq2[*loader.Pairs, error] {
		return scenes.Pairs(ctx, first, p.Batch)
	}
	return nil
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

// graph is a step: images u8[M,H,W,3], tokens i32[M,Context], learning-rate factor, and where
// their loss has a weight words i32[maxWords].
func (p *pretrainer) graph(_ *model.Scope, in []*graph.Node) []*graph.Node {
	images, tokens, scale := in[0], in[1], in[2]
	s := params.In(p.store, images.Graph(), clipNetwork, params.Options{Seed: p.Seed, Train: true})
	all, text := clip.Text(s, p.CLIP, tokens)
	image, features := clip.Vision(s, p.CLIP, clip.Normalise(images))
	contrastive := clip.Contrastive(s, image, text, p.Symmetric)
	loss := contrastive
	if p.Words > 0 {
		loss = graph.Add(loss, graph.MulScalar(clip.Words(s, p.CLIP, features.Dense, all, tokens, in[3]), p.Words))
	}
	norm, ok := optim.Step(p.store, loss, []string{clipNetwork}, p.Optimiser, []optim.Group{{Name: "all", Match: func(string) bool { return true }, NoDecay: optim.WithoutDecay}}, scale)
	return []*graph.Node{loss, contrastive, norm, graph.ConvertDType(ok, dtypes.Float32)}
}

func (p *pretrainer) run(ctx context.Context) (PretrainSummary, error) {
	fingerprint, err := p.fingerprint()
	if err != nil {
		return PretrainSummary{}, err
	}
	l := loop[*loader.Pairs]{
		steps: p.Steps, logEvery: p.LogEvery, evaluateEvery: p.EvaluateEvery, checkpointEvery: p.CheckpointEvery,
		overwrite: p.Overwrite, fingerprint: fingerprint,
		store: p.store, keeper: &checkpoint.Keeper{Dir: p.Output, Keep: p.Keep}, record: p.record, watch: p.watch,
		learningRate: func(step int) float64 { return p.Schedule.At(step, p.Steps) * p.Optimiser.LR },
		batches:      p.pairs, step: p.step, evaluate: p.evaluate,
	}
	stats, err := l.run(ctx)
	if err != nil {
		return PretrainSummary{}, err
	}
	values, err := params.Read(p.store, clipNetwork)
	if err != nil {
		return PretrainSummary{}, err
	}
	for name := range values.Under(clip.WordsName) {
		delete(values, name) // which are no part of CLIP
	}
	summary := PretrainSummary{RunStats: stats, Backend: p.backend.Chosen, Retrieval: p.retrieval, Model: p.Output + "/" + ModelDir}
	if err := weights.ExportCLIP(ctx, summary.Model, p.CLIP, values, "hf"); err != nil {
		return summary, err
	}
	return summary, p.record.finish(ctx, summary)
}

func (p *pretrainer) step(step int, batch *loader.Pairs) (Losses, error) {
	ids := p.ids(batch)
	in := []any{array[uint8](batch.Images), tokenRows(ids), float32(p.Schedule.At(step, p.Steps))}
	if p.Words > 0 {
		in = append(in, p.words(ids))
	}
	out, err := p.exec.Call(in...)
	if err != nil {
		return Losses{}, fmt.Errorf("train: step %d: %w", step+1, err)
	}
	v := scalars(out)
	l := Losses{Loss: v[0], Supervised: v[1], GradientNorm: v[2]}
	if v[3] != 1 {
		return l, fmt.Errorf("train: step %d: not finite: loss %v, contrastive loss %v, gradient norm %v; the last checkpoint is kept; try a lower --lr or --clip_norm=1", step+1, v[0], v[1], v[2])
	}
	return l, nil
}

// ids are those of the pairs' captions, by key where they bring none.
func (p *pretrainer) ids(pairs *loader.Pairs) []int32 {
	ids := pairs.Tokens
	if ids == nil {
		ids = make([]int32, 0, len(pairs.Keys)*shards.Context)
		for _, key := range pairs.Keys {
			ids = append(ids, p.byKey[key].IDs...)
		}
	}
	return ids
}

// maxWords is how many words of a batch clip.Words looks for: all that MiniCity has.
const maxWords = 128

// words are those of captions, without padding, start and end of text, the most frequent
// first; -1 follows.
//
//	return  i32[maxWords]
func (p *pretrainer) words(ids []int32) *tensors.Tensor {
	counts := map[int32]int{}
	for _, id := range ids {
		if id > 0 && int(id) < p.CLIP.Vocab-2 {
			counts[id]++
		}
	}
	out := slices.SortedFunc(maps.Keys(counts), func(a, b int32) int { return cmp.Or(counts[b]-counts[a], int(a-b)) })
	out = out[:min(len(out), maxWords)]
	for len(out) < maxWords {
		out = append(out, -1)
	}
	return tensors.FromFlatDataAndDimensions(out, maxWords)
}

// tokenRows are ids, a row a caption.
//
//	return  i32[M,Context]
func tokenRows(ids []int32) *tensors.Tensor {
	return tensors.FromFlatDataAndDimensions(ids, len(ids)/shards.Context, shards.Context)
}
