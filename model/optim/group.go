package optim

import (
	"fmt"
	"strings"
)

// Group is a set of parameters of a network that are trained alike. A parameter
// belongs to the first group of a list that matches its path below the root of the
// network, such as "vision/blocks/3/attn/qkv/weight".
type Group struct {
	// Name is for error messages.
	Name string
	// Match reports which paths belong to the group; nil matches all.
	Match func(path string) bool
	// LR is the learning rate; 0 is that of the [Config].
	LR float64
	// Frozen parameters are not changed, and no gradient of theirs is taken.
	Frozen bool
	// NoDecay reports which parameters have no weight decay, usually [WithoutDecay]; nil
	// is none.
	NoDecay func(path string) bool
}

// WithoutDecay is true of parameters that weight decay would harm: biases, gains of
// normalisations, positions, the class embedding and CLIP's temperature. A
// normalisation is known by its name: ln, bn or gn, with a number or a suffix behind
// it, or a name with "norm" in it.
func WithoutDecay(path string) bool {
	parent, name := "", path
	if i := strings.LastIndexByte(path, '/'); i >= 0 {
		parent, name = path[:i], path[i+1:]
		parent = parent[strings.LastIndexByte(parent, '/')+1:]
	}
	switch name {
	case "bias", "positions", "class", "logit_scale":
		return true
	case "weight":
		return isNorm(parent)
	}
	return false
}

func isNorm(name string) bool {
	if strings.Contains(name, "norm") {
		return true
	}
	for _, short := range []string{"ln", "bn", "gn"} {
		rest, ok := strings.CutPrefix(name, short)
		if ok && (rest == "" || rest[0] == '_' || '0' <= rest[0] && rest[0] <= '9') {
			return true
		}
	}
	return false
}

// VisionKinds say what is trained of the vision tower.
var VisionKinds = []string{"frozen", "attn", "all"}

// VisionGroups are the groups of a segmentation network: all outside of "vision" is
// trained at headLR, and of the vision tower at visionLR
//
//	frozen  nothing, as the paper's section 3.2 says
//	attn    projections of attention and positions, SemiVL's spatial fine-tuning
//	all     everything
//
// It panics where kind is not one of [VisionKinds].
func VisionGroups(kind string, headLR, visionLR float64) []Group {
	vision := func(path string) bool { return strings.HasPrefix(path, "vision/") }
	heads := Group{Name: "heads", LR: headLR, NoDecay: WithoutDecay}
	switch kind {
	case "frozen":
		return []Group{{Name: "vision", Match: vision, Frozen: true}, heads}
	case "attn":
		return []Group{
			{Name: "attention", Match: isSpatial, LR: visionLR, NoDecay: WithoutDecay},
			{Name: "vision", Match: vision, Frozen: true},
			heads,
		}
	case "all":
		return []Group{{Name: "vision", Match: vision, LR: visionLR, NoDecay: WithoutDecay}, heads}
	}
	panic(fmt.Errorf("optim: group parameters: vision %q is unknown; valid: %s", kind, strings.Join(VisionKinds, ", ")))
}

// isSpatial is true of parameters that mix patches or distinguish them.
func isSpatial(path string) bool {
	block, ok := strings.CutPrefix(path, "vision/blocks/")
	return path == "vision/positions" || ok && strings.Contains(block, "/attn/")
}

// groupOf returns the first group that matches.
func groupOf(groups []Group, path string) (Group, bool) {
	for _, group := range groups {
		if group.Match == nil || group.Match(path) {
			return group, true
		}
	}
	return Group{}, false
}
