package optim

import (
	"fmt"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"

	"semidavil/model/params"
)

// Places of the state in the store. The moments of "/student/x" are "/optimizer/m/
// student/x" and "/optimizer/v/student/x"; the number of steps taken is a float32,
// exact up to 2²⁴.
const (
	firstMoment  = "/optimizer/m"
	secondMoment = "/optimizer/v"
	stepCount    = "/optimizer/step"
)

// stateVariable is a variable of the optimiser, 0 where it is new.
func stateVariable(store *model.Store, path string, dims ...int) *model.Variable {
	shape := shapes.Make(dtypes.Float32, dims...)
	v := store.GetVariable(path)
	if v == nil {
		v = store.VariableWithValue(path, tensors.FromShape(shape))
	}
	if !v.Shape().Equal(shape) {
		panic(fmt.Errorf("optim: use state %s: have shape %s, want %s", path, v.Shape(), shape))
	}
	return v.SetTrainable(false)
}

// guard is the condition under which variables change.
type guard struct{ ok *graph.Node }

// set gives v a new value where ok holds, and keeps its old one elsewhere. On the
// pure-Go backend it costs nothing where ok holds.
func (c guard) set(v *model.Variable, value *graph.Node) {
	params.AssertChanging(v, value.Graph())
	v.SetNodeValue(graph.Where(c.ok, value, before(v, value.Graph())))
}

// before is the value of v at the start of the graph.
func before(v *model.Variable, g *graph.Graph) *graph.Node {
	if !v.ChangedInGraph(g) {
		return v.NodeValue(g)
	}
	return g.GetParameterByName(v.Path())
}
