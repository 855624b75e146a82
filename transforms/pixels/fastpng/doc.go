// Package fastpng decodes and encodes PNG files as training data need them, several times
// as fast as image/png: package inflate over the whole file, straight into the
// pixels of a [semidavil.Image] or the ids of a label raster, and a deflate by
// github.com/klauspost/compress behind filters chosen by content and speed.
//
// Label rasters never go through colours: a palette index stays an index and a 16-bit
// value keeps its low byte (see [IDs]). Written bytes depend on the pixels, the level and
// the version of that package only.
package fastpng
