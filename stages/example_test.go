package stages_test

import (
	"context"
	"fmt"
	"os"
	"path"
	"path/filepath"

	"github.com/apache/beam/sdks/v2/go/pkg/beam"

	"semidavil"
	"semidavil/runners"
	"semidavil/stages"
	"semidavil/stages/plans"
	"semidavil/transforms/shards"
)

// A function that a pipeline calls is registered, so that workers in other processes find it.
func init() {
	beam.RegisterFunction(printPlan)
	beam.RegisterFunction(printReject)
}

func printPlan(p plans.Plan) {
	line := p.Name + ":"
	for _, s := range p.Samples {
		line += " " + path.Base(s.Ref.Image)
		if s.Ref.Label != "" {
			line += " with its label"
		}
	}
	fmt.Println(line)
}

func printReject(r shards.Reject) { fmt.Printf("rejected: %s: %s\n", r.Path, r.Reason) }

// A data set is listed, split and planned. Its images are not read before the stages
// behind, so that empty files do here.
func Example() {
	root, err := os.MkdirTemp("", "cityscapes")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(root)
	for _, name := range []string{
		"leftImg8bit/train/ulm/a_leftImg8bit.png", "gtFine/train/ulm/a_gtFine_labelIds.png",
		"leftImg8bit/train/ulm/b_leftImg8bit.png", "gtFine/train/ulm/b_gtFine_labelIds.png",
		"leftImg8bit/train/ulm/c_leftImg8bit.png", "gtFine/train/ulm/c_gtFine_labelIds.png",
		"leftImg8bit/train/ulm/d_leftImg8bit.png", // its label is missing
		"leftImg8bit/train_extra/mainz/e_leftImg8bit.png",
		"leftImg8bit/val/bonn/f_leftImg8bit.png", "gtFine/val/bonn/f_gtFine_labelIds.png",
	} {
		name = filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			panic(err)
		}
		if err := os.WriteFile(name, nil, 0o644); err != nil {
			panic(err)
		}
	}

	// The main function has called beam.Init.
	p, s := beam.NewPipelineWithRoot()
	refs, unmatched := stages.Match(s, stages.MatchParams{Sets: []plans.DataSet{{Kind: "cityscapes", Root: root, Domain: semidavil.Target}}})
	assigned, duplicates := stages.Split(s, stages.SplitParams{Labelled: 1, Seed: 7}, refs)
	planned := stages.Assign(s, stages.AssignParams{PerShard: 2, Seed: 7}, assigned)
	beam.ParDo0(s, printPlan, planned)
	beam.ParDo0(s, printReject, beam.Flatten(s, unmatched, duplicates))
	if _, err := runners.Run(context.Background(), p, runners.Options{Runner: "prism"}); err != nil {
		panic(err)
	}

	// Unordered output:
	// labelled-00000: c_leftImg8bit.png with its label
	// unlabelled-00000: b_leftImg8bit.png e_leftImg8bit.png
	// unlabelled-00001: a_leftImg8bit.png
	// val-00000: f_leftImg8bit.png with its label
	// rejected: leftImg8bit/train/ulm/d_leftImg8bit.png: missing label: no label file belongs to this image
}
