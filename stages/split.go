package stages

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"path"
	"reflect"
	"slices"
	"strings"

	"github.com/apache/beam/sdks/v2/go/pkg/beam"

	"semidavil"
	"semidavil/stages/plans"
	"semidavil/stages/rejects"
	"semidavil/transforms/shards"
)

func init() {
	beam.RegisterDoFn(reflect.TypeFor[splitFn]())
}

// SplitParams choose the labelled target images.
type SplitParams struct {
	// Labelled is their number; -1 keeps all labels, and then the unlabelled
	// stream holds the same images too.
	Labelled int
	// List names them instead, one entry per line of a list file.
	List []string
	Seed uint64
	// All puts all images into one subset, whatever their domain and split; empty does
	// not.
	All semidavil.Subset
	// Pseudo is an output of pseudolabel: its labels make labelled samples of target
	// images that have no label of their own, beside the unlabelled ones.
	Pseudo string
}

// Split gives every reference its role: the source's training images are
// SourceTrain; the target's are Labelled or Unlabelled, the first Labelled ones
// of an order that depends on the seed and the keys alone, so that a smaller
// number gives a subset of a larger one; the target's val split is Val and its test split Test.
// Unlabelled references lose their label. Splits that no role fits (source
// images outside of train) are left out.
//
// PCollection<semidavil.Ref> -> PCollection<Assigned>, PCollection<shards.Reject>.
// The references of a run meet on one worker: about 200 bytes per image.
func Split(s beam.Scope, p SplitParams, refs beam.PCollection) (assigned, rejected beam.PCollection) {
	s = s.Scope("stages.Split")
	return beam.ParDo2(s, &splitFn{p}, beam.GroupByKey(s, beam.AddFixedKey(s, refs)))
}

type splitFn struct{ Params SplitParams }

// ProcessElement splits all references of a run.
func (f *splitFn) ProcessElement(ctx context.Context, _ int, next func(*semidavil.Ref) bool, emit func(plans.Assigned), reject func(shards.Reject)) error {
	var all []semidavil.Ref
	var ref semidavil.Ref
	for next(&ref) {
		all = append(all, ref)
	}
	assigned, duplicates, err := split(f.Params, all)
	if err != nil {
		return err
	}
	if f.Params.Pseudo != "" {
		if assigned, err = withPseudoLabels(ctx, f.Params.Pseudo, assigned); err != nil {
			return err
		}
	}
	for _, r := range duplicates {
		rejects.Emit(ctx, reject, r)
	}
	for _, a := range assigned {
		emit(a)
	}
	return nil
}

func split(p SplitParams, all []semidavil.Ref) (out []plans.Assigned, duplicates []shards.Reject, err error) {
	slices.SortFunc(all, func(a, b semidavil.Ref) int {
		return cmp.Or(cmp.Compare(a.Key, b.Key), cmp.Compare(a.Root, b.Root), cmp.Compare(a.Domain, b.Domain), cmp.Compare(a.Image, b.Image))
	})
	var candidates []semidavil.Ref // labelled images of the target's train split
	unlabelled := func(ref semidavil.Ref) {
		ref.Label, ref.Encoding = "", ""
		out = append(out, plans.Assigned{Subset: semidavil.Unlabelled, Ref: ref})
	}
	for i, ref := range all {
		switch {
		case i > 0 && all[i-1].Key == ref.Key:
			duplicates = append(duplicates, rejects.Of(ref, "split", fmt.Errorf("duplicate key: %s/%s has it already", all[i-1].Root, all[i-1].Image)))
		case p.All == semidavil.Unlabelled:
			unlabelled(ref)
		case p.All != "":
			out = append(out, plans.Assigned{Subset: p.All, Ref: ref})
		case ref.Domain == semidavil.Source:
			if ref.Split == "train" && ref.Label != "" {
				out = append(out, plans.Assigned{Subset: semidavil.SourceTrain, Ref: ref})
			}
		case ref.Split == "val", ref.Split == "test":
			if ref.Label != "" {
				out = append(out, plans.Assigned{Subset: semidavil.Subset(ref.Split), Ref: ref})
			}
		case ref.Label == "":
			unlabelled(ref)
		default:
			candidates = append(candidates, ref)
		}
	}
	chosen, err := choose(p, candidates)
	if err != nil {
		return nil, nil, err
	}
	for _, ref := range candidates {
		if chosen[ref.Key] {
			out = append(out, plans.Assigned{Subset: semidavil.Labelled, Ref: ref})
		}
		if !chosen[ref.Key] || len(chosen) == len(candidates) {
			unlabelled(ref)
		}
	}
	return out, duplicates, nil
}

