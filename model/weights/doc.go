// Package weights reads and writes safetensors files and folders with the weights of
// CLIP, on a local disk and in Cloud Storage, and reads those of other networks of
// transformers, of which a [Layout] says what their tensors are.
//
// Files are untrusted: whatever they hold, reading them gives values or an
// error that names the file and the tensor, and takes no more memory than the file has
// bytes (twice as much for 16-bit types).
package weights
