package prepare

import (
	"errors"

	"semidavil/configs"
	"semidavil/internal/store"
	"semidavil/pipelines/internal/inputs"
	"semidavil/runners"
)

// absolute resolves local paths, since a worker may have another working
// folder.
func absolute(cfg configs.Prepare) (configs.Prepare, error) {
	for _, p := range []*string{&cfg.Output, &cfg.Tokenizer, &cfg.CaptionsFrom, &cfg.LabelledList, &cfg.PseudoLabels} {
		abs, err := store.Absolute(*p)
		if err != nil {
			return cfg, err
		}
		*p = abs
	}
	var err error
	if cfg.Source, err = inputs.AbsoluteSets(cfg.Source); err != nil {
		return cfg, err
	}
	cfg.Target, err = inputs.AbsoluteSets(cfg.Target)
	return cfg, err
}

// checkRemote refuses local paths where the workers cannot see them.
func checkRemote(s *runners.Session, cfg configs.Prepare) error {
	if !s.Remote() {
		return nil
	}
	var faults []error
	local := func(flag, value string) {
		if value != "" && !store.IsRemote(value) {
			faults = append(faults, runners.Usagef("--%s=%s: the workers of --runner=%s cannot see local files; give a gs:// path", flag, value, s.Runner))
		}
	}
	local("output", cfg.Output)
	local("tokenizer", cfg.Tokenizer)
	local("captions_from", cfg.CaptionsFrom)
	local("pseudo_labels", cfg.PseudoLabels)
	if err := inputs.CheckRemoteCaptions(s.Runner, cfg.CaptionSettings); err != nil {
		faults = append(faults, err)
	}
	for _, list := range []struct {
		flag string
		vals []string
	}{{"source", cfg.Source}, {"target", cfg.Target}} {
		for _, v := range list.vals {
			set, err := configs.ParseDataset(v)
			if err != nil {
				return err
			}
			local(list.flag, set.Root)
		}
	}
	return errors.Join(faults...)
}