// choose returns the keys of the labelled images.
func choose(p SplitParams, candidates []semidavil.Ref) (map[string]bool, error) {
	if len(p.List) > 0 {
		return chooseListed(p.List, candidates)
	}
	n := p.Labelled
	if n < 0 {
		n = len(candidates)
	}
	if n > len(candidates) {
		return nil, fmt.Errorf("stages: split: %d labelled target images are asked for, %d have labels", n, len(candidates))
	}
	ranked := slices.Clone(candidates)
	slices.SortFunc(ranked, func(a, b semidavil.Ref) int {
		return cmp.Or(cmp.Compare(rank(p.Seed, "split", a.Key), rank(p.Seed, "split", b.Key)), cmp.Compare(a.Key, b.Key))
	})
	chosen := make(map[string]bool, n)
	for _, ref := range ranked[:n] {
		chosen[ref.Key] = true
	}
	return chosen, nil
}

// chooseListed matches each line with an image's key, path or file name, the latter also
// without extension, or with what the data set tells its images by, such as 0009 of
// img0009.nii.gz: the whole line, or its first word, since lists of two columns name
// the label second.
func chooseListed(list []string, candidates []semidavil.Ref) (map[string]bool, error) {
	byName := map[string]string{}
	for _, ref := range candidates {
		base := path.Base(ref.Image)
		stem := strings.TrimSuffix(base, path.Ext(base))
		for _, name := range []string{ref.Key, ref.Image, base, stem, strings.TrimSuffix(stem, "_leftImg8bit"), strings.TrimSuffix(stem, ".nii")} {
			if other, taken := byName[name]; taken && other != ref.Key {
				byName[name] = "" // of several images
				continue
			}
			byName[name] = ref.Key
		}
	}
	for id, key := range ids(candidates) {
		if _, taken := byName[id]; !taken {
			byName[id] = key
		}
	}
	chosen := map[string]bool{}
	var faults []string
	for n, line := range list {
		line = strings.TrimSpace(line)
		if line == "" {
			continue
		}
		word := strings.Fields(line)[0]
		key, found := "", false
		for _, name := range []string{line, path.Base(line), word, path.Base(word)} {
			if key, found = byName[name]; found {
				break
			}
		}
		switch {
		case found && key != "":
			chosen[key] = true
		case found:
			faults = append(faults, fmt.Sprintf("line %d: %q is the name of several images: give the path below the data set's root", n+1, line))
		case !strings.HasPrefix(line, "#"): // a comment
			faults = append(faults, fmt.Sprintf("line %d: %q is no labelled target image", n+1, line))
		}
	}
	if len(faults) > 0 {
		return nil, fmt.Errorf("stages: split: %d lines of the list name no image or more than one, the first: %s", len(faults), faults[0])
	}
	if len(chosen) == 0 {
		return nil, errors.New("stages: split: the list names no image")
	}
	return chosen, nil
}

// ids are the keys by what is behind data set and split in them, "" of several.
func ids(candidates []semidavil.Ref) map[string]string {
	out := map[string]string{}
	for _, ref := range candidates {
		id, ok := strings.CutPrefix(ref.Key, ref.Dataset+"_"+ref.Split+"_")
		if !ok {
			continue
		}
		if _, taken := out[id]; taken {
			out[id] = ""
		} else {
			out[id] = ref.Key
		}
	}
	return out
}

// rank is a pseudo-random number of a key: the same on every machine, and
// independent of which other keys there are.
func rank(seed uint64, purpose, key string) uint64 {
	sum := sha256.Sum256(fmt.Appendf(nil, "%d\x00%s\x00%s", seed, purpose, key))
	return binary.BigEndian.Uint64(sum[:])
}
