package optim

import (
	"math"
	"strings"
	"testing"
)

func TestSchedule(t *testing.T) {
	exp := DefaultSchedule()
	poly := Schedule{Kind: "poly", Power: 0.9}
	warm := Schedule{Kind: "constant", Warmup: 4}
	for _, c := range []struct {
		s           Schedule
		step, total int
		want        float64
	}{
		{exp, 0, 40000, 1},
		{exp, 999, 40000, 1},
		{exp, 1000, 40000, 0.9},
		{exp, 1999, 40000, 0.9},
		{exp, 20000, 40000, 0.12157665459056935},  // 0.9^20
		{exp, 39999, 40000, 0.016423203268260675}, // 0.9^39
		{exp, 40000, 40000, 0.014780882941434608},
		{exp, 50000, 40000, 0.014780882941434608},
		{exp, 3, 7, 0.16677181699666577},  // 0.9^⌊17.14⌋
		{exp, 6, 7, 0.027812838944369395}, // 0.9^34
		{poly, 0, 100, 1},
		{poly, 50, 100, 0.5358867312681466},
		{poly, 99, 100, 0.015848931924611134},
		{poly, 100, 100, 0},
		{poly, 120, 100, 0},
		{Schedule{Kind: "poly", Power: 1, Warmup: 2}, 0, 10, 0.5},
		{Schedule{Kind: "poly", Power: 1, Warmup: 2}, 1, 10, 0.9},
		{Schedule{Kind: "poly", Power: 1, Warmup: 2}, 2, 10, 0.8},
		{warm, 0, 10, 0.25}, {warm, 2, 10, 0.75}, {warm, 3, 10, 1}, {warm, 4, 10, 1}, {warm, 9, 10, 1},
	} {
		if err := c.s.Check(); err != nil {
			t.Error(err)
		}
		if got := c.s.At(c.step, c.total); math.Abs(got-c.want) > 1e-14 {
			t.Errorf("%+v at %d of %d is %v, want %v", c.s, c.step, c.total, got, c.want)
		}
	}
}

func TestChecks(t *testing.T) {
	if err := Default().Check(); err != nil {
		t.Error(err)
	}
	change := func(f func(*Config)) error { c := Default(); f(&c); return c.Check() }
	sgd := func(f func(*Config)) error { c := Default(); c.Kind = "sgd"; f(&c); return c.Check() }
	for want, err := range map[string]error{
		"valid: adamw, sgd":   change(func(c *Config) { c.Kind = "adam" }),
		"learning rate NaN":   change(func(c *Config) { c.LR = math.NaN() }),
		"learning rate -1":    change(func(c *Config) { c.LR = -1 }),
		"beta1 1":             change(func(c *Config) { c.Beta1 = 1 }),
		"beta2 1.5":           change(func(c *Config) { c.Beta2 = 1.5 }),
		"epsilon 0":           change(func(c *Config) { c.Epsilon = 0 }),
		"weight decay -0.1":   change(func(c *Config) { c.WeightDecay = -0.1 }),
		"clipping norm +Inf":  change(func(c *Config) { c.ClipNorm = math.Inf(1) }),
		"momentum 1":          sgd(func(c *Config) { c.Momentum = 1 }),
		"Nesterov needs":      sgd(func(c *Config) { c.Momentum, c.Nesterov = 0, true }),
		"exp, poly, constant": Schedule{Kind: "cosine"}.Check(),
		"factor in (0,1]":     Schedule{Kind: "exp", Factor: 1.1, Periods: 40}.Check(),
		"has 0.9 and 0":       Schedule{Kind: "exp", Factor: 0.9}.Check(),
		"power of 0 or more":  Schedule{Kind: "poly", Power: -1}.Check(),
		"warm-up of -1 steps": Schedule{Kind: "constant", Warmup: -1}.Check(),
	} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v does not say %q", err, want)
		}
	}
	// Values that the kind does not use are not looked at.
	if err := sgd(func(c *Config) { c.Beta1, c.Epsilon = 2, 0 }); err != nil {
		t.Error(err)
	}
	if err := (Schedule{Kind: "poly"}).Check(); err != nil {
		t.Error(err)
	}
}
