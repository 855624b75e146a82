package selection

import (
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/graph"
)

// Index is the label and the position of each pixel, to gather from [K,N] or to scatter
// to it. On the Go backend a gather takes a seventh of the time of comparing, selecting
// and summing over the classes.
//
//	label   u8[N]
//	return  i32[N,2]
func Index(label *graph.Node) *graph.Node {
	position := graph.Iota(label.Graph(), shapes.Make(dtypes.Int32, label.Shape().Size(), 1), 0)
	return graph.Concatenate([]*graph.Node{column(label), position}, -1)
}

// LookUp takes the table's entry of each label.
//
//	table   f32[K]
//	label   u8[N]
//	return  f32[N]
func LookUp(table, label *graph.Node) *graph.Node { return graph.Gather(table, column(label)) }

// column makes values indices to gather by.
//
//	x       u8[N] or i32[N]
//	return  i32[N,1]
func column(x *graph.Node) *graph.Node {
	return graph.ExpandAxes(graph.ConvertDType(x, dtypes.Int32), -1)
}
