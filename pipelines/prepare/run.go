package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/apache/beam/sdks/v2/go/pkg/beam"

	"semidavil"
	"semidavil/configs"
	"semidavil/internal/store"
	"semidavil/model/caption"
	"semidavil/runners"
	"semidavil/stages"
	"semidavil/transforms/pixels"
	"semidavil/transforms/samples"
	"semidavil/transforms/shards"
	"semidavil/transforms/text/builtin"
)

// run prepares the data and tells the user what came out.
func run(ctx context.Context, s *runners.Session, cfg configs.Prepare) error {
	cfg, err := absolute(cfg)
	if err != nil {
		return err
	}
	if err := checkRemote(s, cfg); err != nil {
		return err
	}
	// Faults of the command line come before anything is written.
	if err := checkTools(ctx, cfg); err != nil {
		return err
	}
	var p plan
	if !cfg.BuiltIn() {
		if p, err = newPlan(ctx, cfg); err != nil {
			return err
		}
	}
	var record configs.Record
	if !s.Inspects() {
		if record, err = begin(ctx, s, cfg); err != nil {
			return err
		}
	}
	if cfg.BuiltIn() {
		if !s.Inspects() {
			if err := drawScenes(ctx, s, cfg); err != nil {
				return err
			}
		}
		if p, err = newPlan(ctx, cfg); err != nil {
			return err
		}
	}
	pipeline, scope := beam.NewPipelineWithRoot()
	build(scope, p)
	result, err := s.Run(ctx, pipeline, &runners.Progress{Label: "shards", Namespace: stages.Namespace,
		Total: stages.Planned, Done: stages.Done, Unit: "images", Notes: []string{stages.Rejects}})
	if err != nil {
		return err
	}
	if !result.Ran {
		return nil // a dry run, or a job that goes on elsewhere
	}
	record.Seconds = time.Since(record.Started).Seconds()
	if err := writeRecord(ctx, cfg.Output, record); err != nil {
		return err
	}
	return summarise(ctx, s, cfg, result)
}

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

// checkTools makes the captioner and the tokeniser once here: a bad folder or a
// missing key is told before anything runs.
func checkTools(ctx context.Context, cfg configs.Prepare) error {
	if _, err := caption.New(captionConfig(cfg, semidavil.Cityscapes19.Names()).Captioner); err != nil {
		return err
	}
	if cfg.CaptionsFrom != "" {
		if _, err := store.Stat(ctx, cfg.CaptionsFrom); err != nil {
			return fmt.Errorf("prepare: --captions_from: %w", err)
		}
	}
	_, err := stages.LoadTokenizer(ctx, cfg.Tokenizer)
	return err
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

// begin refuses an output of another configuration and writes run.json.
func begin(ctx context.Context, s *runners.Session, cfg configs.Prepare) (configs.Record, error) {
	record, err := configs.NewRecord("prepare", s.Runner, cfg, cfg.Identity())
	if err != nil {
		return record, err
	}
	data, err := store.ReadFile(ctx, cfg.Output+"/run.json", 0)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return record, err
	}
	started := false // a run that failed before it wrote anything binds nobody
	for _, name := range []string{"shards", "captions", stages.ManifestFile} {
		exists, err := store.Exists(ctx, cfg.Output+"/"+name)
		if err != nil {
			return record, err
		}
		started = started || exists
	}
	if err == nil && started && !cfg.Overwrite {
		var old configs.Record
		if err := json.Unmarshal(data, &old); err != nil {
			return record, fmt.Errorf("prepare: %s/run.json: %w", cfg.Output, err)
		}
		if old.Fingerprint != record.Fingerprint {
			var before configs.Prepare
			_ = json.Unmarshal(old.Config, &before) // only for the message
			a, _ := json.Marshal(before.Identity())
			b, _ := json.Marshal(cfg.Identity())
			return record, runners.Usagef("%s holds the output of another configuration:\n%s\ngive another --output, or --overwrite to replace it",
				cfg.Output, strings.Join(configs.Changes(a, b), "\n"))
		}
	}
	// What a killed run was writing; nobody else writes to this output now.
	for _, dir := range []string{"shards", "captions", "minicity"} {
		if _, err := store.RemoveTemporaries(ctx, cfg.Output+"/"+dir, 0); err != nil {
			return record, err
		}
	}
	if err := forgetOtherData(ctx, cfg, data); err != nil {
		return record, err
	}
	// While it is absent, readers know that the output is not whole.
	if err := store.Remove(ctx, cfg.Output+"/"+stages.ManifestFile); err != nil {
		return record, err
	}
	return record, writeRecord(ctx, cfg.Output, record)
}

