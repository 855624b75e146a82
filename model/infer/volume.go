package infer

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/gomlx/compute"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"

	"semidavil"
	"semidavil/model/checkpoint"
	"semidavil/model/layer"
	"semidavil/model/methods"
	"semidavil/model/params"
	"semidavil/model/vnet"
	"semidavil/transforms/shards"
	"semidavil/transforms/volumes/resample"
)

// VolumeFactsKey is the key of a checkpoint's metadata that holds [VolumeFacts] as JSON.
const VolumeFactsKey = "volume_facts"

// VolumeFacts are what a network on volumes needs, beside its parameters, to be used on other
// volumes.
type VolumeFacts struct {
	// Method is one of [methods.Kinds]; it says which networks there are.
	Method   string             `json:"method"`
	Network  vnet.Config        `json:"network"`
	ClassSet semidavil.ClassSet `json:"class_set"`
	// Values is how the values of the training's volumes were made.
	Values shards.Volumes `json:"values"`
	// Patch is the size of the training's patches.
	Patch semidavil.Grid `json:"patch"`
}

// Encode writes the facts for a checkpoint.
func (f VolumeFacts) Encode() (string, error) {
	data, err := json.Marshal(f)
	if err != nil {
		return "", fmt.Errorf("infer: encode facts: %w", err)
	}
	return string(data), nil
}

// decodeVolumeFacts reads what Encode wrote.
func decodeVolumeFacts(text string) (f VolumeFacts, err error) {
	if err := json.Unmarshal([]byte(text), &f); err != nil {
		return f, fmt.Errorf("its metadata %q: %w", VolumeFactsKey, err)
	}
	if !slices.Contains(methods.Kinds(), f.Method) {
		return f, fmt.Errorf("its method %q is unknown; valid: %s", f.Method, strings.Join(methods.Kinds(), ", "))
	}
	if err := f.Network.Check(); err != nil {
		return f, err
	}
	if k := f.Network.Classes; f.ClassSet.Len() != k {
		return f, fmt.Errorf("its network has %d classes, its class set %s has %d", k, f.ClassSet.Name, f.ClassSet.Len())
	}
	return f, f.Network.CheckSize(f.Patch.D, f.Patch.H, f.Patch.W)
}

// ReadVolumeFacts reads what a checkpoint file says about its network on volumes; found is false
// where it has another kind of network.
func ReadVolumeFacts(ctx context.Context, path string) (f VolumeFacts, found bool, err error) {
	meta, _, err := checkpoint.ReadHead(ctx, path)
	if err != nil {
		return f, false, err
	}
	text, found := meta[VolumeFactsKey]
	if !found {
		return f, false, nil
	}
	if f, err = decodeVolumeFacts(text); err != nil {
		return f, true, fmt.Errorf("infer: read %s: %w", path, err)
	}
	return f, true, nil
}

// VolumeConfig says how a network sees volumes.
type VolumeConfig struct {
	Method  string // one of [methods.Kinds]
	Network vnet.Config
	// Root is that of the parameters: "student" or "teacher".
	Root string
	// Patch is the size of the windows, and Overlap the share of a side, below 1, by which
	// neighbours overlap. Where they do, the softmax is averaged.
	Patch   semidavil.Grid
	Overlap float64
}

// VolumePredictor segments volumes of any size by windows of one.
type VolumePredictor struct {
	VolumeConfig
	exec   *model.Exec
	slices *summed // kept between calls
}

// NewVolumes makes a predictor over the parameters in store.
func NewVolumes(backend compute.Backend, store *model.Store, c VolumeConfig) (*VolumePredictor, error) {
	if err := c.Network.CheckSize(c.Patch.D, c.Patch.H, c.Patch.W); err != nil {
		return nil, fmt.Errorf("infer: make predictor: %w", err)
	}
	if !(c.Overlap >= 0 && c.Overlap < 1) {
		return nil, fmt.Errorf("infer: make predictor: windows overlap by %v: want 0 to below 1", c.Overlap)
	}
	exec, err := model.NewExec(backend, store, func(_ *model.Scope, x *graph.Node) *graph.Node {
		s := params.In(store, x.Graph(), c.Root, params.Options{Constant: true})
		return layer.SoftmaxPlanes(methods.Logits(c.Method, s, c.Network, x))
	})
	if err != nil {
		return nil, fmt.Errorf("infer: make predictor: %w", err)
	}
	return &VolumePredictor{VolumeConfig: c, exec: exec}, nil
}

