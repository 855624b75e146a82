package selection

import (
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/graph"

	"semidavil/model/layer"
)

// Count is the exact number of true values.
//
//	mask    bool[N]
//	return  i32[]
func Count(mask *graph.Node) *graph.Node { return graph.ReduceAllSum(onesPerWord(words(mask))) }

// Histogram counts each value among those that are counted, exactly.
//
//	value    u8[N] or i32[N] from 0 to bins-1
//	counted  bool[N]
//	return   i32[bins]
//
// The others add 0 instead of going to a bin of their own, where most of a batch would
// then meet and a GPU's atomic additions wait for each other.
func Histogram(value, counted *graph.Node, bins int) *graph.Node {
	none := graph.Zeros(value.Graph(), shapes.Make(dtypes.Int32, bins))
	return graph.ScatterSum(none, column(value), graph.ConvertDType(counted, dtypes.Int32), false, false)
}

// words are zeros and ones, eight to a row, zeros at the end.
//
//	mask    bool[N]
//	return  u8[M,8]
func words(mask *graph.Node) *graph.Node {
	return graph.Reshape(layer.PadTo(graph.ConvertDType(mask, dtypes.Uint8), 8), -1, 8)
}

// onesPerWord counts the ones among eight zeros and ones as set bits of one 64-bit
// word. On the Go backend, where a reduction costs more than a comparison, this halves
// the time of a count.
//
//	x       u8[M,8]
//	return  i32[M]
func onesPerWord(x *graph.Node) *graph.Node {
	return graph.ConvertDType(graph.BitCount(graph.Bitcast(x, dtypes.Uint64)), dtypes.Int32)
}

// prefix is the length of the shortest prefix that holds as many true values as are
// wanted.
//
//	mask    bool[N]
//	wanted  i32[] from 0 to the number of true values
//	return  i32[]
func prefix(mask, wanted *graph.Node) *graph.Node {
	ones := words(mask)
	word, before := crossing(onesPerWord(ones), wanted)
	bytes := graph.Gather(ones, graph.Reshape(word, 1, 1))
	inWord, _ := crossing(graph.ConvertDType(graph.Reshape(bytes, 8), dtypes.Int32), graph.Sub(wanted, before))
	length := graph.AddScalar(graph.Add(graph.MulScalar(word, 8), inWord), 1)
	return graph.Where(graph.IsPositive(wanted), length, graph.ZerosLike(wanted))
}

// crossingRow is the number of counts whose running sums are taken directly.
const crossingRow = 64

// crossing is the first place at which the running sum of the counts reaches what is
// wanted, and the sum before it. Long rows are added up in parts: the crossing of the
// parts' sums says in which part to look.
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
	zero := graph.ScalarZero(g, dtypes.Int32)
	square := shapes.Make(dtypes.Int32, m, m)
	earlier := graph.LessOrEqual(graph.Iota(g, square, 1), graph.Iota(g, square, 0))
	all := graph.BroadcastToDims(graph.ExpandAxes(counts, 0), m, m)
	running := graph.ReduceSum(graph.Where(earlier, all, zero), -1)
	below := graph.LessThan(running, wanted)
	i = graph.ReduceAllSum(graph.ConvertDType(below, dtypes.Int32))
	before = graph.ReduceAllSum(graph.Where(below, counts, zero))
	return i, before
}
