package prepare

import (
	"context"
	"fmt"
	"strings"

	"semidavil"
	"semidavil/configs"
	"semidavil/pipelines"
	"semidavil/runners"
	"semidavil/stages/plans"
	"semidavil/transforms/datasets/minict"
	"semidavil/transforms/samples"
	"semidavil/transforms/shards"
	"semidavil/transforms/volumes/nifti"
)

// planVolumes adds what is particular to volumes, which have no captions.
func planVolumes(cfg configs.Prepare, sets []plans.DataSet, p *pipelines.PrepareParams) error {
	if cfg.Crop != "" {
		return runners.Usagef("--crop is for images")
	}
	made, err := volumeParams(cfg)
	if err != nil {
		return err
	}
	p.Volumes, p.Write.Volumes, p.Commit.Volumes = true, &made, &made
	p.Write.Config, err = configs.Fingerprint(struct {
		Sets    []plans.DataSet
		Volumes shards.Volumes
		Format  int
		Version int
	}{placeless(sets), made, shards.Version, samples.VolumeVersion})
	return err
}

func volumeParams(cfg configs.Prepare) (v shards.Volumes, err error) {
	v.Window = cfg.Values
	switch cfg.VolumeSize {
	case "own":
	case "half":
		v.Halved = true
	default:
		v.Size, err = configs.ParseGrid(cfg.VolumeSize)
	}
	return v, err
}

// drawCases writes MiniCT below the output.
func drawCases(ctx context.Context, s *runners.Session, cfg configs.Prepare) error {
	size, err := configs.ParseGrid(cfg.CaseSize)
	if err != nil {
		return err
	}
	grid := semidavil.Grid{D: size[0], H: size[1], W: size[2]}
	var cases []drawnCase
	for i, split := range []string{"train", "val", "test"} {
		for range cfg.Cases[i] {
			cases = append(cases, drawnCase{split, len(cases) + 1})
		}
	}
	if len(cases) == 0 {
		return runners.Usagef("--cases: nothing to draw")
	}
	options := struct {
		Version int
		Seed    uint64
		Cases   [3]int
		Grid    semidavil.Grid
	}{minict.Version, cfg.Seed, cfg.Cases, grid}
	return drawn(ctx, s, drawing{root: cfg.Output + "/minict", options: options, label: "drawing MiniCT", unit: "cases", count: len(cases),
		own: func(rel string) bool {
			split, _, _ := strings.Cut(rel, "/")
			return split == "train" || split == "val" || split == "test"
		},
		draw: func(i int) (map[string][]byte, error) { return cases[i].files(cfg.Seed, grid) },
	})
}

// drawnCase is a case of MiniCT: the split that it is in, and its number.
type drawnCase struct {
	split  string
	number int
}

// files are those of the case, by their path.
func (c drawnCase) files(seed uint64, grid semidavil.Grid) (map[string][]byte, error) {
	drawn, err := minict.Draw(seed, c.number, grid)
	if err != nil {
		return nil, err
	}
	volume, err := nifti.Encode(drawn.Volume, true)
	if err != nil {
		return nil, err
	}
	label, err := nifti.EncodeLabels(drawn.Label, nil, true)
	if err != nil {
		return nil, err
	}
	return map[string][]byte{
		fmt.Sprintf("%s/images/%04d.nii.gz", c.split, c.number): volume,
		fmt.Sprintf("%s/labels/%04d.nii.gz", c.split, c.number): label,
	}, nil
}
