package inputs

import (
	"context"
	"fmt"
	"path"
	"slices"
	"strings"

	"semidavil"
	"semidavil/configs"
	"semidavil/internal/captioner"
	"semidavil/internal/store"
	"semidavil/pipelines"
	"semidavil/runners"
	"semidavil/stages"
	"semidavil/stages/inference"
	"semidavil/stages/plans"
	"semidavil/transforms/datasets"
	"semidavil/transforms/pixels/resize"
	"semidavil/transforms/shards"
)

// Request says which images are wanted.
type Request struct {
	// From is an output of prepare, a folder, a data set KIND:ROOT or a glob; folders and
	// globs have no labels. A path that exists as a folder is one, whatever its name. Flag
	// names it in messages.
	From, Flag string
	// Subset is that of a prepared output, or the split of a data set.
	Subset string
	// Labels means that labels are wanted.
	Labels bool
	// Volumes says that a folder or a glob is one of volumes.
	Volumes bool
	// Output is where captions are kept.
	Output string
	// Group is the number of images of a plan.
	Group int
}

// Find lists the images of a request without reading them, and says how captions of raw images
// fit them. Without a network only labels are read, and the classes are those of the data.
func Find(ctx context.Context, c configs.Inference, r Request, n Network) (p pipelines.ImagesParams, tables []captioner.Fit, err error) {
	p = pipelines.ImagesParams{Tokenise: stages.TokeniseParams{Folder: n.Tokenizer}, Assign: stages.AssignParams{PerShard: r.Group}, LabelsOnly: len(n.Params) == 0,
		Load: inference.LoadParams{Follow: c.FollowLinks, W: n.Facts.Width, H: n.Facts.Height, Classes: n.Facts.ClassSet}}
	if p.Load.Filter, err = resize.ParseFilter(c.Filter); err != nil {
		return p, nil, err
	}
	if c.Size != "" && !p.LabelsOnly {
		if p.Load.W, p.Load.H, err = configs.ParseSize(c.Size); err != nil {
			return p, nil, err
		}
	}
	prepared, err := isPrepared(ctx, r.From)
	if err != nil {
		return p, nil, fmt.Errorf("--%s: %w", r.Flag, err)
	}
	if prepared {
		err = ofShards(ctx, r, n, &p)
	} else {
		tables, err = ofFolder(ctx, c, r, n, &p)
	}
	return p, tables, err
}

// isPrepared reports whether a folder is an output of prepare.
func isPrepared(ctx context.Context, from string) (bool, error) {
	if isDataSet(from) {
		return false, nil
	}
	if info, err := store.Stat(ctx, from); err == nil && !info.IsDir {
		return false, nil // Raw says so
	}
	return store.Exists(ctx, from+"/"+stages.ManifestFile)
}

func ofShards(ctx context.Context, r Request, n Network, p *pipelines.ImagesParams) error {
	m, err := stages.ReadManifest(ctx, r.From)
	if err != nil {
		return err
	}
	if m.Volumes != nil {
		return holdsVolumes(r, n)
	}
	if p.LabelsOnly {
		p.Load.Classes = m.Set()
	}
	if err := sameClasses(r, m.Set(), p.Load.Classes); err != nil {
		return err
	}
	if !p.LabelsOnly && m.Tokenizer.SHA256 != n.Facts.Tokenizer.SHA256 {
		return runners.Usagef("--%s=%s was prepared with another tokeniser than the network's data; prepare it with the same --tokenizer", r.Flag, r.From)
	}
	p.Shards, err = r.shards(m)
	return err
}

// shards are the plans of the shards of the subset that is wanted.
func (r Request) shards(m shards.Manifest) ([]plans.Plan, error) {
	subset := semidavil.Subset(r.Subset)
	if subset == "" {
		subset = semidavil.Unlabelled
	}
	if !slices.Contains(semidavil.Subsets, subset) {
		return nil, runners.Usagef("--subset=%s: unknown; valid of a prepared output: %v", r.Subset, semidavil.Subsets)
	}
	if r.Labels && subset == semidavil.Unlabelled {
		return nil, runners.Usagef("--subset=unlabelled: these have no labels to compare with")
	}
	found := Shards(r.From, m, subset)
	if len(found) == 0 {
		return nil, runners.Usagef("--%s=%s has no %s %s", r.Flag, r.From, subset, unitOf(m))
	}
	return found, nil
}

// unitOf names the samples of an output of prepare.
func unitOf(m shards.Manifest) string {
	if m.Volumes != nil {
		return "volumes"
	}
	return "images"
}

