package inputs

import (
	"context"
	"errors"
	"os"
	"regexp"
	"slices"
	"strings"

	"semidavil/configs"
	"semidavil/internal/store"
	"semidavil/internal/strictyaml"
	clips "semidavil/model/weights/builtin"
	"semidavil/runners"
	"semidavil/stages/plans"
	"semidavil/transforms/datasets"
)

// Resolve resolves the paths of a network's settings and further ones, and what names
// images: an output of prepare, a folder, a glob or a data set KIND:ROOT.
func Resolve(s *runners.Session, c *configs.Inference, images runners.Path, further ...runners.Path) error {
	return ResolveImages(s, images, append([]runners.Path{{Flag: "checkpoint", Value: &c.Checkpoint}, {Flag: "clip", Value: &c.CLIP, BuiltIn: clips.Name},
		{Flag: "tokenizer", Value: &c.Tokenizer}, {Flag: "captions_from", Value: &c.CaptionsFrom}, {Flag: "caption_weights", Value: &c.CaptionWeights, BuiltIn: clips.Name}}, further...)...)
}

// ResolveImages resolves what names images, and further paths.
func ResolveImages(s *runners.Session, images runners.Path, paths ...runners.Path) error {
	if !isDataSet(*images.Value) {
		if kind := unknownKind(*images.Value); kind != "" {
			return runners.Usagef("--%s=%s: unknown kind of data %q; valid: %s", images.Flag, *images.Value, kind, strings.Join(datasets.Names, ", "))
		}
		return s.Resolve(append(paths, images)...)
	}
	if err := s.Resolve(paths...); err != nil {
		return err
	}
	return ResolveDataSet(s, images)
}

// ResolveDataSet makes the paths of a data set KIND:ROOT absolute and clean, so that one
// folder has one spelling, and refuses a root that workers elsewhere cannot see.
func ResolveDataSet(s *runners.Session, arg runners.Path) error {
	set, err := configs.ParseDataset(*arg.Value)
	if err != nil {
		return runners.Usagef("--%s: %v", arg.Flag, err)
	}
	if set.Pairs, err = store.Absolute(set.Pairs); err != nil { // it is read here
		return err
	}
	err = s.Resolve(runners.Path{Flag: arg.Flag, Value: &set.Root})
	*arg.Value = set.String()
	return err
}

// isDataSet distinguishes KIND:ROOT from paths: a folder that exists is a path, whatever its name.
func isDataSet(arg string) bool {
	kind, _, named := strings.Cut(arg, ":")
	if !named || !slices.Contains(datasets.Names, kind) {
		return false
	}
	info, err := os.Stat(arg)
	return err != nil || !info.IsDir()
}

// kindOf is how KIND:ROOT begins.
var kindOf = regexp.MustCompile(`^([a-z][a-z0-9]*):/?[^/]`)

// unknownKind is the kind of what looks like KIND:ROOT with no such kind, "" for what does not,
// such as a path that exists.
func unknownKind(arg string) string {
	m := kindOf.FindStringSubmatch(arg)
	if m == nil || strings.ContainsAny(arg, "*?[") || slices.Contains(datasets.Names, m[1]) {
		return ""
	}
	if _, err := os.Lstat(arg); err == nil {
		return ""
	}
	return m[1]
}

// DataSet reads KIND:ROOT, or pairs:FILE.yaml:ROOT with the description in the file.
func DataSet(ctx context.Context, arg string) (set plans.DataSet, err error) {
	parsed, err := configs.ParseDataset(arg)
	if err != nil {
		return set, err
	}
	set.Kind, set.Root = parsed.Kind, parsed.Root
	if parsed.Pairs == "" {
		return set, nil
	}
	data, err := store.ReadText(ctx, parsed.Pairs, strictyaml.MaxSize)
	if err != nil {
		return set, err
	}
	set.Pairs = string(data)
	if _, err := set.Adapter(); err != nil { // the stages do not know the file's name
		return set, runners.Usagef("%s: %v", parsed.Pairs, err)
	}
	return set, nil
}

// CheckFolder checks that a folder exists.
func CheckFolder(ctx context.Context, name string) error {
	info, err := store.Stat(ctx, name)
	if err == nil && !info.IsDir {
		err = errors.New("it is a file, not a folder")
	}
	return err
}
