package inputs

import (
	"context"
	"slices"
	"strings"

	"semidavil"
	"semidavil/configs"
	"semidavil/internal/store"
	"semidavil/runners"
	"semidavil/stages"
	"semidavil/transforms/datasets"
	"semidavil/transforms/shards"
	"semidavil/transforms/text/builtin"
)

// Paths are those of a network's settings.
func Paths(c *configs.Inference) []runners.Path {
	return []runners.Path{{Flag: "checkpoint", Value: &c.Checkpoint}, {Flag: "clip", Value: &c.CLIP},
		{Flag: "tokenizer", Value: &c.Tokenizer}, {Flag: "captions_from", Value: &c.CaptionsFrom}}
}

// ResolveImages makes the paths in a value absolute that names images: an output of
// prepare, a folder, a glob or a data set KIND:ROOT.
func ResolveImages(s *runners.Session, flag string, value *string) error {
	kind, _, named := strings.Cut(*value, ":")
	if !named || !slices.Contains(datasets.Names, kind) {
		return s.Resolve(runners.Path{Flag: flag, Value: value})
	}
	list, err := AbsoluteSets([]string{*value})
	if err != nil {
		return runners.Usagef("--%s: %v", flag, err)
	}
	*value = list[0]
	if set, err := configs.ParseDataset(*value); err == nil && s.Remote() && !store.IsRemote(set.Root) {
		return runners.Usagef("--%s=%s: the workers of --runner=%s cannot see local files; give a gs:// path", flag, *value, s.Runner)
	}
	return nil
}

// Classes are the classes and the tokeniser of an output of prepare, or the classes of
// a data set.
func Classes(ctx context.Context, flag, from string) (semidavil.ClassSet, shards.TokenizerInfo, error) {
	none := shards.TokenizerInfo{}
	prepared, err := isPrepared(ctx, from)
	if err != nil {
		return semidavil.ClassSet{}, none, err
	}
	if prepared {
		m, err := stages.ReadManifest(ctx, from)
		return m.Set(), m.Tokenizer, err
	}
	set, err := dataSet(ctx, Request{From: from, Flag: flag, Labels: true})
	if err != nil {
		return semidavil.ClassSet{}, none, err
	}
	adapter, err := set.Adapter()
	if err != nil {
		return semidavil.ClassSet{}, none, err
	}
	if adapter.Classes.Len() == 0 {
		return semidavil.ClassSet{}, none, runners.Usagef("--%s=%s: images alone have no labels to compare with; give a data set KIND:FOLDER or an output of prepare", flag, from)
	}
	t, err := stages.LoadTokenizer(ctx, "")
	if err != nil {
		return semidavil.ClassSet{}, none, err
	}
	return adapter.Classes, shards.TokenizerInfo{Name: builtin.Name, SHA256: t.Digest()}, nil
}
