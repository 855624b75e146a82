package blip

import (
	"context"
	"errors"
	"fmt"
	"runtime"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/dtypes/bfloat16"
	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"
	"github.com/gomlx/gomlx/support/exceptions"
	"golang.org/x/sync/semaphore"

	"semidavil/model/params"
	"semidavil/model/weights"
)

// root is that of the parameters.
const root = "blip"

// Options say how a network computes.
type Options struct {
	// Family is the network that the folder must hold.
	Family Family
	// BFloat16 keeps the weights and computes in bfloat16, in half of the memory; not on the Go
	// backend.
	BFloat16 bool
}

// Open reads a network from a folder, local or gs://, as transformers writes it: config.json,
// generation_config.json where there is one (for BLIP-2 alone, as in transformers), and
// model.safetensors or its index and parts. The language model of a BLIP-2 must be an OPT. Weights become float32, unless the options say
// otherwise. They go straight to where graphs find them, so that opening takes the memory of
// the weights and of the largest matrix.
//
// On the Go backend the weights are in Go's memory, and until the Model is closed the process
// collects garbage when there is a fiftieth of them of it (see debug.SetGCPercent).
func Open(ctx context.Context, b compute.Backend, dir string, o Options) (*Model, error) {
	m, err := open(ctx, b, dir, o)
	if err != nil {
		return nil, fmt.Errorf("blip: open %s: %w", dir, err)
	}
	return m, nil
}

func open(ctx context.Context, b compute.Backend, dir string, o Options) (_ *Model, err error) {
	dtype := dtypes.Float32
	if o.BFloat16 {
		if dtype = dtypes.BFloat16; b.String() == "go" {
			return nil, errors.New("the Go backend does not compute in bfloat16")
		}
	}
	f, err := weights.OpenFolder(ctx, dir, o.Family.Class())
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	m := &Model{dtype: dtype, backend: b, store: model.NewStore(), readers: map[reading]*model.Exec{}}
	if m.network, m.generation, err = readConfig(ctx, f, o.Family); err != nil {
		return nil, err
	}
	if b.HasSharedBuffers() { // the weights are in Go's memory
		beFrugal(4 * f.Len())
		m.frugal = true
		defer func() {
			if err != nil {
				beAsBefore()
			}
		}()
	}
	if err := m.load(f, o.Family); err != nil {
		return nil, err
	}
	m.atOnce = 1
	if b.String() == "go" {
		m.atOnce = int64(runtime.GOMAXPROCS(0))
	}
	m.slots = semaphore.NewWeighted(m.atOnce)
	return m, m.compile()
}

// CheckFolder reads the descriptions of the network of a folder and of how it decodes.
func CheckFolder(ctx context.Context, f *weights.Folder, family Family) error {
	_, _, err := readConfig(ctx, f, family)
	return err
}

func readConfig(ctx context.Context, f *weights.Folder, family Family) (n network, g generation, err error) {
	const configFile, generationFile = "config.json", "generation_config.json"
	data, err := f.JSON(ctx, configFile)
	if err != nil {
		return nil, g, err
	}
	if data == nil {
		return nil, g, fmt.Errorf("has no %s", configFile)
	}
	if n, err = parseConfig(data, family); err != nil {
		return nil, g, fmt.Errorf("%s: %w", configFile, err)
	}
	if data, err = f.JSON(ctx, generationFile); err != nil {
		return nil, g, err
	}
	if g, err = n.generation(data); err != nil {
		return nil, g, fmt.Errorf("%s: %w", generationFile, err)
	}
	return n, g, nil
}

// load puts the weights into the store.
func (m *Model) load(f *weights.Folder, family Family) error {
	values := map[string]*tensors.Tensor{}
	create := func(param string, dims []int) (data []float32, err error) {
		t, err := tensors.FromShapeForBackend(m.backend, 0, shapes.Make(dtypes.Float32, dims...))
		if err != nil {
			return nil, err
		}
		values[param] = t
		// The numbers stay where they are until the tensor moves to the device.
		return data, tensors.MutableFlatData(t, func(flat []float32) { data = flat })
	}
	done := func(param string) (err error) {
		t := values[param]
		delete(values, param)
		if m.dtype == dtypes.BFloat16 {
			if t, err = halved(t); err != nil {
				return err
			}
		}
		if err := t.ToDevice(m.backend, 0); err != nil {
			return err
		}
		_, err = m.store.CreateVariable("/"+root+"/"+param, t)
		return err
	}
	return f.Load(m.network.layout(), family.name(), m.network.unused, create, done)
}

// halved is a tensor in bfloat16.
func halved(t *tensors.Tensor) (half *tensors.Tensor, err error) {
	return half, tensors.ConstFlatData(t, func(flat []float32) {
		half = tensors.FromFlatDataAndDimensions(bfloat16.FromFloat32s(flat...), t.Shape().Dimensions...)
	})
}

// compile makes the graphs, which are compiled when they are first used.
func (m *Model) compile() (err error) {
	if m.sees, err = model.NewExec(m.backend, m.store, func(_ *model.Scope, images *graph.Node) *graph.Node {
		return m.network.see(m.root(images.Graph()), images)
	}); err != nil {
		return err
	}
	m.sees.SetMaxCache(-1)
	if m.steps, err = model.NewExec(m.backend, m.store, func(_ *model.Scope, in []*graph.Node) []*graph.Node { return m.step(in) }); err != nil {
		return err
	}
	m.steps.SetMaxCache(-1)
	// A graph that is never run makes the parameters that the configuration leaves out of the
	// files, so that no two graphs do so at once.
	g := graph.NewGraph(m.backend, "whole")
	defer g.Finalize()
	return exceptions.TryCatch[error](func() {
		side := m.network.vision().ImageSize
		images := graph.Parameter(g, "images", shapes.Make(dtypes.Float32, 1, 3, side, side))
		m.read(reading{0, m.network.image() + 1}, m.network.see(m.root(g), images), graph.Const(g, []int32{0}))
	})
}

// root is the network in a graph. Its weights are parameters: as constants, the Go backend
// would keep a second copy of them, in another order.
func (m *Model) root(g *graph.Graph) params.Scope {
	return params.In(m.store, g, root, params.Options{Compute: m.dtype})
}
