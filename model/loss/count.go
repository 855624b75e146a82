package loss

import (
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/gomlx/core/graph"

	"semidavil/model/loss/internal/selection"
)

// CountClasses counts the pixels of each class, exactly; labels that are no class, such as 255, are
// not counted.
//
//	labels  u8[...]
//	return  i32[K]
func CountClasses(labels *graph.Node, classes int) *graph.Node {
	labels = graph.Reshape(labels, -1)
	counted := graph.LessThan(labels, graph.Scalar(labels.Graph(), dtypes.Uint8, classes))
	return selection.Histogram(where(counted, labels), counted, classes)
}
