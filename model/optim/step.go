package optim

import (
	"fmt"
	"strings"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/model"

	"semidavil/model/params"
)

// Step takes a step of the optimiser against the gradient of loss in all trainable
// parameters of the networks that the graph uses, except for those of frozen groups. Without
// groups all are trained, as [WithoutDecay] says. Parameters that loss does not depend
// on have the gradient 0.
//
//	loss      f32[]
//	scale     f32[]   factor on all learning rates, see [Schedule]
//	gradNorm  f32[]   L2 norm of all gradients together, before clipping
//	ok        bool[]  whether loss and gradNorm are finite
//
// Where ok is false the step leaves the parameters, all other variables of the networks
// that the graph changes (running statistics) and the state of the optimiser as they
// were. Those changes must be in the graph before Step is.
//
// It panics, as graph functions do, where c is invalid, where a parameter belongs to no
// group, where none is left to train, and where it is called twice in a graph.
func Step(store *model.Store, loss *graph.Node, networks []string, c Config, groups []Group, scale *graph.Node) (gradNorm, ok *graph.Node) {
	if err := c.Check(); err != nil {
		panic(err)
	}
	loss.AssertScalar()
	scale.AssertScalar()
	if groups == nil {
		groups = []Group{{Name: "all", NoDecay: WithoutDecay}}
	}
	g := loss.Graph()
	steps := stateVariable(store, stepCount)
	if steps.ChangedInGraph(g) {
		panic(fmt.Errorf("optim: step %s: the graph has a step already", strings.Join(networks, ", ")))
	}
	parameters := c.parameters(store, g, networks, groups, scale)
	gradNorm = takeGradients(parameters, loss)
	ok = graph.LogicalAnd(graph.IsFinite(loss), graph.IsFinite(gradNorm))
	if c.ClipNorm > 0 {
		coefficient := clipCoefficient(gradNorm, c.ClipNorm)
		for i := range parameters {
			parameters[i].gradient = graph.Mul(parameters[i].gradient, coefficient)
		}
	}

	keep := guard{ok}
	for _, network := range networks {
		for _, v := range params.Variables(store, network) {
			if v.ChangedInGraph(g) {
				keep.set(v, v.NodeValue(g))
			}
		}
	}
	taken := graph.OnePlus(steps.NodeValue(g))
	change := c.rule(store, taken)
	for _, p := range parameters {
		change(keep, p)
	}
	keep.set(steps, taken)
	return gradNorm, ok
}

// rule changes a parameter and its state.
type rule func(guard, parameter)

// rule is that of step number taken, counted from 1.
func (c Config) rule(store *model.Store, taken *graph.Node) rule {
	if c.Kind == "sgd" {
		return c.sgd(store)
	}
	return c.adamW(store, taken)
}

// parameter is a variable that a step changes.
type parameter struct {
	variable *model.Variable
	gradient *graph.Node // f32, of the variable's shape
	rate     *graph.Node // f32[] learning rate of this step
	decay    float64     // 0 for parameters without
}

// parameters are those to change, without gradients.
func (c Config) parameters(store *model.Store, g *graph.Graph, networks []string, groups []Group, scale *graph.Node) []parameter {
	rates := map[float64]*graph.Node{}
	var parameters []parameter
	for _, network := range networks {
		for _, v := range params.Variables(store, network) {
			if !v.Trainable || !v.InUseByGraph(g) {
				continue
			}
			path := strings.TrimPrefix(v.Path(), "/"+network+"/")
			group, found := groupOf(groups, path)
			switch {
			case !found:
				panic(fmt.Errorf("optim: step %s: parameter %s is of no group", network, path))
			case group.Frozen:
				continue
			case v.ChangedInGraph(g):
				panic(fmt.Errorf("optim: step %s: parameter %s of group %s was changed before in this graph", network, path, group.Name))
			case v.DType() != dtypes.Float32:
				panic(fmt.Errorf("optim: step %s: parameter %s of group %s has type %s, want float32", network, path, group.Name, v.DType()))
			}
			p := parameter{variable: v, decay: c.WeightDecay}
			if group.NoDecay != nil && group.NoDecay(path) {
				p.decay = 0
			}
			lr := c.LR
			if group.LR != 0 {
				lr = group.LR
			}
			if rates[lr] == nil {
				rates[lr] = graph.MulScalar(graph.ConvertDType(scale, dtypes.Float32), lr)
			}
			p.rate = rates[lr]
			parameters = append(parameters, p)
		}
	}
	if len(parameters) == 0 {
		panic(fmt.Errorf("optim: step %s: there are no parameters to train in this graph", strings.Join(networks, ", ")))
	}
	return parameters
}

// takeGradients fills in the gradients of loss and returns their norm.
func takeGradients(parameters []parameter, loss *graph.Node) (norm *graph.Node) {
	values := make([]*graph.Node, len(parameters))
	for i, p := range parameters {
		params.AssertChanging(p.variable, loss.Graph())
		values[i] = p.variable.NodeValue(loss.Graph())
	}
	gradients := graph.Gradient(loss, values...)
	for i := range parameters {
		parameters[i].gradient = gradients[i]
	}
	return globalNorm(gradients)
}
