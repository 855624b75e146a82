// Package weights reads and writes safetensors files and folders with the weights of
// CLIP, on a local disk and in Cloud Storage.
//
// Files are foreign bytes: whatever they hold, reading them ends in values or in an
// error that names the file and the tensor, and takes no more memory than the file has
// bytes (twice as much for 16-bit types).
package weights
