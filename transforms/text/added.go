package text

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// addedTokens are tokens that are taken out of a text before it is split.
type addedTokens struct {
	byStart [256][]added // by their first byte, the longest first
	// special marks the ids that decoding can leave out.
	special map[int32]bool
}

type added struct {
	content string
	id      int32
}

// newAddedTokens takes the tokens that files add to a vocabulary. Special tokens that a
// configuration names are among them; one that has no id is none.
func newAddedTokens(tokens []addedToken, specials []string, ids map[string]int32) (addedTokens, error) {
	t := addedTokens{special: map[int32]bool{}}
	isSpecial := map[string]bool{}
	for _, a := range tokens {
		isSpecial[a.Content] = isSpecial[a.Content] || a.Special
	}
	for _, name := range specials {
		if _, ok := ids[name]; ok {
			isSpecial[name] = true
		}
	}
	for _, content := range slices.Sorted(maps.Keys(isSpecial)) {
		if content == "" {
			return t, fmt.Errorf("an added token is empty")
		}
		id := ids[content]
		t.byStart[content[0]] = append(t.byStart[content[0]], added{content, id})
		if isSpecial[content] {
			t.special[id] = true
		}
	}
	for _, list := range t.byStart {
		slices.SortStableFunc(list, func(a, b added) int { return cmp.Compare(len(b.content), len(a.content)) })
	}
	return t, nil
}

// split takes a text apart into what lies between added tokens, which may be empty, and their ids.
func (t *addedTokens) split(s string, between func(text string), token func(id int32)) {
	plain := 0
	for i := 0; i < len(s); {
		a, found := t.at(s[i:])
		if !found {
			i++
			continue
		}
		between(s[plain:i])
		token(a.id)
		i += len(a.content)
		plain = i
	}
	between(s[plain:])
}

// at returns the longest added token that s starts with.
func (t *addedTokens) at(s string) (added, bool) {
	for _, a := range t.byStart[s[0]] {
		if strings.HasPrefix(s, a.content) {
			return a, true
		}
	}
	return added{}, false
}
