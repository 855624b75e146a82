package inputs

import (
	"context"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/apache/beam/sdks/v2/go/pkg/beam"

	"semidavil"
	"semidavil/configs"
	"semidavil/internal/store"
	"semidavil/runners"
	"semidavil/stages"
	"semidavil/transforms/datasets"
	"semidavil/transforms/pixels/resize"
	"semidavil/transforms/shards"
)

// Images are the images that a network is to look at, from raw folders or from the
// shards of prepare.
type Images struct {
	// Load is for the stages that read them.
	Load stages.LoadParams

	shards  []stages.Plan // of prepared data; else:
	caption stages.CaptionParams
	tokens  string
	group   int
	// labels alone are read, so images need no captions.
	labelsOnly bool
}

// Request says which images are wanted.
type Request struct {
	// From is an output of prepare, a data set KIND:ROOT, a folder or a glob; the latter
	// two have no labels. Flag names it in messages.
	From, Flag string
	// Subset is that of a prepared output, or the split of a data set.
	Subset string
	// Labels tells that labels are wanted.
	Labels bool
	// Output is where captions are kept.
	Output string
	// Group is the number of images of a plan.
	Group int
}

// Find looks at what is asked for, without reading images.
func Find(ctx context.Context, c configs.Inference, r Request, n Network) (Images, error) {
	filter, err := resize.ParseFilter(c.Filter)
	if err != nil {
		return Images{}, err
	}
	width, height := n.Facts.Width, n.Facts.Height
	if c.Size != "" && len(n.Params) > 0 {
		if width, height, err = configs.ParseSize(c.Size); err != nil {
			return Images{}, err
		}
	}
	images := Images{tokens: n.Tokenizer, group: r.Group, labelsOnly: len(n.Params) == 0,
		Load: stages.LoadParams{Follow: c.FollowLinks, W: width, H: height, Filter: filter, Classes: n.Facts.ClassSet}}
	prepared, err := isPrepared(ctx, r.From)
	if err != nil {
		return images, fmt.Errorf("--%s: %w", r.Flag, err)
	}
	if prepared {
		return images, images.ofShards(ctx, r, n)
	}
	return images, images.ofFolder(ctx, c, r, n)
}

// isPrepared reports whether a folder is an output of prepare.
func isPrepared(ctx context.Context, from string) (bool, error) {
	if strings.ContainsAny(from, "*?[") || strings.Contains(from, ":") && !store.IsRemote(from) {
		return false, nil
	}
	if info, err := store.Stat(ctx, from); err == nil && !info.IsDir {
		return false, nil // dataSet says so
	}
	return store.Exists(ctx, from+"/"+stages.ManifestFile)
}

func (i *Images) ofShards(ctx context.Context, r Request, n Network) error {
	m, err := stages.ReadManifest(ctx, r.From)
	if err != nil {
		return err
	}
	if !slices.Equal(m.Set().Names(), n.Facts.ClassSet.Names()) {
		return runners.Usagef("--%s=%s has the %d classes of %s, the network the %d of %s", r.Flag, r.From, len(m.Classes), m.ClassSet, n.Facts.ClassSet.Len(), n.Facts.ClassSet.Name)
	}
	if m.Tokenizer.SHA256 != n.Facts.Tokenizer.SHA256 {
		return runners.Usagef("--%s=%s was prepared with another tokeniser than the network's data; prepare it with the same --tokenizer", r.Flag, r.From)
	}
	subset := semidavil.Subset(r.Subset)
	if subset == "" {
		subset = semidavil.Unlabelled
	}
	if !slices.Contains(semidavil.Subsets, subset) {
		return runners.Usagef("--subset=%s: unknown; valid of a prepared output: %v", r.Subset, semidavil.Subsets)
	}
	if r.Labels && subset == semidavil.Unlabelled {
		return runners.Usagef("--subset=unlabelled: these images have no labels to compare with")
	}
	for _, shard := range m.Shards {
		if shard.Subset == subset {
			i.shards = append(i.shards, stages.Plan{Name: shard.Name, Subset: shard.Subset, Shard: r.From + "/shards/" + shard.Name + ".tar", Count: shard.Samples, Digest: shard.SHA256})
		}
	}
	if len(i.shards) == 0 {
		return runners.Usagef("--%s=%s has no %s images", r.Flag, r.From, subset)
	}
	return nil
}

