package teacher

import (
	"fmt"
	"strings"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/model"

	"semidavil/model/params"
)

// Update moves the weights of the network to towards those of from, Eq. (6):
//
//	θ_T = α·θ_T + (1-α)·θ_S
//
// Buffers, which are not trainable, are copied: they are the running statistics of
// batch normalisation. It takes the values that the student's variables have at this
// place of the graph, so it belongs after the optimiser's step.
//
// Only parameters that the teacher has are changed: one that reads the student's frozen
// vision tower has none there. Both networks must be in the graph before, or have been
// in one, since that is where buffers are distinguished from weights.
//
// It is computed as θ_T + (1-α)(θ_S-θ_T), so that weights that are the student's
// already, such as frozen ones, keep their bits.
//
//	alpha  f32[]  see [Alpha]; 1 changes no weight
//
// It panics where the teacher has no parameters, or one that the student lacks.
func Update(store *model.Store, g *graph.Graph, from, to string, alpha *graph.Node) {
	alpha.AssertScalar()
	rest := graph.OneMinus(graph.ConvertDType(alpha, dtypes.Float32))
	owned := params.Variables(store, to)
	if len(owned) == 0 {
		panic(fmt.Errorf("teacher: update %s from %s: it has no parameters", to, from))
	}
	for _, target := range owned {
		path := strings.TrimPrefix(target.Path(), "/"+to+"/")
		source := store.GetVariable("/" + from + "/" + path)
		if source == nil || !source.Shape().Equal(target.Shape()) {
			panic(fmt.Errorf("teacher: update %s from %s: parameter %s is not the student's", to, from, path))
		}
		params.AssertChanging(source, g)
		params.AssertChanging(target, g)
		student := source.NodeValue(g)
		if !source.Trainable || !target.Trainable {
			target.SetNodeValue(student)
			continue
		}
		teacher := target.NodeValue(g)
		target.SetNodeValue(graph.Add(teacher, graph.Mul(graph.Sub(student, teacher), rest)))
	}
}
