package blip

import (
	"fmt"
	"math"
	"slices"
	"sort"
	"testing"

	"semidavil/model/layer/golden"
)

// oracle is the search with beams as transformers 4.57 writes it, an array for each thing and
// every continuation sorted. next gives the logits after some tokens.
func oracle(d Decoding, ends []int, vocab int, next func(tokens []int32) []float32) []int32 {
	type sequence []int32
	n := d.Beams
	keep := max(2, 1+len(ends)) * n
	running, finished := make([]sequence, n), make([]sequence, n)
	runningScores, scores, isFinished := make([]float32, n), make([]float32, n), make([]bool, n)
	for i := range n {
		if scores[i] = -1e9; i > 0 {
			runningScores[i] = -1e9
		}
	}
	topK := func(values []float32, k int) []int {
		order := make([]int, len(values))
		for i := range order {
			order[i] = i
		}
		sort.SliceStable(order, func(a, b int) bool { return values[order[a]] > values[order[b]] })
		return order[:k]
	}
	all := func(b []bool) bool { return !slices.Contains(b, false) }
	power := func(length int) float32 { return float32(math.Pow(float64(length), d.LengthPenalty)) }
	unsatisfied := true
	for length := 0; ; {
		var sums []float32
		for i, s := range running {
			logits := next(s)
			norm := logSum(logits)
			for token, v := range logits {
				sum := float32(float64(v)-norm) + runningScores[i]
				if length < d.MinNewTokens && slices.Contains(ends, token) {
					sum = float32(math.Inf(-1))
				}
				sums = append(sums, sum)
			}
		}
		top := topK(sums, keep)
		texts, hits, values, going := make([]sequence, keep), make([]bool, keep), make([]float32, keep), make([]float32, keep)
		for i, at := range top {
			token := at % vocab
			texts[i] = append(slices.Clone(running[at/vocab]), int32(token))
			hits[i] = slices.Contains(ends, token) || length+1 >= d.MaxNewTokens
			values[i] = sums[at]
			if going[i] = sums[at]; hits[i] {
				going[i] += -1e9
			}
		}
		for i, at := range topK(going, n) {
			running[i], runningScores[i] = texts[at], going[at]
		}
		full := all(isFinished) && d.EarlyStopping == StopFull
		for i := range values {
			values[i] /= power(length + 1)
			if full {
				values[i] += -1e9
			}
			if !unsatisfied {
				values[i] += -1e9
			}
			if !(hits[i] && i < n) {
				values[i] += -1e9
			}
		}
		mergedTexts, mergedScores := slices.Concat(finished, texts), slices.Concat(scores, values)
		mergedFinished := slices.Clone(isFinished)
		for i := range hits {
			mergedFinished = append(mergedFinished, hits[i] && i < n)
		}
		for i, at := range topK(mergedScores, n) {
			finished[i], scores[i], isFinished[i] = mergedTexts[at], mergedScores[at], mergedFinished[at]
		}
		length++
		best := length
		if d.EarlyStopping == StopNever && d.LengthPenalty > 0 {
			best = d.MaxNewTokens
		}
		possible, improves := runningScores[0]/power(best), false
		for _, f := range isFinished {
			worst := float32(-1e9)
			if f {
				worst = slices.Min(scores)
			}
			improves = improves || possible > worst
		}
		unsatisfied = unsatisfied && improves
		if !unsatisfied || all(isFinished) && d.EarlyStopping == StopFull || all(hits) {
			return finished[0]
		}
	}
}

// TestSearch follows random language models, which often end a text, as the oracle does.
func TestSearch(t *testing.T) {
	const vocab = 14
	ends := [][]int{{3}, {3, 7}, nil}
	seen := map[string]bool{}
	for i := range 1500 {
		d := Decoding{
			MaxNewTokens: 1 + i%9, Beams: 2 + i%3, EarlyStopping: Stopping(i / 3 % 3),
			LengthPenalty: []float64{1, 0, 2, -1, 0.5}[i/9%5],
		}
		d.MinNewTokens = min(i/2%4, d.MaxNewTokens)
		own := ends[i/5%3]
		next := func(tokens []int32) []float32 {
			logits := golden.Uniform(fmt.Sprint(i, tokens), vocab)
			for k := range logits {
				if logits[k] *= 4; slices.Contains(own, k) {
					logits[k] += 1.5
				}
			}
			return logits
		}
		s := d.search(own)
		texts := make([][]int32, d.Beams)
		for {
			logits := make([][]float32, d.Beams)
			for k, text := range texts {
				logits[k] = next(text)
			}
			from, token := s.next(logits)
			grown := make([][]int32, d.Beams)
			for k := range grown {
				grown[k] = append(slices.Clone(texts[from[k]]), token[k])
			}
			if texts = grown; s.done() {
				break
			}
		}
		if got, want := s.best(), oracle(d, own, vocab, next); !slices.Equal(got, want) {
			t.Fatalf("model %d, %+v: %v, want %v", i, d, got, want)
		}
		seen[fmt.Sprint(len(s.best()))] = true
	}
	if len(seen) < 6 {
		t.Errorf("texts have only %d lengths", len(seen))
	}
}
