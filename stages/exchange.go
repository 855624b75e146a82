package stages

import (
	"cmp"
	"context"
	"reflect"
	"slices"
	"strings"

	"github.com/apache/beam/sdks/v2/go/pkg/beam"

	"semidavil/model/textfeatures"
	"semidavil/stages/inference"
	"semidavil/stages/plans"
)

func init() {
	beam.RegisterType(reflect.TypeFor[ownCaption]())
	beam.RegisterDoFn(listCaptions)
	beam.RegisterDoFn(reflect.TypeFor[exchangeFn]())
}

// OtherCaption is the kind of the captions that [Exchange] takes from other images.
const OtherCaption = "other"

// ExchangeParams say which captions images get beside their own.
type ExchangeParams struct {
	// Seed decides which image gets which other one's caption.
	Seed uint64
	// Same are further captions, the same for all images.
	Same []plans.Caption
}

// Exchange gives each image the caption of another image of any plan, as further caption, and
// behind it those that are the same for all. The other caption never has the tokens of the
// image's own, so that texts count as one where they differ only in what the tokeniser drops.
//
// Each caption goes to one image. Where more than half of the images share a text that is
// impossible: those among them that would get it again take the other texts in turn. Where all
// images have the same text there is no other caption.
//
// PCollection<Plan> -> PCollection<Plan>.
func Exchange(s beam.Scope, p ExchangeParams, planned beam.PCollection) beam.PCollection {
	s = s.Scope("stages.Exchange")
	return beam.ParDo(s, &exchangeFn{Params: p}, planned, beam.SideInput{Input: beam.ParDo(s, listCaptions, planned)})
}

// ownCaption is the caption of one image of a plan.
type ownCaption struct {
	Plan, Key string
	Tokens    []int32
}

// listCaptions reads the captions of a plan, out of its shard where it has one.
func listCaptions(ctx context.Context, plan plans.Plan, emit func(ownCaption)) error {
	return inference.Captions(ctx, plan, func(key string, tokens []int32) { emit(ownCaption{plan.Name, key, tokens}) })
}

type exchangeFn struct{ Params ExchangeParams }

// ProcessElement adds the further captions of one plan. Who gets which is worked out for each
// plan anew: that takes milliseconds for some thousand images, and plans stay apart.
func (f *exchangeFn) ProcessElement(plan plans.Plan, next func(*ownCaption) bool, emit func(plans.Plan)) {
	var all []ownCaption
	for c := (ownCaption{}); next(&c); c = (ownCaption{}) {
		all = append(all, c)
	}
	for image, other := range exchanged(f.Params.Seed, all) {
		if all[image].Plan != plan.Name {
			continue
		}
		further := plans.Further{Key: all[image].Key}
		if other >= 0 {
			further.Captions = append(further.Captions, plans.Caption{Kind: OtherCaption, Of: all[other].Key, Tokens: all[other].Tokens})
		}
		further.Captions = append(further.Captions, f.Params.Same...)
		plan.Further = append(plan.Further, further)
	}
	slices.SortFunc(plan.Further, func(a, b plans.Further) int { return strings.Compare(a.Key, b.Key) })
	emit(plan)
}

// exchanged returns for each image the one whose caption it gets, -1 where all have one text.
// It depends on the seed, keys and texts, and not on their order.
//
// Images are put into a circle, equal texts side by side, texts and the images of each in an
// order that the seed decides. Each then gets the caption that stands as many places further
// as the most frequent text has images: the first step that leads out of every text.
func exchanged(seed uint64, all []ownCaption) []int {
	texts := make([]string, len(all))
	for i, c := range all {
		texts[i] = textfeatures.Key(textfeatures.Tokens{IDs: c.Tokens, Count: len(c.Tokens)})
	}
	type place struct {
		image         int
		ofText, ofKey uint64
	}
	circle := make([]place, len(all))
	frequency, most := map[string]int{}, ""
	for i, c := range all {
		circle[i] = place{i, rank(seed, "exchange texts", texts[i]), rank(seed, "exchange keys", c.Key)}
		if frequency[texts[i]]++; frequency[texts[i]] > frequency[most] {
			most = texts[i]
		}
	}
	slices.SortFunc(circle, func(a, b place) int {
		return cmp.Or(cmp.Compare(a.ofText, b.ofText), cmp.Compare(texts[a.image], texts[b.image]), cmp.Compare(a.ofKey, b.ofKey), cmp.Compare(all[a.image].Key, all[b.image].Key))
	})
	var others []int // than those of the most frequent text
	for _, p := range circle {
		if texts[p.image] != most {
			others = append(others, p.image)
		}
	}
	out, turn := make([]int, len(all)), 0
	for i, p := range circle {
		other := circle[(i+frequency[most])%len(circle)].image
		switch {
		case texts[other] != texts[p.image]:
			out[p.image] = other
		case len(others) == 0:
			out[p.image] = -1
		default: // the text is on more than half of the images
			out[p.image] = others[turn%len(others)]
			turn++
		}
	}
	return out
}
