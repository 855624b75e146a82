// Package pixels decodes images and rasters of label ids, whatever their format, crops
// images and writes JPEG files. Package fastpng below it is the codec of PNG, package
// resize changes sizes.
//
// It exists for speed: preparing a data set is little else than this work, and
// the standard library with an image package on top takes about twice as long
// for it as Python with Pillow does. The package is pure Go and single-threaded
// for each image; use one [Codec] a goroutine.
package pixels
