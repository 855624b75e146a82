package blip

import (
	"cmp"
	"math"
	"slices"
)

// search continues one text, a token a round, as transformers' generate does: greedily, or
// with beams (Wu et al. 2016, and how transformers 4.50 to 4.57 score and stop).
type search interface {
	// next takes the logits of each text that is followed and returns for each that is followed
	// from now on which of those it continues, and its new token.
	next(logits [][]float32) (from, token []int32)
	done() bool
	// best is the text in the end, with what ended it.
	best() []int32
}

func (d Decoding) search(ends []int) search {
	if d.Beams == 1 {
		return &greedy{Decoding: d, ends: ends}
	}
	s := &beams{Decoding: d, ends: ends, running: make([]text, d.Beams), finished: make([]text, d.Beams), hopeful: true}
	for i := range s.running {
		// Only the first counts at the beginning, since all are the same.
		if i > 0 {
			s.running[i].score = never
		}
		s.finished[i].score = never
	}
	return s
}

// text is one that is followed or finished.
type text struct {
	tokens []int32
	// score is the sum of the logarithms of the tokens' probabilities; of one that is
	// finished, divided for its length.
	score float32
	// ended says that it ends here, whole that it is a caption and not a place for one.
	ended, whole bool
	from         int32
}

// never is the score of what must not be chosen, as transformers'.
const never = -1e9

// greedy takes the most probable token.
type greedy struct {
	Decoding
	ends   []int
	tokens []int32
	ended  bool
}

func (g *greedy) next(logits [][]float32) (from, token []int32) {
	best, at := float32(math.Inf(-1)), 0
	for i, v := range logits[0] {
		if v > best && !(len(g.tokens) < g.MinNewTokens && slices.Contains(g.ends, i)) {
			best, at = v, i
		}
	}
	g.tokens = append(g.tokens, int32(at))
	g.ended = slices.Contains(g.ends, at) || len(g.tokens) == g.MaxNewTokens
	return []int32{0}, []int32{int32(at)}
}

func (g *greedy) done() bool    { return g.ended }
func (g *greedy) best() []int32 { return g.tokens }

// beams follows several texts. Sums are float32, as transformers' are.
type beams struct {
	Decoding
	ends              []int
	running, finished []text // the best first
	length            int    // tokens of the running ones
	hopeful           bool   // one that is running may become better than the finished ones
	stuck             bool   // all continuations ended
}

func (s *beams) next(logits [][]float32) (from, token []int32) {
	candidates := s.candidates(logits)
	s.length++
	// What ended makes room for what goes on; of what ended, only the best count.
	s.stuck = true
	followed := slices.Clone(candidates)
	for i := range followed {
		if s.stuck = s.stuck && followed[i].ended; followed[i].ended {
			followed[i].score += never
		}
	}
	s.running = top(followed, s.Beams)
	for i := range candidates {
		c := &candidates[i]
		c.score = s.scaled(c.score, s.length)
		if c.whole = c.ended && i < s.Beams; !c.whole {
			c.score += never
		}
	}
	s.finished = top(append(s.finished, candidates...), s.Beams)
	s.hopeful = s.hopeful && s.canImprove()
	for _, t := range s.running {
		from, token = append(from, t.from), append(token, t.tokens[s.length-1])
	}
	return from, token
}

// candidates are the best continuations of the texts: so many that as many as there are beams
// go on even if the others end, whatever ends them.
func (s *beams) candidates(logits [][]float32) []text {
	keep := max(2, 1+len(s.ends)) * s.Beams
	var best []text
	worst := float32(math.Inf(-1))
	for i, row := range logits {
		norm := logSum(row)
		for token, v := range row {
			score := float32(float64(v)-norm) + s.running[i].score
			if len(best) == keep && !(score > worst) || s.length < s.MinNewTokens && slices.Contains(s.ends, token) {
				continue
			}
			at, _ := slices.BinarySearchFunc(best, score, func(t text, score float32) int {
				if t.score >= score { // the first of equals stays first
					return -1
				}
				return 1
			})
			best = slices.Insert(best, at, text{score: score, from: int32(i), ended: slices.Contains(s.ends, token) || s.length+1 == s.MaxNewTokens, tokens: []int32{int32(token)}})
			if len(best) > keep {
				best = best[:keep]
			}
			worst = best[len(best)-1].score
		}
	}
	for i := range best {
		best[i].tokens = append(slices.Clip(s.running[best[i].from].tokens), best[i].tokens...)
	}
	return best
}

// scaled divides a score for a length.
func (s *beams) scaled(score float32, length int) float32 {
	return score / float32(math.Pow(float64(length), s.LengthPenalty))
}

// canImprove compares the best that is running with the worst that is finished.
func (s *beams) canImprove() bool {
	length := s.length
	if s.EarlyStopping == StopNever && s.LengthPenalty > 0 {
		length = s.MaxNewTokens
	}
	possible := s.scaled(s.running[0].score, length)
	worst := slices.MinFunc(s.finished, func(a, b text) int { return cmp.Compare(a.score, b.score) }).score
	return slices.ContainsFunc(s.finished, func(t text) bool {
		if !t.whole {
			return possible > never
		}
		return possible > worst
	})
}

func (s *beams) done() bool {
	full := !slices.ContainsFunc(s.finished, func(t text) bool { return !t.whole })
	return !s.hopeful || full && s.EarlyStopping == StopFull || s.stuck
}

func (s *beams) best() []int32 { return s.finished[0].tokens }

// top are the n with the highest scores, the first of equals first.
func top(texts []text, n int) []text {
	slices.SortStableFunc(texts, func(a, b text) int { return cmp.Compare(b.score, a.score) })
	return texts[:min(n, len(texts))]
}

// logSum is the logarithm of the sum of exponentials.
func logSum(x []float32) float64 {
	most, sum := float64(slices.Max(x)), 0.0
	for _, v := range x {
		sum += math.Exp(float64(v) - most)
	}
	return most + math.Log(sum)
}
