package params

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"sort"
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
func (v Values) Names() []string {
	names := make([]string, 0, len(v))
	for name := range v {
		names = append(names, name)
	}
	sort.Strings(names)
	return names
}

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
	for _, name := range values.Names() {
		d := values[name]
		t, err := fromHost(d)
		if err != nil {
			return fmt.Errorf("params: load %s: %w", name, err)
		}
		path := "/" + network + "/" + name
		v := store.GetVariable(path)
		if v == nil {
			store.VariableWithValue(path, t)
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
	prefix := "/" + network + "/"
	values := Values{}
	for v := range store.IterVariables() {
		name, ok := strings.CutPrefix(v.Path(), prefix)
		if !ok {
			continue
		}
		t, err := v.Value()
		if err != nil {
			return nil, fmt.Errorf("params: read %s: %w", name, err)
		}
		if values[name], err = toHost(t); err != nil {
			return nil, fmt.Errorf("params: read %s: %w", name, err)
		}
	}
	if len(values) == 0 {
		return nil, fmt.Errorf("params: read network %q: it has no parameters", network)
	}
	return values, nil
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

// LoadAll puts values of several networks into the store; their names begin with
// that of the network.
func LoadAll(store *model.Store, values Values) error {
	byNetwork := map[string]Values{}
	for name, value := range values {
		network, rest, ok := strings.Cut(name, "/")
		if !ok {
			return fmt.Errorf("params: load %s: the name has no network", name)
		}
		if byNetwork[network] == nil {
			byNetwork[network] = Values{}
		}
		byNetwork[network][rest] = value
	}
	for network, values := range byNetwork {
		if err := Load(store, network, values); err != nil {
			return err
		}
	}
	return nil
}

// ReadAll copies the values of all networks.
func ReadAll(store *model.Store) (Values, error) {
	networks := map[string]bool{}
	for v := range store.IterVariables() {
		network, _, _ := strings.Cut(strings.TrimPrefix(v.Path(), "/"), "/")
		networks[network] = true
	}
	all := Values{}
	for network := range networks {
		values, err := Read(store, network)
		if err != nil {
			return nil, err
		}
		for name, value := range values {
			all[network+"/"+name] = value
		}
	}
	return all, nil
}
