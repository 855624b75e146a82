package ablate

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"regexp"
	"strings"

	"semidavil/configs"
	"semidavil/model/train"
	"semidavil/pipelines"
	"semidavil/pipelines/internal/prepare"
	"semidavil/pipelines/internal/pretrain"
	"semidavil/runners"
	"semidavil/stages"
)

// cell is one training of the grid.
type cell struct {
	row      string
	labelled int
	seed     int
	volumes  bool // else images
	config   configs.Train
}

// unsafeLetters are runs of those of a row's name that no folder gets.
var unsafeLetters = regexp.MustCompile(`[^a-z0-9-]+`)

// name is the folder of a cell.
func (c cell) name() string {
	row := unsafeLetters.ReplaceAllString(strings.ToLower(c.row), "_")
	return fmt.Sprintf("%s/labelled-%d/seed-%d", strings.Trim(row, "_"), c.labelled, c.seed)
}

// grid lists the cells, the rows of one number of labels after one another.
func grid(ctx context.Context, cfg configs.Ablate, clip string) ([]cell, error) {
	base, err := baseTrain(ctx, cfg)
	if err == nil {
		base, err = configs.AblationRow{Name: "set", Set: cfg.Set}.Over(base)
	}
	if err != nil {
		return nil, runners.Usagef("%v", err)
	}
	rows, err := cfg.Chosen()
	if err != nil {
		return nil, err
	}
	volumes := base.Method != "semidavil"
	var out []cell
	names := map[string]string{}
	for _, labelled := range cfg.Labelled {
		for _, seed := range cfg.Seeds {
			for _, row := range rows {
				c := cell{row: row.Name, labelled: labelled, seed: seed, volumes: volumes}
				base.CLIP = clip
				if c.config, err = row.Over(base); err != nil {
					return nil, err
				}
				if volumes { // which have no language
					c.config.CLIP = ""
				}
				// What these rows are named after they have from the base.
				if _, own := row.Set["guidance"]; !own && c.config.Guidance == "none" && (row.Name == "all" || row.Name == "CT + VLP + DLG") {
					return nil, runners.Usagef("--rows: %q has the guidance of --train, and that is none", row.Name)
				}
				if labelled == 0 && c.config.Batch[1] > 0 { // docs/METHOD.md#splits: no labelled stream
					c.config.Batch[1] = 0
				}
				c.config.Data, c.config.Output = dataOf(cfg, labelled), cfg.Output+"/trainings/"+c.name()
				c.config.Seed, c.config.Overwrite, c.config.Backend = uint64(seed), cfg.Overwrite, cfg.Backend
				if cfg.Steps > 0 {
					c.config.Steps = cfg.Steps
				}
				if other, taken := names[c.name()]; taken && other != c.row {
					return nil, runners.Usagef("--rows: %q and %q would have the same folder %s; rename one", other, c.row, c.name())
				}
				names[c.name()] = c.row
				out = append(out, c)
			}
		}
	}
	return out, nil
}

func dataOf(cfg configs.Ablate, labelled int) string {
	return fmt.Sprintf("%s/data/labelled-%d", cfg.Output, labelled)
}

func baseTrain(ctx context.Context, cfg configs.Ablate) (configs.Train, error) {
	base := configs.DefaultTrain()
	if cfg.Train == "" {
		err := configs.Decode(configs.TrainMiniCity, &base)
		return base, err
	}
	err := decodeFile(ctx, "train", cfg.Train, &base)
	return base, err
}

// decodeFile reads a YAML file over the values of to; an empty name reads nothing.
func decodeFile(ctx context.Context, flag, name string, to any) error {
	if name == "" {
		return nil
	}
	err := configs.DecodeFile(ctx, name, to)
	if errors.Is(err, fs.ErrNotExist) {
		return runners.Usagef("--%s=%s: there is no such file (paths are relative to the working folder)", flag, name)
	}
	if err != nil {
		return runners.Usagef("--%s=%s: %v", flag, name, err)
	}
	return nil
}

// prepareAll prepares the data of each number of labels. What is prepared already is
// found by prepare itself.
func prepareAll(ctx context.Context, s *runners.Session, cfg configs.Ablate) error {
	for _, labelled := range cfg.Labelled {
		p := configs.DefaultPrepare()
		if err := decodeFile(ctx, "prepare", cfg.Prepare, &p); err != nil {
			return err
		}
		p.Labelled, p.Output, p.Overwrite = fmt.Sprint(labelled), dataOf(cfg, labelled), cfg.Overwrite
		if err := p.Validate(); err != nil {
			return runners.Usagef("--prepare=%s: %v", cfg.Prepare, err)
		}
		found, err := done(ctx, p.Output, stages.ManifestFile, configs.Prepare.Identity, p)
		if err != nil {
			return err
		}
		if found {
			continue
		}
		s.Display.Message("prepare the data with %d labelled images", labelled)
		if err := prepare.Command(pipelines.Prepare).Run(ctx, s.Silent(), p); err != nil {
			return err
		}
	}
	return nil
}

// preTrain returns the CLIP of the rows that have one, training it first where that is asked
// for.
func preTrain(ctx context.Context, s *runners.Session, cfg configs.Ablate) (string, error) {
	if cfg.PretrainSteps == 0 {
		return cfg.CLIP, nil
	}
	p := configs.DefaultPretrain()
	p.Data, p.Output, p.Steps, p.Backend, p.Overwrite = dataOf(cfg, cfg.Labelled[0]), cfg.Output+"/pretrain", cfg.PretrainSteps, cfg.Backend, cfg.Overwrite
	clip := p.Output + "/" + train.ModelDir
	if found, err := done(ctx, p.Output, train.SummaryFile, configs.Pretrain.Identity, p); err != nil || found {
		return clip, err
	}
	s.Display.Message("pre-train a small CLIP for %d steps", p.Steps)
	return clip, pretrain.Command(pipelines.Pretrain).Run(ctx, s.Silent(), p)
}
