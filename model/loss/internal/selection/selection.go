// Package selection counts and selects pixels, exactly and with equal results on every
// backend: the k largest values without sorting, histograms, and values by label. It is
// written for the pure-Go backend as much as for XLA, which have neither a fast sort nor a
// fast reduction of whole numbers.
//
// Nothing here has a gradient.
package selection

import (
	"math"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/graph"
)

// Top marks the k largest values among those that are counted; of equal values at the
// border, those that come first.
//
//	value    f32[N] +0 or above where counted
//	counted  bool[N]
//	k        i32[] from 0 to the number of those that are counted
//	return   bool[N]
func Top(value, counted, k *graph.Node) *graph.Node { return top(sortKey(value, counted), k) }

// AtLeast marks the counted values that reach the threshold, or where fewer than kept do,
// those that are at least as large as the kept-th largest.
//
//	value      f32[N] +0 or above where counted
//	counted    bool[N]
//	threshold  +0 or above
//	kept       0 or above; more than there are stands for all
//	return     bool[N]
func AtLeast(value, counted *graph.Node, threshold float64, kept int) *graph.Node {
	key := sortKey(value, counted)
	g := key.Graph()
	border := graph.Const(g, int32(math.Float32bits(float32(threshold))))
	if kept > 0 {
		k := graph.Min(graph.Const(g, int32(kept)), Count(counted))
		border = graph.Min(border, largest(key, k).key)
	}
	// Pixels that do not count are -1, and no border is below 0.
	return graph.GreaterOrEqual(key, border)
}

// sortKey is the values as whole numbers of the same order: the bits of float32 values
// >= +0 are ordered as the values are. Pixels that do not count are -1.
//
//	return  i32[N]
func sortKey(value, counted *graph.Node) *graph.Node {
	key := graph.Bitcast(value, dtypes.Int32)
	return graph.Where(counted, key, graph.Const(key.Graph(), int32(-1)))
}

// top marks the k largest keys.
//
//	key     i32[N] all -1 or above
//	k       i32[] from 0 to the number of keys that are not -1
//	return  bool[N]
func top(key, k *graph.Node) *graph.Node {
	border := largest(key, k)
	position := graph.Iota(key.Graph(), shapes.Make(dtypes.Int32, key.Shape().Size()), 0)
	first := graph.LessThan(position, prefix(border.on, border.wanted))
	return graph.LogicalOr(graph.GreaterThan(key, border.key), graph.LogicalAnd(border.on, first))
}

// border is the k-th largest key.
type border struct {
	key    *graph.Node // i32[] not negative
	on     *graph.Node // bool[N] the keys that equal it
	wanted *graph.Node // i32[] how many of those are among the k largest
}

// digits are the widths in bits, from the highest on, in which largest looks at keys.
var digits = []int{11, 10, 10}

// largest finds the k-th largest key without sorting, as a radix sort would: a
// histogram of the highest digit gives the digit of the border and how many keys are
// above it, a histogram of the next digit of the keys with that digit gives the next, and
// so on. For k = 0 the border is above all keys.
//
//	key  i32[N] all -1 or above
//	k    i32[]
func largest(key, k *graph.Node) border {
	g := key.Graph()
	number := func(x int) *graph.Node { return graph.Const(g, int32(x)) }
	b := border{number(0), graph.IsNonNegative(key), k}
	shift := 31
	for _, width := range digits {
		shift -= width
		last := number(1<<width - 1)
		// Counted down, so that the largest digit is the first.
		digit := graph.BitwiseAnd(graph.BitwiseShiftRightLogical(key, number(shift)), last)
		digit = graph.Sub(last, digit)
		index, before := crossing(Histogram(digit, b.on, 1<<width), b.wanted)
		b.wanted = graph.Sub(b.wanted, before)
		b.on = graph.LogicalAnd(b.on, graph.Equal(digit, index))
		b.key = graph.Add(b.key, graph.Mul(graph.Sub(last, index), number(1<<shift)))
	}
	return b
}
