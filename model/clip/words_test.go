package clip

import (
	"math"
	"testing"

	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"

	"semidavil/model/layer/golden"
	"semidavil/model/params"
)

// TestWords compares the loss with its formula in float64, and the gradients of all that it
// depends on with differences of the formula.
func TestWords(t *testing.T) {
	const batch, h, w, n, embed, vocab = 3, 1, 2, 5, 4, 9
	c := Config{Vocab: vocab, Embed: embed}
	// 7 and 8 begin and end a text; a word comes twice, one is in all captions.
	tokens := []int32{7, 3, 5, 8, 0, 7, 5, 2, 2, 8, 7, 5, 8, 0, 0}
	dense, all, bias := make([]float32, batch*h*w*embed), make([]float32, batch*n*embed), make([]float32, vocab)
	copy(dense, golden.Uniform("dense", len(dense)))
	copy(all, golden.Uniform("all", len(all)))
	copy(bias, golden.Uniform("bias", len(bias)))
	scale := []float32{0.7}
	words := []int32{5, -1, 3, 6, 2} // 6 is in no caption
	store := model.NewStore()
	if err := params.Load(store, network, params.Values{"words/scale": params.Dense(scale), "words/bias": params.Dense(bias, vocab, 1)}); err != nil {
		t.Fatal(err)
	}
	exec, err := model.NewExec(goBackend(), store, func(_ *model.Scope, dense, all, tokens, words *graph.Node) []*graph.Node {
		g := dense.Graph()
		loss := Words(params.In(store, g, network, params.Options{}), c, dense, all, tokens, words)
		of := func(name string) *graph.Node { return store.GetVariable("/" + network + "/words/" + name).NodeValue(g) }
		return append([]*graph.Node{loss}, graph.Gradient(loss, dense, all, of("bias"), of("scale"))...)
	})
	if err != nil {
		t.Fatal(err)
	}
	out, err := exec.Call(tensors.FromFlatDataAndDimensions(dense, batch, h, w, embed), tensors.FromFlatDataAndDimensions(all, batch, n, embed), tensors.FromFlatDataAndDimensions(tokens, batch, n),
		tensors.FromFlatDataAndDimensions(words, len(words)))
	if err != nil {
		t.Fatal(err)
	}
	in := [][]float64{wide(dense), wide(all), wide(bias), wide(scale)}
	loss := func() float64 {
		return wordsLoss(in[0], in[1], in[2], in[3][0], tokens, batch, h*w, n, embed)
	}
	if want, got := loss(), float64(out[0].Value().(float32)); math.Abs(got-want) > 1e-5*want {
		t.Errorf("loss %v, want %v", got, want)
	}
	for i, x := range in {
		got, err := tensors.CopyFlatData[float32](out[i+1])
		if err != nil {
			t.Fatal(err)
		}
		for j := range x {
			const e = 1e-5
			at := x[j]
			x[j] = at + e
			up := loss()
			x[j] = at - e
			want := (up - loss()) / (2 * e)
			x[j] = at
			if math.Abs(float64(got[j])-want) > 1e-4 {
				t.Errorf("gradient %d of input %d is %v, want %v", j, i, got[j], want)
			}
		}
	}
}

// wordsLoss is the formula of Words.
func wordsLoss(dense, all, bias []float64, scale float64, tokens []int32, batch, patches, n, embed int) (loss float64) {
	row := func(x []float64, i int) []float64 { return x[i*embed:][:embed] }
	cosine := func(a, b []float64) float64 {
		var ab, aa, bb float64
		for k := range a {
			ab, aa, bb = ab+a[k]*b[k], aa+a[k]*a[k], bb+b[k]*b[k]
		}
		return ab / math.Sqrt(aa*bb)
	}
	for word := range bias[:7] {
		if word == 0 { // padding
			continue
		}
		mean, in := make([]float64, embed), map[int]bool{}
		for i, token := range tokens {
			if int(token) != word {
				continue
			}
			in[i/n] = true
			square := 0.0
			for _, v := range row(all, i) {
				square += v * v
			}
			for k, v := range row(all, i) {
				mean[k] += v / math.Sqrt(square)
			}
		}
		if len(in) == 0 {
			continue
		}
		for image := range batch {
			sum := 0.0
			for p := range patches {
				sum += math.Exp(math.Exp(scale) * cosine(row(dense, image*patches+p), mean))
			}
			logit := math.Log(sum/float64(patches)) + bias[word]
			if in[image] {
				loss += math.Log(1+math.Exp(-logit)) / float64(batch)
			} else {
				loss += math.Log(1+math.Exp(logit)) / float64(batch)
			}
		}
	}
	return loss
}

func wide(x []float32) []float64 {
	out := make([]float64, len(x))
	for i, v := range x {
		out[i] = float64(v)
	}
	return out
}
