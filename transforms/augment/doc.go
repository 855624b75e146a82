// Package augment changes training images: random crops with padding, mirroring,
// colour jitter, blur, and the mixing of two images (docs/METHOD.md#augmentation).
//
// Colour jitter, grayscale and blur give the bytes that torchvision's transforms
// give for a PIL image, as SemiVL and UniMatch train on: Pillow's blend, luma,
// 8-bit HSV and three box blurs an axis. They are computed with tables and
// integers, so a batch is the same on every machine.
//
// Every random choice is drawn from a generator of [Rand], a function of the run's
// seed, the sample and the number of the draw: nothing depends on what was drawn
// before for other samples.
//
//	images  u8[H,W,3]  RGB
//	labels  u8[H,W]    train ids, 255 ignored
//	valid   u8[H,W]    1 where the pixel comes from an image, 0 where it is padding
package augment

// Mean is the mean colour of CLIP's training images, 255·(0.48145466, 0.4578275,
// 0.40821073) rounded: the padding, since it is nearly 0 after normalisation.
var Mean = [3]uint8{123, 117, 104}
