package stages

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/apache/beam/sdks/v2/go/pkg/beam"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/testing/passert"

	"semidavil"
	"semidavil/internal/fixture/trained"
	"semidavil/stages/plans"
)

func init() {
	beam.RegisterFunction(furtherLine)
	beam.RegisterFunction(furtherKeys)
}

// furtherLine lists the further captions of a plan.
func furtherLine(p plans.Plan) string {
	line := fmt.Sprintf("%s, %d samples:", p.Name, max(p.Count, len(p.Samples)))
	for _, f := range p.Further {
		line += " " + f.Key
		for _, c := range f.Captions {
			line += fmt.Sprintf(" %s of %q %v", c.Kind, c.Of, c.Tokens)
		}
	}
	return line
}

// TestExchanged: nobody gets its own text, each caption goes to one image wherever that is
// possible, and the order of the images has no influence.
func TestExchanged(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 5))
	impossible, moved := 0, 0
	for n := range 400 {
		all := make([]ownCaption, n%23)
		frequency := map[int32]int{}
		for i := range all {
			text := int32(rng.IntN(1 + n/23))
			all[i] = ownCaption{Key: fmt.Sprint("k", i), Tokens: []int32{7, text, 8}}
			frequency[text]++
		}
		most := 0
		for _, f := range frequency {
			most = max(most, f)
		}
		got := exchanged(uint64(n), all)
		given := map[int]int{}
		for i, other := range got {
			given[other]++
			if len(frequency) < 2 {
				if other != -1 {
					t.Errorf("%d: image %d of one text gets the caption of %d", n, i, other)
				}
				continue
			}
			if slices.Equal(all[i].Tokens, all[other].Tokens) {
				t.Errorf("%d: image %d gets its own text", n, i)
			}
		}
		switch {
		case len(frequency) < 2:
		case 2*most > len(all):
			impossible++
		case len(given) != len(all):
			t.Errorf("%d: %v is no permutation of %d images, of which %d have one text", n, got, len(all), most)
		}
		if !slices.Equal(got, exchanged(uint64(n)+1, all)) {
			moved++
		}
		shuffled, where := slices.Clone(all), rng.Perm(len(all))
		for i, j := range where {
			shuffled[j] = all[i]
		}
		for j, other := range exchanged(uint64(n), shuffled) {
			i := slices.Index(where, j)
			if other >= 0 && shuffled[other].Key != all[got[i]].Key {
				t.Errorf("%d: the order of the images decides", n)
			}
		}
	}
	if impossible < 20 || moved < 200 {
		t.Errorf("%d cases without a permutation, %d that another seed changes", impossible, moved)
	}
}

// TestExchange: images get captions across plans, of samples as of shards.
func TestExchange(t *testing.T) {
	p := ExchangeParams{Seed: 3, Same: []plans.Caption{{Kind: NoCaption, Tokens: []int32{1, 2}}}}
	plan := func(name string, samples ...plans.Sample) plans.Plan { return plans.Plan{Name: name, Samples: samples} }
	sample := func(key string, tokens ...int32) plans.Sample {
		return plans.Sample{Ref: semidavil.Ref{Key: key}, Tokens: tokens}
	}
	for _, way := range ways {
		mustRun(t, way, func(s beam.Scope) {
			planned := beam.CreateList(s, []plans.Plan{plan("p", sample("b", 5, 6), sample("a", 5, 6)), plan("q", sample("c", 7), sample("d", 8))})
			passert.Equals(s, beam.ParDo(s, furtherLine, Exchange(s, p, planned)),
				`p, 2 samples: a other of "d" [8] none of "" [1 2] b other of "c" [7] none of "" [1 2]`,
				`q, 2 samples: c other of "b" [5 6] none of "" [1 2] d other of "a" [5 6] none of "" [1 2]`)
		})
	}
	mustRun(t, "prism", func(s beam.Scope) {
		planned := beam.CreateList(s, []plans.Plan{plan("p", sample("b", 5)), plan("q", sample("c", 5))})
		passert.Equals(s, beam.ParDo(s, furtherLine, Exchange(s, p, planned)), `p, 1 samples: b none of "" [1 2]`, `q, 1 samples: c none of "" [1 2]`)
	})
	n := trained.Write(t, trained.Options{})
	val, source := shardPlan(t, n, semidavil.Val), shardPlan(t, n, semidavil.SourceTrain)
	mustRun(t, "prism", func(s beam.Scope) {
		passert.Equals(s, beam.ParDo(s, furtherKeys, Exchange(s, p, beam.CreateList(s, []plans.Plan{val, source}))), "val-00000: 2 keys", fmt.Sprintf("%s: %d keys", source.Name, source.Count))
	})
	val.Digest = "x"
	ends(t, "the manifest says x", func(s beam.Scope) { Exchange(s, p, beam.Create(s, val)) })
}

// furtherKeys counts the images of a plan that have the caption of another one.
func furtherKeys(p plans.Plan) string {
	keys := map[string]bool{}
	for _, f := range p.Further {
		if len(f.Captions) == 2 && f.Captions[0].Kind == OtherCaption && !strings.Contains(f.Captions[0].Of, f.Key) {
			keys[f.Key] = true
		}
	}
	return fmt.Sprintf("%s: %d keys", p.Name, len(keys))
}
