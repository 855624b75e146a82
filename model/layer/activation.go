package layer

import (
	"fmt"

	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/layers/activation"
)

// ActivationByName is the function that transformers calls so (ACT2FN).
func ActivationByName(name string) (func(x *graph.Node) *graph.Node, error) {
	switch name {
	case "relu":
		return ReLU, nil
	case "gelu":
		return activation.Gelu, nil
	case "gelu_new", "gelu_pytorch_tanh":
		return activation.GeluApproximate, nil
	case "quick_gelu":
		return QuickGELU, nil
	case "silu", "swish":
		return activation.Swish, nil
	}
	return nil, fmt.Errorf("layer: activation %.50q is unknown; valid: relu, gelu, gelu_new, gelu_pytorch_tanh, quick_gelu, silu, swish", name)
}

// QuickGELU is CLIP's activation x·σ(1.702x).
func QuickGELU(x *graph.Node) *graph.Node {
	return graph.Mul(x, graph.Sigmoid(graph.MulScalar(x, 1.702)))
}

// ReLU is max(x, 0).
func ReLU(x *graph.Node) *graph.Node { return graph.MaxScalar(x, 0) }
