// Package metrics scores segmentations: a confusion matrix and the figures that
// follow from it (intersection over union, accuracies), the rules by which the
// benchmarks average them, and the calibration of confidences. All accumulators
// count in integers, so merging them is exact in any order.
//
// The scores follow the Cityscapes scripts (cityscapesScripts 2.3.0,
// evalPixelLevelSemanticLabeling.py) and are equal to theirs to the last bit.
package metrics