// holdsVolumes refuses volumes where images are wanted.
func holdsVolumes(r Request, n Network) error {
	if len(n.Params) > 0 {
		return runners.Usagef("--%s=%s holds volumes; the network of --checkpoint is one on images", r.Flag, r.From)
	}
	return runners.Usagef("--%s=%s holds volumes; want images", r.Flag, r.From)
}

// Shards are the plans of the shards of an output of prepare: of a subset, or all where it is empty.
func Shards(output string, m shards.Manifest, subset semidavil.Subset) (out []plans.Plan) {
	for _, shard := range m.Shards {
		if subset == "" || shard.Subset == subset {
			out = append(out, plans.Plan{Name: shard.Name, Subset: shard.Subset, Shard: output + "/shards/" + shard.Name + ".tar", Count: shard.Samples, Digest: shard.SHA256})
		}
	}
	return out
}

func ofFolder(ctx context.Context, c configs.Inference, r Request, n Network, p *pipelines.ImagesParams) (tables []captioner.Fit, err error) {
	set, err := Raw(ctx, r)
	if err != nil {
		return nil, err
	}
	adapter, err := set.Adapter()
	if err != nil {
		return nil, runners.Usagef("--%s: %v", r.Flag, err)
	}
	if adapter.Volumes {
		return nil, holdsVolumes(r, n)
	}
	if r.Labels && adapter.Classes.Len() == 0 {
		return nil, runners.Usagef("--%s=%s: images alone have no labels to compare with; give a data set KIND:FOLDER or an output of prepare", r.Flag, r.From)
	}
	if p.LabelsOnly {
		p.Load.Classes = adapter.Classes
	}
	if r.Labels {
		if err := sameClasses(r, adapter.Classes, p.Load.Classes); err != nil {
			return nil, err
		}
	}
	p.Load.Sets = []plans.DataSet{set}
	if p.LabelsOnly {
		return nil, nil
	}
	if p.Caption, err = Captions(ctx, c.CaptionSettings, p.Load.Sets, r.Output, p.Load.Classes.Names(), c.FollowLinks); err == nil {
		tables, err = CheckTables(ctx, p.Caption)
	}
	return tables, err
}

// sameClasses refuses data of other classes than the network's.
func sameClasses(r Request, data, network semidavil.ClassSet) error {
	if slices.Equal(data.Names(), network.Names()) {
		return nil
	}
	return runners.Usagef("--%s=%s has the %d classes of %s, the network the %d of %s", r.Flag, r.From, data.Len(), data.Name, network.Len(), network.Name)
}

// Raw parses the request as KIND:ROOT, a folder or a glob.
func Raw(ctx context.Context, r Request) (set plans.DataSet, err error) {
	if isDataSet(r.From) {
		if set, err = DataSet(ctx, r.From); err != nil {
			return set, err
		}
	} else {
		set.Kind, set.Root = "images", r.From
		if r.Volumes {
			set.Kind = "volumes"
		}
	}
	set.Domain, set.Part = semidavil.Target, datasets.Selection{Split: r.Subset, WithoutLabels: !r.Labels, EveryLabel: r.Labels}
	if !isDataSet(r.From) && strings.ContainsAny(r.From, "*?[") && CheckFolder(ctx, r.From) != nil {
		slash := folderEnd(ctx, r.From)
		if slash < 0 {
			return set, runners.Usagef("--%s=%s: no folder before the pattern", r.Flag, r.From)
		}
		set.Root, set.Part.Glob = r.From[:slash], r.From[slash+1:]
		if _, err := path.Match(set.Part.Glob, ""); err != nil {
			return set, runners.Usagef("--%s=%s: %v", r.Flag, r.From, err)
		}
	}
	if err := CheckFolder(ctx, set.Root); err != nil {
		return set, runners.Usagef("--%s=%s: %v", r.Flag, r.From, err)
	}
	return set, nil
}

// folderEnd is the position of the slash that ends the folder of a glob: the longest one
// that exists literally, else all before the first character of a pattern; -1 where there
// is none.
func folderEnd(ctx context.Context, glob string) int {
	first := strings.IndexAny(glob, "*?[")
	for slash := strings.LastIndex(glob, "/"); slash > first; slash = strings.LastIndex(glob[:slash], "/") {
		if CheckFolder(ctx, glob[:slash]) == nil {
			return slash
		}
	}
	return strings.LastIndex(glob[:first], "/")
}
