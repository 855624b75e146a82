package loss

import (
	"math"
	"testing"
)

// TestNaN wants NaN of a bad logit anywhere, and of labels that are no class.
func TestNaN(t *testing.T) {
	nan, inf := float32(math.NaN()), float32(math.Inf(1))
	for name, spoil := range map[string]func(b *batch){
		"NaN":                     func(b *batch) { b.logits[4*4+1] = nan },
		"NaN of labelled class":   func(b *batch) { b.labels[4], b.logits[4*4+1] = 1, nan },
		"NaN at an ignored pixel": func(b *batch) { b.labels[4], b.logits[4*4+3] = 255, nan },
		"NaN, all ignored": func(b *batch) {
			for i := range b.labels {
				b.labels[i] = 255
			}
			b.logits[7] = nan
		},
		"+Inf":         func(b *batch) { b.logits[9] = inf },
		"all -Inf":     func(b *batch) { copy(b.logits[8:12], []float32{-inf, -inf, -inf, -inf}) },
		"label K":      func(b *batch) { b.labels[5] = 4 },
		"label 254":    func(b *batch) { b.labels[5] = 254 },
		"every logit":  func(b *batch) { b.logits[0] = nan; b.labels[0] = 0 },
		"negative NaN": func(b *batch) { b.logits[0] = math.Float32frombits(0xffc00001); b.labels[0] = 0 },
	} {
		for kind, c := range configs(4) {
			b := randomBatch(8, 1, 4, 2, 3, 5)
			spoil(&b)
			if loss, _ := b.run(t, c); !math.IsNaN(loss) {
				t.Errorf("%s, %s: loss is %v", name, kind, loss)
			}
		}
	}
	b := randomBatch(8, 1, 4, 2, 3, 5)
	b.labels[0], b.logits[2] = 2, -inf
	for kind, c := range configs(4) {
		if loss, _ := b.run(t, c); finite(loss) && c.Kind != "dual_focal" { // dual focal clips
			if c.Kind == "wce" && c.ClassWeights[2] == 0 {
				continue
			}
			t.Errorf("%s: loss of an excluded class is %v", kind, loss)
		}
	}
}
