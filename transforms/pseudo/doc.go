// Package pseudo turns stored predictions into pseudo-labels (docs/METHOD.md#pseudo-labels):
// hard labels of unlabelled images, kept where the network is sure enough.
//
// Work is done in two passes, so that thresholds which depend on the whole set
// need neither the network twice nor the pixels in one place:
//
//  1. A Prediction keeps the two most probable classes of each pixel; Encode
//     makes a file of it. Its Histogram is small, and histograms of images add up.
//  2. Rule.Thresholds reads the sum; Apply turns every stored Prediction into a
//     label map, Stats counts what was kept.
//
// Probabilities are integers in units of 1/65536 (One) throughout: q stands for
// the probabilities from q/One up to (q+1)/One. All counts and decisions are made
// in integers, so results do not depend on order, sharding or platform.
package pseudo
