// Package layer has the blocks that the networks are built from, as graph functions.
//
// Shapes are written with the letters B batch, H W height and width of a grid, N
// tokens or pixels, K classes, and C D channels. Channels are last everywhere,
// except for logits, of which each class is a plane of all pixels.
//
// The blocks are written for the pure-Go backend as much as for XLA: convolutions
// are slices and one matrix product, and resizing is two products with constant
// matrices, because the Go backend's convolution and gather are many times slower.
package layer
