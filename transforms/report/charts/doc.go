// Package charts draws the few charts of a run as stand-alone SVG documents:
// grouped horizontal bars, curves, a confusion matrix and a reliability diagram.
//
// A document has a viewBox and a natural size and shrinks with its container. It
// paints its own background, light or, on a screen that prefers it, dark, so it
// can be read on any page. It loads nothing, runs no script, uses the fonts of
// the system and escapes every text. It is labelled as one picture
// (role="img", aria-label, title, desc); each mark has its own title with its
// name and value. Its class names begin with "chart-", so several documents
// can stand inline in one page.
//
// Colours of series are those of Okabe and Ito, which colour-blind readers can
// tell apart. NaN means "no value" and is a gap or a dash; infinite numbers and
// numbers beyond 1e100 are errors. The same input gives the same bytes:
// coordinates are rounded to 0.01 and products are rounded before they are added,
// so that no fused multiply-add changes them. Logarithms can differ in the last
// bit between architectures, which the rounding hides in all but rare cases.
package charts
