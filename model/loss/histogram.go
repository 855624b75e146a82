package loss

import (
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/graph"

	"semidavil/model/layer"
)

// histogram counts the values of those that are counted, exactly.
//
//	value    i32[N] below bins
//	counted  bool[N]
//	return   i32[bins]
//
// The others add 0 instead of going to a bin of their own, where most of a batch would
// then meet and a GPU's atomic additions wait for each other.
func histogram(value, counted *graph.Node, bins int) *graph.Node {
	none := graph.Zeros(value.Graph(), shapes.Make(dtypes.Int32, bins))
	return graph.ScatterSum(none, column(value), graph.ConvertDType(counted, dtypes.Int32), false, false)
}

// prefix is the length of the shortest prefix that holds as many true values as are
// wanted.
//
//	mask    bool[N]
//	wanted  i32[] from 0 to the number of true values
//	return  i32[]
func prefix(mask, wanted *graph.Node) *graph.Node {
	ones := graph.Reshape(layer.PadTo(graph.ConvertDType(mask, dtypes.Uint8), 8), -1, 8)
	word, before := crossing(onesPerWord(ones), wanted)
	bytes := graph.Gather(ones, graph.Reshape(word, 1, 1))
	inWord, _ := crossing(graph.ConvertDType(graph.Reshape(bytes, 8), dtypes.Int32), graph.Sub(wanted, before))
	one := graph.Const(mask.Graph(), int32(1))
	length := graph.Add(graph.Add(graph.MulScalar(word, 8), inWord), one)
	return graph.Where(positive(wanted), length, zero(wanted))
}

// crossingRow is the number of counts whose running sums are taken directly.
const crossingRow = 64

// crossing is the first place at which the running sum of the counts reaches what is
// wanted, and the sum before it. Long rows are added up in parts: the crossing of the
// parts' sums tells in which part to look.
//
//	counts  i32[M] not negative, with a sum of at least wanted
//	wanted  i32[]
//	i       i32[] 0 where nothing is wanted
//	before  i32[]
func crossing(counts, wanted *graph.Node) (i, before *graph.Node) {
	if counts.Shape().Size() > crossingRow {
		rows := graph.Reshape(layer.PadTo(counts, crossingRow), -1, crossingRow)
		row, above := crossing(graph.ReduceSum(rows, -1), wanted)
		part := graph.Reshape(graph.Gather(rows, graph.Reshape(row, 1, 1)), crossingRow)
		i, before = crossing(part, graph.Sub(wanted, above))
		return graph.Add(graph.MulScalar(row, crossingRow), i), graph.Add(above, before)
	}
	g := counts.Graph()
	m := counts.Shape().Size()
	square := shapes.Make(dtypes.Int32, m, m)
	earlier := graph.LessOrEqual(graph.Iota(g, square, 1), graph.Iota(g, square, 0))
	all := graph.BroadcastToDims(graph.ExpandAxes(counts, 0), m, m)
	running := graph.ReduceSum(graph.Where(earlier, all, zero(counts)), -1)
	below := graph.LessThan(running, wanted)
	i = graph.ReduceAllSum(graph.ConvertDType(below, dtypes.Int32))
	before = graph.ReduceAllSum(graph.Where(below, counts, zero(counts)))
	return i, before
}