// OpenVolumes reads a network on volumes.
func OpenVolumes(ctx context.Context, b compute.Backend, path, root string, overlap float64) (*VolumePredictor, VolumeFacts, error) {
	state, err := checkpoint.Read(ctx, path)
	if err != nil {
		return nil, VolumeFacts{}, err
	}
	fail := func(err error) (*VolumePredictor, VolumeFacts, error) {
		return nil, VolumeFacts{}, fmt.Errorf("infer: read %s: %w", path, err)
	}
	text, found := state.Meta[VolumeFactsKey]
	if !found {
		return fail(errors.New("it is no checkpoint of a network on volumes"))
	}
	facts, err := decodeVolumeFacts(text)
	if err != nil {
		return fail(err)
	}
	store, values := model.NewStore(), state.Values.Under(root)
	if err := missing(state.Values.Names(), root); err != nil {
		return fail(err)
	}
	if len(values) > 0 {
		err = params.LoadAll(store, values)
	} else {
		values = state.Values
		err = params.Load(store, root, values)
	}
	if err != nil {
		return fail(err)
	}
	p, err := NewVolumes(b, store, VolumeConfig{Method: facts.Method, Network: facts.Network, Root: root, Patch: facts.Patch, Overlap: overlap})
	if err != nil {
		return fail(err)
	}
	loaded := len(values)
	// A graph makes the parameters that it misses, so their number tells whether a checkpoint is whole.
	if _, err := p.window(make([]float32, p.Patch.Voxels())); err != nil {
		return fail(err)
	}
	if made := len(params.Variables(store, root)); made != loaded {
		return fail(fmt.Errorf("it lacks %d parameters of its network", made-loaded))
	}
	return p, facts, nil
}

// Close releases the compiled graph.
func (p *VolumePredictor) Close() { p.exec.Finalize() }

// VolumePrediction is the most probable class of each voxel and its probability.
type VolumePrediction struct {
	IDs        []uint8   // [D,H,W]
	Confidence []float32 // [D,H,W], 0 to 1
}

// Predict segments a volume of values of 0 to 1; one that is smaller than a window is surrounded by
// zeros. It ends with ctx.
//
// Of the averaged softmax, 4·K bytes a voxel, only as many slices as a window has are held, or all
// where the prediction has another grid than the volume: then it is resized as
// [resample.Trilinear] does.
func (p *VolumePredictor) Predict(ctx context.Context, v semidavil.Volume, to semidavil.Grid) (VolumePrediction, error) {
	resized := to != v.Grid
	held := semidavil.Grid{D: p.Patch.D, H: v.H, W: v.W}
	if resized {
		held.D = v.D
	}
	s := newSummed(p.slices, p.Network.Classes, held)
	p.slices = s
	var out VolumePrediction
	if !resized {
		out = VolumePrediction{IDs: make([]uint8, v.Voxels()), Confidence: make([]float32, v.Voxels())}
	}
	zs, ys, xs := p.starts(v.D, p.Patch.D), p.starts(v.H, p.Patch.H), p.starts(v.W, p.Patch.W)
	part := make([]float32, p.Patch.Voxels())
	for i, z := range zs {
		for _, y := range ys {
			for _, x := range xs {
				if err := ctx.Err(); err != nil {
					return VolumePrediction{}, err
				}
				cut(part, p.Patch, v, z, y, x)
				probabilities, err := p.window(part)
				if err != nil {
					return VolumePrediction{}, err
				}
				first := 0
				if resized {
					first = z
				}
				s.add(probabilities, p.Patch, first, y, x)
			}
		}
		if resized {
			continue
		}
		end := v.D // of the slices that no further window reaches
		if i+1 < len(zs) {
			end = zs[i+1]
		}
		s.finish(out, z, end)
	}
	if !resized {
		return out, nil
	}
	s.average()
	var err error
	if out.IDs, out.Confidence, err = resample.Best(s.sum, s.classes, s.Grid, to); err != nil {
		return out, fmt.Errorf("infer: predict: %w", err)
	}
	return out, nil
}

