package loss

import (
	"math"
	"strings"
	"testing"

	"github.com/gomlx/gomlx/core/graph"

	"semidavil/model/layer/golden"
)

func TestCheck(t *testing.T) {
	for _, kind := range Kinds() {
		c := Default()
		c.Kind = kind
		c.ClassWeights = []float32{1, 2}
		if err := c.Check(2); err != nil {
			t.Errorf("%s: %v", kind, err)
		}
	}
	nan := math.NaN()
	for want, change := range map[string]func(*Config){
		`kind "dice" is unknown; valid: ce, wce, focal, dual_ce, dual_focal, dyce`: func(c *Config) { c.Kind = "dice" },
		`hard "easy" is unknown; valid: top, ohem`:                                 func(c *Config) { c.Hard = "easy" },
		"omega is 1.5":            func(c *Config) { c.Omega = 1.5 },
		"omega is NaN":            func(c *Config) { c.Omega = nan },
		"hard fraction is 0":      func(c *Config) { c.HardFraction = 0 },
		"hard fraction is NaN":    func(c *Config) { c.HardFraction = nan },
		"OHEM threshold":          func(c *Config) { c.Hard, c.OHEMThreshold = "ohem", 0 },
		"OHEM minimum":            func(c *Config) { c.Hard, c.OHEMMinKept = "ohem", -1 },
		"3 class weights for 2":   func(c *Config) { c.Kind, c.ClassWeights = "wce", []float32{1, 1, 1} },
		"weight of class 1":       func(c *Config) { c.Kind, c.ClassWeights = "wce", []float32{1, float32(nan)} },
		"all class weights are 0": func(c *Config) { c.Kind, c.ClassWeights = "wce", []float32{0, 0} },
		"focal gamma":             func(c *Config) { c.Kind, c.FocalGamma = "focal", -1 },
		"dual alpha":              func(c *Config) { c.Kind, c.DualAlpha = "dual_ce", 0 },
		"dual focal gamma":        func(c *Config) { c.Kind, c.DualFocalGamma = "dual_focal", 0.5 },
		"dual focal tau":          func(c *Config) { c.Kind, c.DualFocalTau = "dual_focal", 0 },
	} {
		c := Default()
		change(&c)
		if err := c.Check(2); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("want %q, got %v", want, err)
		}
	}
	if err := Default().Check(256); err == nil {
		t.Error("256 classes pass")
	}
	c := ConsistencyConfig{Threshold: 2, Norm: "some", Target: "sharp"}
	err := c.Check()
	for _, want := range []string{"threshold is 2", `norm "some" is unknown; valid: valid, confident`, `target "sharp" is unknown; valid: hard, soft`} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("want %q, got %v", want, err)
		}
	}
	if err := DefaultConsistency().Check(); err != nil {
		t.Error(err)
	}
}

// TestShapes wants errors, as GoMLX makes of a panic in a graph function.
func TestShapes(t *testing.T) {
	for want, in := range map[string][2]any{
		"loss: labels are":   {[][]float32{{1, 2, 5}, {3, 4, 5}}, []uint8{1, 0}},
		"loss: logits are":   {[]float32{1, 2}, uint8(1)},
		"not float [K, ...]": {[][]int32{{1}, {2}}, []uint8{1}},
		"not uint8 [2]":      {[][]float32{{1, 2}, {3, 4}}, []int32{1, 0}},
	} {
		exec := graph.MustNewExec(golden.Backend(), func(logits, labels *graph.Node) *graph.Node {
			return Supervised(Default(), logits, labels)
		})
		if _, err := exec.Call(in[0], in[1]); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("want %q, got %v", want, err)
		}
		exec.Finalize()
	}
	exec := graph.MustNewExec(golden.Backend(), func(s, q, v *graph.Node) *graph.Node {
		l, _ := Consistency(DefaultConsistency(), s, DefaultConsistency().TargetOf(q), v)
		return l
	})
	defer exec.Finalize()
	if _, err := exec.Call([][]float32{{1}, {2}}, [][]float32{{1, 0}, {0, 1}}, []uint8{1}); err == nil || !strings.Contains(err.Error(), "teacher's labels are") {
		t.Errorf("got %v", err)
	}
}
