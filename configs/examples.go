package configs

import _ "embed"

// TrainMiniCity is configs/examples/train_minicity.yaml: a training of the built-in
// MiniCity in minutes.
//
//go:embed examples/train_minicity.yaml
var TrainMiniCity []byte
