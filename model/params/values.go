package params

import (
	"fmt"
	"sort"
	"strings"

	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"
	"gorgonia.org/tensor"
)

// Values are named host arrays, float32, row-major. Names are paths below the root
// of a network.
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

// Load puts values into the store below the root of a network, before its graph is
// built or between steps. Values of variables that exist must have their shape.
func Load(store *model.Store, network string, values Values) error {
	for _, name := range values.Names() {
		d := values[name]
		data, ok := d.Data().([]float32)
		if !ok {
			if scalar, one := d.Data().(float32); one {
				data, ok = []float32{scalar}, true
			}
		}
		if !ok {
			return fmt.Errorf("params: load %s: has type %v, want float32", name, d.Dtype())
		}
		t := tensors.FromFlatDataAndDimensions(data, d.Shape()...)
		path := "/" + network + "/" + name
		v := store.GetVariable(path)
		if v == nil {
			store.VariableWithValue(path, t)
			continue
		}
		if !v.Shape().Equal(t.Shape()) {
			return fmt.Errorf("params: load %s: has shape %v, want %v", name, t.Shape().Dimensions, v.Shape().Dimensions)
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
		data, err := tensors.CopyFlatData[float32](t)
		if err != nil {
			return nil, fmt.Errorf("params: read %s: %w", name, err)
		}
		values[name] = Dense(data, v.Shape().Dimensions...)
	}
	if len(values) == 0 {
		return nil, fmt.Errorf("params: read network %q: it has no parameters", network)
	}
	return values, nil
}

// Dense wraps data of a shape; no dims make a scalar.
func Dense(data []float32, dims ...int) *tensor.Dense {
	if len(dims) == 0 {
		return tensor.New(tensor.FromScalar(data[0]))
	}
	return tensor.New(tensor.WithShape(dims...), tensor.WithBacking(data))
}
