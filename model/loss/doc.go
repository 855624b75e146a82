// Package loss has the losses of the method as graph functions: the supervised ones,
// with DyCE (dynamic cross-entropy, Eq. (9)) and those of the paper's Table 6, and the
// consistency loss between student and teacher, Eq. (4).
//
// Every loss here is a weighted sum over pixels, Σ aᵢ·φ(zᵢ), of a function of the
// pixel's logits z. The weights a come from counting and comparing (valid pixels,
// class frequencies, hardest pixels) and are constants in the backward pass. That is
// why one analytic gradient serves all of them, see [term]: it needs the softmax of
// the forward pass and no second exponential.
//
// # Input that the losses refuse
//
// The loss is NaN, never a finite number, where a logit of any pixel is NaN or +Inf,
// where all logits of a pixel are -Inf, and where a label is neither a class nor 255:
// such labels are a mistake of whoever made them, and ignoring them would hide it.
//
// # Absent classes
//
// Classes that must never be predicted (SYNTHIA lacks three) have the logit -Inf, or
// any finite value far below the others such as -1e9. Their probability is 0 and so is
// their gradient; both are exact in float32. A pixel labelled with such a class has an
// infinite loss where the logit is -Inf: map those labels to 255.
package loss
