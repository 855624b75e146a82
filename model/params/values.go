package params

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unsafe"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"
	"gorgonia.org/tensor"
)

// Values are named host arrays, row-major, float32, or int64 for counters. Names are
// paths below the root of a network.
type Values map[string]*tensor.Dense

// Names lists the names in order.
func (v Values) Names() []string { return slices.Sorted(maps.Keys(v)) }

// Under returns those whose names lie below part, with their whole names.
func (v Values) Under(part string) Values {
	out := Values{}
	for name, value := range v {
		if strings.HasPrefix(name, part+"/") {
			out[name] = value
		}
	}
	return out
}

// Digest stands for the names, shapes and float32 numbers of the values.
func (v Values) Digest() string {
	h := sha256.New()
	for _, name := range v.Names() {
		fmt.Fprintf(h, "%s %v\n", name, v[name].Shape())
		if data, ok := v[name].Data().([]float32); ok && len(data) > 0 {
			h.Write(unsafe.Slice((*byte)(unsafe.Pointer(&data[0])), 4*len(data)))
		}
	}
	return hex.EncodeToString(h.Sum(nil)[:16])
}

// Load puts values into the store below the root of a network, before its graph is
// built or between steps. Values of variables that exist must have their shape.
func Load(store *model.Store, network string, values Values) error {
	return load(store, "/"+network+"/", values)
}

// LoadAll puts values of several networks into the store; their names begin with
// that of the network.
func LoadAll(store *model.Store, values Values) error {
	for name := range values {
		if !strings.Contains(name, "/") {
			return fmt.Errorf("params: load %s: the name has no network", name)
		}
	}
	return load(store, "/", values)
}

func load(store *model.Store, root string, values Values) error {
	for _, name := range values.Names() {
		t, err := fromHost(values[name])
		if err != nil {
			return fmt.Errorf("params: load %s: %w", name, err)
		}
		v := store.GetVariable(root + name)
		if v == nil {
			store.VariableWithValue(root+name, t)
			continue
		}
		if !v.Shape().Equal(t.Shape()) {
			return fmt.Errorf("params: load %s: is %s, want %s", name, t.Shape(), v.Shape())
		}
		if err := v.SetValue(t); err != nil {
			return fmt.Errorf("params: load %s: %w", name, err)
		}
	}
	return nil
}

// Read copies the values of a network from the store to the host.
func Read(store *model.Store, network string) (Values, error) {
	values, err := read(store, "/"+network+"/")
	if err == nil && len(values) == 0 {
		err = fmt.Errorf("params: read network %q: it has no parameters", network)
	}
	return values, err
}

// ReadAll copies the values of all networks.
func ReadAll(store *model.Store) (Values, error) { return read(store, "/") }

func read(store *model.Store, root string) (Values, error) {
	values := Values{}
	for v := range store.IterVariables() {
		name, ok := strings.CutPrefix(v.Path(), root)
		if !ok {
			continue
		}
		t, err := v.Value()
		if err == nil {
			values[name], err = toHost(t)
		}
		if err != nil {
			return nil, fmt.Errorf("params: read %s: %w", name, err)
		}
	}
	return values, nil
}

// Variables lists those of a network in the order of their paths: that of the store depends on
// whether they were loaded, and graphs and sums must not.
func Variables(store *model.Store, network string) []*model.Variable {
	all := slices.SortedFunc(store.IterVariables(), func(a, b *model.Variable) int { return strings.Compare(a.Path(), b.Path()) })
	return slices.DeleteFunc(all, func(v *model.Variable) bool { return !strings.HasPrefix(v.Path(), "/"+network+"/") })
}

// fromHost copies a host array, float32 or int64.
func fromHost(d *tensor.Dense) (*tensors.Tensor, error) {
	dims := d.Shape()
	switch data := d.Data().(type) {
	case []float32:
		return tensors.FromFlatDataAndDimensions(data, dims...), nil
	case float32:
		return tensors.FromFlatDataAndDimensions([]float32{data}), nil
	case []int64:
		return tensors.FromFlatDataAndDimensions(data, dims...), nil
	case int64:
		return tensors.FromFlatDataAndDimensions([]int64{data}), nil
	}
	return nil, fmt.Errorf("has type %v, want float32 or int64", d.Dtype())
}

// toHost is the reverse of fromHost.
func toHost(t *tensors.Tensor) (*tensor.Dense, error) {
	dims := t.Shape().Dimensions
	switch t.DType() {
	case dtypes.Float32:
		data, err := tensors.CopyFlatData[float32](t)
		if err != nil {
			return nil, err
		}
		return Dense(data, dims...), nil
	case dtypes.Int64:
		data, err := tensors.CopyFlatData[int64](t)
		if err != nil {
			return nil, err
		}
		return Dense(data, dims...), nil
	}
	return nil, fmt.Errorf("has type %s, want float32 or int64", t.DType())
}

// Dense wraps data of a shape; no dims make a scalar.
func Dense[T float32 | int64](data []T, dims ...int) *tensor.Dense {
	if len(dims) == 0 {
		return tensor.New(tensor.FromScalar(data[0]))
	}
	return tensor.New(tensor.WithShape(dims...), tensor.WithBacking(data))
}