// starts are the first positions of windows along an axis.
func (p *VolumePredictor) starts(length, size int) []int {
	return Starts(length, size, max(1, int(float64(size)*(1-p.Overlap)+0.5)))
}

// window gives the probabilities of one window, [K,D,H,W].
func (p *VolumePredictor) window(values []float32) ([]float32, error) {
	result, err := p.exec.Call1(tensors.FromFlatDataAndDimensions(values, 1, p.Patch.D, p.Patch.H, p.Patch.W, 1))
	if err != nil {
		return nil, fmt.Errorf("infer: predict: %w", err)
	}
	defer result.FinalizeAll()
	return tensors.CopyFlatData[float32](result)
}

// cut copies the window at a place; outside of the volume it is 0.
func cut(dst []float32, g semidavil.Grid, v semidavil.Volume, z, y, x int) {
	clear(dst)
	width := min(g.W, v.W-x)
	for d := range min(g.D, v.D-z) {
		for h := range min(g.H, v.H-y) {
			from := ((z+d)*v.H+y+h)*v.W + x
			copy(dst[(d*g.H+h)*g.W:][:width], v.Values[from:from+width])
		}
	}
}

// summed adds up the probabilities of the slices that windows still reach.
type summed struct {
	semidavil.Grid
	classes int
	sum     []float32 // [K,D,H,W]
	times   []float32 // [D,H,W]
}

// newSummed is empty; it takes the memory of one before.
func newSummed(before *summed, classes int, g semidavil.Grid) *summed {
	if before != nil && before.classes == classes && before.Grid == g {
		clear(before.sum)
		clear(before.times)
		return before
	}
	return &summed{g, classes, make([]float32, classes*g.Voxels()), make([]float32, g.Voxels())}
}

// add adds a window at a place.
func (s *summed) add(probabilities []float32, g semidavil.Grid, z, y, x int) {
	width := min(g.W, s.W-x)
	for d := range min(g.D, s.D-z) {
		for h := range min(g.H, s.H-y) {
			to, from := ((z+d)*s.H+y+h)*s.W+x, (d*g.H+h)*g.W
			for w := range width {
				s.times[to+w]++
			}
			for k := range s.classes {
				dst, src := s.sum[k*s.Voxels()+to:][:width], probabilities[k*g.Voxels()+from:][:width]
				for w, value := range src {
					dst[w] += value
				}
			}
		}
	}
}

// average divides the sums by the number of windows.
func (s *summed) average() {
	for k := range s.classes {
		sum := s.sum[k*s.Voxels() : (k+1)*s.Voxels()]
		for i, n := range s.times {
			sum[i] /= n
		}
	}
}

// finish writes the slices first to end-1, which begin here, and moves up those behind them.
func (s *summed) finish(out VolumePrediction, first, end int) {
	area := s.H * s.W
	ready := (end - first) * area
	if limit := len(out.IDs) - first*area; ready > limit {
		ready = limit
	}
	for i := range min(ready, s.Voxels()) {
		best, at := s.sum[i], 0
		for k := 1; k < s.classes; k++ {
			if p := s.sum[k*s.Voxels()+i]; p > best {
				best, at = p, k
			}
		}
		out.IDs[first*area+i], out.Confidence[first*area+i] = uint8(at), best/s.times[i]
	}
	move := func(x []float32) {
		n := min(ready, len(x))
		copy(x, x[n:])
		clear(x[len(x)-n:])
	}
	move(s.times)
	for k := range s.classes {
		move(s.sum[k*s.Voxels() : (k+1)*s.Voxels()])
	}
}
