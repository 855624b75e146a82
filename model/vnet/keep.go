package vnet

import (
	"math/rand/v2"

	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
)

// Dropout is the probability with which a channel is dropped.
const Dropout = 0.5

// Keep has the factors of the channels of each volume: 0 where one is dropped, and else what
// keeps the expectation. As in the cited code whole channels are dropped (Dropout3d), after
// the bottom block and before the output.
type Keep struct {
	Bottom *graph.Node // f32[B,BottomChannels]
	Top    *graph.Node // f32[B,Filters]
}

// BottomChannels is the number of channels of the bottom level, 16·Filters with 5 levels.
func (c Config) BottomChannels() int { return c.channels(c.Levels) }

// DrawKeep draws the factors of a step for n volumes. They depend on seed and step alone.
//
//	bottom  f32[n,BottomChannels]
//	top     f32[n,Filters]
func (c Config) DrawKeep(seed uint64, step, n int) (bottom, top *tensors.Tensor) {
	rng := rand.New(rand.NewPCG(seed, uint64(step)))
	draw := func(channels int) *tensors.Tensor {
		keep := make([]float32, n*channels)
		for i := range keep {
			if rng.Float64() >= Dropout {
				keep[i] = 1 / (1 - Dropout)
			}
		}
		return tensors.FromFlatDataAndDimensions(keep, n, channels)
	}
	return draw(c.BottomChannels()), draw(c.Filters)
}