// forgetOtherData deletes the captions and indexes that an output holds of other
// data sets: their keys may be those of the new ones.
func forgetOtherData(ctx context.Context, cfg configs.Prepare, old []byte) error {
	var record configs.Record
	var before configs.Prepare
	if len(old) == 0 || json.Unmarshal(old, &record) != nil || json.Unmarshal(record.Config, &before) != nil {
		return nil
	}
	if slices.Equal(before.Source, cfg.Source) && slices.Equal(before.Target, cfg.Target) && before.Seed == cfg.Seed {
		return nil
	}
	for _, dir := range []string{"captions", "shards"} {
		var names []string
		err := store.List(ctx, cfg.Output+"/"+dir, func(info store.Info, err error) error {
			if stages.OwnFile(info.Rel) && !strings.HasSuffix(info.Rel, ".tar") {
				names = append(names, info.Path)
			}
			return err
		})
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		for _, name := range names {
			if err := store.Remove(ctx, name); err != nil {
				return err
			}
		}
	}
	return nil
}

func writeRecord(ctx context.Context, output string, record configs.Record) error {
	data, err := json.MarshalIndent(record, "", " ")
	if err != nil {
		return err
	}
	return store.WriteFile(ctx, output+"/run.json", append(data, '\n'))
}

// newPlan maps the configuration to the parameters of the stages.
func newPlan(ctx context.Context, cfg configs.Prepare) (plan, error) {
	sets, classes, err := dataSets(ctx, cfg)
	if err != nil {
		return plan{}, err
	}
	list, err := labelledList(ctx, cfg.LabelledList)
	if err != nil {
		return plan{}, err
	}
	made, err := sampleParams(cfg, sets)
	if err != nil {
		return plan{}, err
	}
	info, err := tokenizerInfo(ctx, cfg.Tokenizer)
	if err != nil {
		return plan{}, err
	}
	identity, err := json.Marshal(cfg.Identity())
	if err != nil {
		return plan{}, err
	}
	placeless := append([]stages.DataSet(nil), sets...)
	for i := range placeless {
		placeless[i].Root = "" // the same data elsewhere gives the same shards
	}
	shardConfig, err := configs.Fingerprint(struct {
		Sets    []stages.DataSet
		Samples samples.Params
		Format  int
		Version int
	}{placeless, made, shards.Version, samples.Version})
	if err != nil {
		return plan{}, err
	}
	return plan{
		Sets:      sets,
		Split:     stages.SplitParams{Labelled: cfg.LabelledCount(), List: list, Seed: cfg.Seed},
		PerShard:  cfg.ShardSamples,
		Caption:   captionConfig(cfg, classes.Names()),
		Tokenizer: cfg.Tokenizer,
		Follow:    cfg.FollowLinks,
		Write:     stages.WriteParams{Output: cfg.Output + "/shards", Sets: sets, Follow: cfg.FollowLinks, Samples: made, Workers: cfg.Workers, Config: shardConfig},
		Commit:    stages.CommitParams{Output: cfg.Output, Classes: classes, Tokenizer: info, Config: identity},
	}, nil
}

