// Package sheet draws predictions for people to look at: one row per sample with
// its image, truth, prediction and, where given, pseudo-label, confidence and
// errors, its caption below, and the colours of the classes that occur at the
// bottom.
//
// The same arguments give the same pixels on every run. The text is rendered with
// floating-point arithmetic, so its edges may differ between architectures.
package sheet
