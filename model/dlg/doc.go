// Package dlg is Dense Language Guidance: it modulates the dense vision features of an
// image by the features of the words of its caption, before they are decoded. Beside
// the paper's form there are the forms that it is compared with and other readings of
// what the paper leaves open (see [Kinds]).
//
// The letters are B batch, h w the grid of features, N = h·w pixels, n tokens of a
// caption, padded to the longest of the batch, C the width of CLIP's shared space, K
// classes.
//
// A caption has far fewer tokens than a grid has pixels, so products are taken in the
// order in which no n×N matrix is multiplied where an n×C one would do, and no N×C
// matrix where an n×C one would do: the maps of the pixels to keys and values are applied to
// the tokens' side of each product. The results are those of the formulas up to rounding.
package dlg