// dataSets resolves the data sets and checks that they fit together.
func dataSets(ctx context.Context, cfg configs.Prepare) ([]stages.DataSet, semidavil.ClassSet, error) {
	sources, targets := cfg.Source, cfg.Target
	sourceSize, targetSize := cfg.SourceSize, cfg.TargetSize
	if cfg.BuiltIn() {
		sources, targets = []string{"gta5:" + cfg.Output + "/minicity/gta5"}, []string{"cityscapes:" + cfg.Output + "/minicity/cityscapes"}
		if sourceSize == "" {
			sourceSize = cfg.SceneSize
		}
		if targetSize == "" {
			targetSize = cfg.SceneSize
		}
	}
	var sets []stages.DataSet
	var classes semidavil.ClassSet
	for _, group := range []struct {
		domain semidavil.Domain
		args   []string
		size   string
	}{{semidavil.Source, sources, sourceSize}, {semidavil.Target, targets, targetSize}} {
		for _, arg := range group.args {
			parsed, err := configs.ParseDataset(arg)
			if err != nil {
				return nil, classes, err
			}
			set := stages.DataSet{Kind: parsed.Kind, Root: parsed.Root, Domain: group.domain}
			if parsed.Pairs != "" {
				data, err := store.ReadFile(ctx, parsed.Pairs, 1<<20)
				if err != nil {
					return nil, classes, err
				}
				set.Pairs = string(data)
			}
			adapter, err := set.Adapter()
			if err != nil {
				return nil, classes, runners.Usagef("%v", err)
			}
			if err := besides(set, adapter.Name, sets); err != nil {
				return nil, classes, err
			}
			if classes.Name != "" && !slices.Equal(classes.Classes, adapter.Classes.Classes) {
				return nil, classes, runners.Usagef("%s has the classes of %s, but the data before it those of %s: prepare them one by one", arg, adapter.Classes.Name, classes.Name)
			}
			classes = adapter.Classes
			set.W, set.H = adapter.Size[group.domain][0], adapter.Size[group.domain][1]
			if group.size != "" {
				if set.W, set.H, err = configs.ParseSize(group.size); err != nil {
					return nil, classes, err
				}
			}
			if !cfg.BuiltIn() { // those are drawn later, or not at all
				info, err := store.Stat(ctx, set.Root)
				if err == nil && !info.IsDir {
					err = errors.New("it is a file, not a folder")
				}
				if err != nil {
					return nil, classes, fmt.Errorf("prepare: --%s=%s: %w", group.domain, arg, err)
				}
			}
			sets = append(sets, set)
		}
	}
	return sets, classes, nil
}

// besides refuses a data set that would be confused with one before it: the
// same folder twice, or two descriptions under one name.
func besides(set stages.DataSet, name string, before []stages.DataSet) error {
	for _, other := range before {
		a, err := other.Adapter()
		if err != nil {
			return err
		}
		if other.Kind == set.Kind && other.Root == set.Root && other.Pairs == set.Pairs {
			return runners.Usagef("%s: the folder %s is given twice", set.Kind, set.Root)
		}
		if a.Name == name && (other.Kind != set.Kind || other.Pairs != set.Pairs) {
			return runners.Usagef("two data sets with different descriptions have the name %q: give them different names", name)
		}
	}
	return nil
}

func labelledList(ctx context.Context, name string) ([]string, error) {
	if name == "" {
		return nil, nil
	}
	data, err := store.ReadFile(ctx, name, 64<<20)
	if err != nil {
		return nil, err
	}
	if len(bytes.TrimSpace(data)) == 0 {
		return nil, runners.Usagef("--labelled_list=%s: the list is empty; --labelled=0 means no labelled images", name)
	}
	return strings.Split(string(bytes.TrimSpace(data)), "\n"), nil
}

func sampleParams(cfg configs.Prepare, sets []stages.DataSet) (samples.Params, error) {
	filter, err := pixels.ParseFilter(cfg.Filter)
	if err != nil {
		return samples.Params{}, err
	}
	level, err := pixels.ParseLevel(cfg.Compression)
	if err != nil {
		return samples.Params{}, err
	}
	p := samples.Params{Filter: filter, JPEG: cfg.ImageFormat == "jpg", Quality: cfg.Quality, Compression: level, Seed: cfg.Seed}
	if cfg.Crop != "" {
		if p.CropW, p.CropH, err = configs.ParseSize(cfg.Crop); err != nil {
			return p, err
		}
		p.Crops = cfg.Crops
		for _, set := range sets {
			if p.CropW > set.W || p.CropH > set.H {
				return p, runners.Usagef("--crop=%s does not fit into the %dx%d of %s", cfg.Crop, set.W, set.H, set.Kind)
			}
		}
	}
	return p, nil
}

// tokenizerInfo identifies the tokeniser.
func tokenizerInfo(ctx context.Context, folder string) (shards.TokenizerInfo, error) {
	t, err := stages.LoadTokenizer(ctx, folder)
	if err != nil {
		return shards.TokenizerInfo{}, err
	}
	name := "given"
	if folder == "" {
		name = builtin.Name
	}
	return shards.TokenizerInfo{Name: name, Vocab: t.VocabSize(), SHA256: t.Digest()}, nil
}
