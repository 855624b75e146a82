package captions

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"unicode"
)

// Summary says of many captions what shows whether they are worth having.
type Summary struct {
	Captions int `json:"captions"`
	// Captioners are the IDs of the captioners, most frequent first.
	Captioners []Count `json:"captioners"`
	// Different is the number of captions that differ; Repeated are those of several images, most
	// frequent first and at most [MaxListed].
	Different int     `json:"different"`
	Repeated  []Count `json:"repeated"`
	// Words counts all, MeanWords, FewestWords and MostWords those of a caption.
	Words          int     `json:"words"`
	MeanWords      float64 `json:"mean_words"`
	FewestWords    int     `json:"fewest_words"`
	MostWords      int     `json:"most_words"`
	DifferentWords int     `json:"different_words"`
	// Frequent are the captions in which a word occurs, most frequent first and at most
	// [MaxListed]; articles and the like are left out.
	Frequent []Count `json:"frequent_words"`
}

// Count is how often a text occurs.
type Count struct {
	Text   string `json:"text"`
	Images int    `json:"images"`
}

// MaxListed is the greatest number of texts in a list of a Summary.
const MaxListed = 100

// small are words that say nothing about a scene.
var small = func() map[string]bool {
	out := map[string]bool{}
	for _, w := range strings.Fields("a an and are as at be by for from has have in is it its of on or that the their there this to with") {
		out[w] = true
	}
	return out
}()

// Words returns the words of a caption in lower case.
func Words(caption string) []string {
	return strings.FieldsFunc(strings.ToLower(caption), func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsDigit(r) && !unicode.IsMark(r) && r != '\'' && r != '’'
	})
}

// Summarise counts.
func Summarise(rows []Row) Summary {
	s := Summary{Captions: len(rows)}
	texts, captioners, in := map[string]int{}, map[string]int{}, map[string]int{}
	for i, row := range rows {
		texts[row.Caption]++
		captioners[row.Captioner]++
		words := Words(row.Caption)
		s.Words += len(words)
		s.MostWords = max(s.MostWords, len(words))
		if i == 0 || len(words) < s.FewestWords {
			s.FewestWords = len(words)
		}
		slices.Sort(words)
		for _, w := range slices.Compact(words) {
			in[w]++
		}
	}
	if len(rows) > 0 {
		s.MeanWords = float64(s.Words) / float64(len(rows))
	}
	s.Different, s.DifferentWords = len(texts), len(in)
	s.Captioners = counts(captioners, 1)
	s.Repeated = first(counts(texts, 2))
	maps.DeleteFunc(in, func(word string, _ int) bool { return small[word] })
	s.Frequent = first(counts(in, 1))
	return s
}

// counts are those of at least some number, greatest first.
func counts(of map[string]int, least int) []Count {
	out := []Count{}
	for text, n := range of {
		if n >= least {
			out = append(out, Count{text, n})
		}
	}
	slices.SortFunc(out, func(a, b Count) int { return cmp.Or(b.Images-a.Images, strings.Compare(a.Text, b.Text)) })
	return out
}

func first(all []Count) []Count { return all[:min(len(all), MaxListed)] }
