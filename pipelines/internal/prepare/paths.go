package prepare

import (
	"errors"
	"net"
	"net/url"
	"path/filepath"
	"strings"

	"semidavil/configs"
	"semidavil/internal/store"
	"semidavil/runners"
)

// absolute resolves local paths, since a worker may have another working
// folder.
func absolute(cfg configs.Prepare) (configs.Prepare, error) {
	for _, p := range []*string{&cfg.Output, &cfg.Tokenizer, &cfg.CaptionsFrom, &cfg.LabelledList} {
		if *p == "" || store.IsRemote(*p) {
			continue
		}
		abs, err := filepath.Abs(*p)
		if err != nil {
			return cfg, err
		}
		*p = abs
	}
	cfg.Tokenizer, cfg.CaptionsFrom = strings.TrimRight(cfg.Tokenizer, "/"), strings.TrimRight(cfg.CaptionsFrom, "/")
	var err error
	if cfg.Source, err = absoluteSets(cfg.Source); err != nil {
		return cfg, err
	}
	cfg.Target, err = absoluteSets(cfg.Target)
	return cfg, err
}

// absoluteSets makes the paths of data sets absolute and clean, so that one
// folder has one spelling.
func absoluteSets(args []string) ([]string, error) {
	var out []string
	for _, arg := range args {
		set, err := configs.ParseDataset(arg)
		if err != nil {
			return nil, err
		}
		for _, p := range []*string{&set.Pairs, &set.Root} {
			switch {
			case *p == "":
			case store.IsRemote(*p):
				*p = strings.TrimRight(*p, "/")
			default:
				if *p, err = filepath.Abs(*p); err != nil {
					return nil, err
				}
			}
		}
		out = append(out, set.String())
	}
	return out, nil
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
	if u, err := url.Parse(cfg.CaptionURL); cfg.Captions == "http" && (cfg.CaptionKeyEnv != "" || err == nil && loopback(u.Hostname())) {
		faults = append(faults, runners.Usagef("--captions=http: the workers of --runner=%s have neither this machine's environment nor its local services; caption here first, then give --captions_from=gs://...", s.Runner))
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

// loopback reports whether a host is the machine itself.
func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}
