// Package checkpoint keeps the state of a training run in files, so that a run that was
// stopped at any moment resumes from its newest whole checkpoint.
//
// A checkpoint is a safetensors file: all variables, and the step, a checksum and the
// caller's strings as metadata. It becomes visible under its name only when it is
// complete. Equal states give equal bytes.
package checkpoint

import (
	"fmt"
	"strconv"
	"strings"
)

const (
	folder    = "checkpoints"
	bestFile  = "best.safetensors"
	prefix    = "step-"
	extension = ".safetensors"
)

// Path is the file of the checkpoint after so many steps, below the output folder dir.
func Path(dir string, step int) string {
	return below(dir, folder+"/"+fileName(step))
}

// BestPath is the file of the best weights.
func BestPath(dir string) string { return below(dir, bestFile) }

func below(dir, rel string) string {
	if dir == "" {
		return rel
	}
	return strings.TrimSuffix(dir, "/") + "/" + rel
}

func fileName(step int) string { return fmt.Sprintf("%s%08d%s", prefix, step, extension) }

// stepOf is the step in the name of a checkpoint file.
func stepOf(file string) (step int, ok bool) {
	digits, isStep := strings.CutPrefix(file, prefix)
	digits, isFile := strings.CutSuffix(digits, extension)
	step, err := strconv.Atoi(digits)
	return step, isStep && isFile && err == nil && step >= 0 && fileName(step) == file
}
