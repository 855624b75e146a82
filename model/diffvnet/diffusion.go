package diffvnet

import (
	"math"
	"slices"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/gomlx/core/graph"

	"semidavil"
	"semidavil/model/layer"
)

// The noise of the cited code: Steps times, of which each step adds noise of a variance β_t that
// grows evenly from 1e-4 to 0.02. At time t
//
//	x_t = √ᾱ_t·x_0 + √(1-ᾱ_t)·ε,  ᾱ_t = Π_{i≤t} (1-β_i),  ε from N(0, 1)
const (
	Steps     = 1000
	firstBeta = 1e-4
	lastBeta  = 0.02
	// SampleSteps is how many of the times a sample passes, evenly spaced with both ends.
	SampleSteps = 10
)

// remaining are ᾱ_t.
func remaining() []float64 {
	all := make([]float64, Steps)
	product := 1.0
	for t := range all {
		product *= 1 - (firstBeta + (lastBeta-firstBeta)*float64(t)/(Steps-1))
		all[t] = product
	}
	return all
}

// Time makes a time of uniform numbers.
//
//	uniform  f32[B]  0 to below 1
//	return   i32[B]
func Time(uniform *graph.Node) *graph.Node {
	return graph.ConvertDType(graph.MulScalar(uniform, Steps), dtypes.Int32)
}

// Clean is 1 for the class of a voxel and -1 for the other ones. What is ignored is background, as
// the padding of the cited code is.
//
//	labels  u8[B,D,H,W]
//	return  f32[K,B,D,H,W]
func Clean(labels *graph.Node, classes int) *graph.Node {
	g := labels.Graph()
	ignored := graph.Equal(labels, graph.Scalar(g, dtypes.Uint8, semidavil.Ignore))
	labels = graph.Where(ignored, graph.ScalarZero(g, dtypes.Uint8), labels)
	own := graph.ConvertDType(layer.OneHotPlanes(labels, classes), dtypes.Float32)
	return graph.AddScalar(graph.MulScalar(own, 2), -1)
}

// Noised is x_t.
//
//	clean, normal  f32[K,B,D,H,W]  x_0 and ε
//	time           i32[B]
//	return         f32[K,B,D,H,W]
func Noised(clean, normal, time *graph.Node) *graph.Node {
	var signal, noise []float32
	for _, a := range remaining() {
		signal, noise = append(signal, float32(math.Sqrt(a))), append(noise, float32(math.Sqrt(1-a)))
	}
	at := func(table []float32) *graph.Node { // f32[1,B,1,1,1]
		v := graph.Gather(graph.Const(time.Graph(), table), graph.ExpandAxes(time, -1))
		return graph.Reshape(v, 1, -1, 1, 1, 1)
	}
	return graph.Add(graph.Mul(clean, at(signal)), graph.Mul(normal, at(noise)))
}

// Sample draws x_0 from noise, by DDIM (Song et al. 2021) without noise in between: from the last
// time on x_0 is predicted, clipped to -1 to 1, and x_t of the time before is made of it and of
// the ε that it leaves. There is no gradient.
//
//	normal   f32[K,B,D,H,W]
//	denoise  predicts x_0 of x_t f32[K,B,D,H,W] and the time i32[B]
//	return   f32[K,B,D,H,W]
func Sample(normal *graph.Node, denoise func(x, time *graph.Node) *graph.Node) *graph.Node {
	left, batch := remaining(), normal.Shape().Dimensions[1]
	at := func(i int) int { return (2*i*(Steps-1) + SampleSteps - 1) / (2 * (SampleSteps - 1)) } // rounded
	x := normal
	for i := SampleSteps - 1; ; i-- {
		time := graph.Const(x.Graph(), slices.Repeat([]int32{int32(at(i))}, batch))
		clean := graph.StopGradient(graph.ClipScalar(denoise(x, time), -1, 1))
		if i == 0 {
			return clean
		}
		// ε = (x - √ᾱ·x_0)/√(1-ᾱ), so that x_0 and x have one factor each.
		a, before := left[at(i)], left[at(i-1)]
		ofX := math.Sqrt((1 - before) / (1 - a))
		x = graph.Add(graph.MulScalar(x, ofX), graph.MulScalar(clean, math.Sqrt(before)-math.Sqrt(a)*ofX))
	}
}
