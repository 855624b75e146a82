// Package pixels decodes, crops and encodes images and rasters of label ids;
// package resize resizes them.
//
// It exists for speed: preparing a data set is little else than this work, and
// the standard library with an image package on top takes about twice as long
// for it as Python with Pillow does. The package is pure Go and single-threaded
// for each image; use one [Codec] a goroutine.
//
//   - PNG is decoded by an inflate of our own over the whole file, straight into
//     the pixels of a [semidavil.Image] or the ids of a label raster.
//   - Label rasters never go through colours: a palette index stays an index and
//     a 16-bit value keeps its low byte (see [IDs]).
//   - Package resize follows the 8-bit resampler of Pillow to the bit.
//   - PNG is written with filters chosen by content and speed and the deflate of
//     github.com/klauspost/compress; bytes depend on the pixels, the level and
//     the version of that package only.
package pixels
