// Package loss has the losses of the method as graph functions: the supervised ones,
// with DyCE (dynamic cross-entropy, Eq. (9)) and those of the paper's Table 6, and the
// consistency loss between student and teacher, Eq. (4).
//
// Every loss here is a weighted sum over pixels, Σ aᵢ·φᵢ, of a [term] φ of the pixel's
// probabilities. The weights a come from counting and comparing (valid pixels, class
// frequencies, hardest pixels) and are constants in the backward pass. So one gradient
// serves all of them, that of [pixels.sum]. GoMLX's own, with GOMLX_FUSION=0, takes twice
// the time for cross-entropy and DyCE (BenchmarkSupervised) and fails where classes are
// equally likely or one is certain (TestTies, TestEdges).
//
// # Input that the losses refuse
//
// The loss is NaN, never a finite number, where a logit of any pixel is NaN or +Inf,
// where all logits of a pixel are -Inf, and where a label is neither a class nor 255:
// such labels are a mistake in the data, and ignoring them would hide it.
//
// # Absent classes
//
// Classes that must never be predicted (SYNTHIA lacks three) have the logit -Inf, or
// any finite value far below the others such as -1e9. Their probability is 0 and so is
// their gradient; both are exact in float32. A pixel labelled with such a class has an
// infinite loss where the logit is -Inf: map those labels to 255.
package loss