func (i *Images) ofFolder(ctx context.Context, c configs.Inference, r Request, n Network) error {
	set, err := dataSet(ctx, r)
	if err != nil {
		return err
	}
	adapter, err := set.Adapter()
	if err != nil {
		return runners.Usagef("--%s: %v", r.Flag, err)
	}
	if r.Labels && adapter.Classes.Len() == 0 {
		return runners.Usagef("--%s=%s: images alone have no labels to compare with; give a data set KIND:FOLDER or an output of prepare", r.Flag, r.From)
	}
	if names := adapter.Classes.Names(); len(names) > 0 && !slices.Equal(names, n.Facts.ClassSet.Names()) && r.Labels {
		return runners.Usagef("--%s=%s has the %d classes of %s, the network the %d of %s", r.Flag, r.From, len(names), adapter.Classes.Name, n.Facts.ClassSet.Len(), n.Facts.ClassSet.Name)
	}
	if err := CheckCaptions(ctx, c.CaptionSettings); err != nil {
		return err
	}
	i.Load.Sets = []stages.DataSet{set}
	i.caption = Captions(c.CaptionSettings, r.Output, n.Facts.ClassSet.Names(), c.FollowLinks)
	return nil
}

// dataSet reads what is asked for as KIND:ROOT, a folder or a glob.
func dataSet(ctx context.Context, r Request) (stages.DataSet, error) {
	set := stages.DataSet{Domain: semidavil.Target, Part: datasets.Selection{Split: r.Subset, WithoutLabels: !r.Labels}}
	kind, _, named := strings.Cut(r.From, ":")
	switch {
	case named && kind != "gs" && (slices.Contains(datasets.Names, kind)):
		parsed, err := configs.ParseDataset(r.From)
		if err != nil {
			return set, runners.Usagef("--%s: %v", r.Flag, err)
		}
		set.Kind, set.Root = parsed.Kind, parsed.Root
		if parsed.Pairs != "" {
			data, err := store.ReadFile(ctx, parsed.Pairs, 1<<20)
			if err != nil {
				return set, err
			}
			set.Pairs = string(data)
		}
	default:
		set.Kind, set.Root = "images", r.From
		if at := strings.IndexAny(r.From, "*?["); at >= 0 {
			slash := strings.LastIndex(r.From[:at], "/")
			if slash < 0 {
				return set, runners.Usagef("--%s=%s: no folder before the pattern", r.Flag, r.From)
			}
			set.Root, set.Part.Glob = r.From[:slash], r.From[slash+1:]
			if _, err := path.Match(set.Part.Glob, ""); err != nil {
				return set, runners.Usagef("--%s=%s: %v", r.Flag, r.From, err)
			}
		}
	}
	info, err := store.Stat(ctx, set.Root)
	if err == nil && !info.IsDir {
		err = errors.New("it is a file, not a folder")
	}
	if err != nil {
		return set, runners.Usagef("--%s=%s: %v", r.Flag, r.From, err)
	}
	return set, nil
}

// Plans are the images in groups, with captions and tokens, and the rejects of what
// could not be found: PCollection<stages.Plan>, PCollection<shards.Reject>.
func (i Images) Plans(s beam.Scope) (plans, rejects beam.PCollection) {
	if len(i.shards) > 0 {
		return stages.Shards(s, i.shards), beam.CreateList(s, []shards.Reject{{}})
	}
	refs, unmatched := stages.Match(s, i.Load.Sets, i.Load.Follow)
	subset := semidavil.Val
	if i.Load.Sets[0].Part.WithoutLabels {
		subset = semidavil.Unlabelled
	}
	assigned, duplicates := stages.Split(s, stages.SplitParams{All: subset}, refs)
	grouped := stages.Assign(s, i.group, 0, assigned)
	if i.labelsOnly {
		return grouped, beam.Flatten(s, unmatched, duplicates)
	}
	captioned, uncaptioned := stages.Caption(s, i.caption, grouped)
	tokenised, untokenised := stages.Tokenise(s, i.tokens, captioned)
	return tokenised, beam.Flatten(s, unmatched, duplicates, uncaptioned, untokenised)
}
