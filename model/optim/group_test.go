package optim

import "testing"

func TestWithoutDecay(t *testing.T) {
	for path, want := range map[string]bool{
		"vision/patch/weight":             false,
		"vision/class":                    true,
		"vision/positions":                true,
		"vision/ln_pre/weight":            true,
		"vision/ln_pre/bias":              true,
		"vision/blocks/3/ln_1/weight":     true,
		"vision/blocks/3/attn/qkv/weight": false,
		"vision/blocks/3/attn/qkv/bias":   true,
		"vision/blocks/3/mlp/down/weight": false,
		"vision/proj/weight":              false,
		"text/tokens":                     false,
		"text/positions":                  true,
		"logit_scale":                     true,
		"dlg/norm_vision/weight":          true,
		"dlg/ln/weight":                   true,
		"decode/bn1/weight":               true,
		"decode/gn/weight":                true,
		"decode/batch_norm/weight":        true,
		"decode/lnx/weight":               false,
		"decode/out/weight":               false,
		"norm/out/weight":                 false,
		"weight":                          false,
		"bias":                            true,
	} {
		if got := WithoutDecay(path); got != want {
			t.Errorf("%s without decay: %t, want %t", path, got, want)
		}
	}
}

func TestVisionGroups(t *testing.T) {
	const head, vision, frozen = 1e-4, 5e-6, -1
	for path, want := range map[string]map[string]float64{
		"vision/patch/weight":              {"frozen": frozen, "attn": frozen, "all": vision},
		"vision/class":                     {"frozen": frozen, "attn": frozen, "all": vision},
		"vision/positions":                 {"frozen": frozen, "attn": vision, "all": vision},
		"vision/blocks/11/attn/qkv/weight": {"frozen": frozen, "attn": vision, "all": vision},
		"vision/blocks/0/attn/out/bias":    {"frozen": frozen, "attn": vision, "all": vision},
		"vision/blocks/0/mlp/up/weight":    {"frozen": frozen, "attn": frozen, "all": vision},
		"vision/blocks/0/ln_1/weight":      {"frozen": frozen, "attn": frozen, "all": vision},
		"vision/ln_post/weight":            {"frozen": frozen, "attn": frozen, "all": vision},
		"dlg/vision/key/weight":            {"frozen": head, "attn": head, "all": head},
		"decode/attn/out/weight":           {"frozen": head, "attn": head, "all": head},
	} {
		for kind, want := range want {
			group, ok := groupOf(VisionGroups(kind, head, vision), path)
			if group.Frozen {
				group.LR = frozen
			}
			if !ok || group.LR != want {
				t.Errorf("%s of %s: rate %v, want %v", path, kind, group.LR, want)
			}
			if !group.Frozen && (group.NoDecay("ln_1/weight") != true || group.NoDecay("proj/weight")) {
				t.Errorf("group %s of %s decays the wrong parameters", group.Name, kind)
			}
		}
	}
	defer func() {
		if recover() == nil {
			t.Error("an unknown kind is taken")
		}
	}()
	VisionGroups("some", head, vision)
}
