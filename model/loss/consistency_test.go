package loss

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
)

// pair is the input of the consistency loss.
type pair struct {
	student, teacher []float32
	valid            []uint8
	k                int
}

func randomPair(seed uint64, n, k int) pair {
	rng := rand.New(rand.NewPCG(seed, 2))
	p := pair{make([]float32, n*k), make([]float32, n*k), make([]uint8, n), k}
	for i := range n {
		total := 0.0
		z := make([]float64, k)
		for j := range k {
			p.student[i*k+j] = float32(rng.NormFloat64())
			z[j] = math.Exp(4 * rng.NormFloat64())
			total += z[j]
		}
		for j := range k {
			p.teacher[i*k+j] = float32(z[j] / total)
		}
		if rng.IntN(5) > 0 {
			p.valid[i] = uint8(1 + rng.IntN(2)*200)
		}
	}
	return p
}

func (p pair) run(t *testing.T, c ConsistencyConfig) (loss, kept float64, student, teacher []float64) {
	t.Helper()
	n := len(p.valid)
	out := evaluate(t, func(in []*graph.Node) []*graph.Node {
		l, kept := Consistency(c, planes(in[0]), c.TargetOf(planes(in[1])), in[2])
		return append([]*graph.Node{l, kept}, graph.Gradient(graph.Add(l, kept), in[0], in[1])...)
	}, tensors.FromFlatDataAndDimensions(p.student, 1, n, p.k), tensors.FromFlatDataAndDimensions(p.teacher, 1, n, p.k),
		tensors.FromFlatDataAndDimensions(p.valid, 1, n))
	return values(t, out[0])[0], values(t, out[1])[0], values(t, out[2]), values(t, out[3])
}

// consistencyOracle is Eq. (4) in float64, with the other rules, norms and weights.
func consistencyOracle(c ConsistencyConfig, student []float64, p pair) (loss, kept float64) {
	k, valid := p.k, 0
	best := make([]int, len(p.valid))
	sums, counts := make([]float64, k), make([]float64, k) // of confidences
	for i := range p.valid {
		q := p.teacher[i*k : (i+1)*k]
		for j := range q {
			if q[j] > q[best[i]] {
				best[i] = j
			}
		}
		if p.valid[i] == 0 {
			continue
		}
		valid++
		if q[best[i]] > 0 {
			sums[best[i]] += float64(q[best[i]])
			counts[best[i]]++
		}
	}
	passed := 0.0
	var learnt []int
	perClass := make([]float64, k)
	for i := range p.valid {
		confidence := p.teacher[i*k+best[i]]
		if p.valid[i] == 0 || confidence == 0 {
			continue
		}
		threshold := float32(c.Threshold)
		if c.Rule == "class" {
			threshold = min(threshold, float32(sums[best[i]]/counts[best[i]]))
		}
		if confidence >= threshold {
			passed++
		} else if c.Norm != "share" {
			continue
		}
		learnt = append(learnt, i)
		perClass[best[i]]++
	}
	for _, i := range learnt {
		z, q := student[i*k:(i+1)*k], p.teacher[i*k:(i+1)*k]
		sum, value := 0.0, 0.0
		for _, v := range z {
			sum += math.Exp(v)
		}
		for j := range q {
			logP := z[j] - math.Log(sum)
			switch {
			case c.Target == "hard" && j == best[i]:
				value -= logP
			case c.Target == "soft" && q[j] > 0:
				value += float64(q[j]) * (math.Log(float64(q[j])) - logP)
			}
		}
		weight := 1 / float64(len(learnt))
		if c.Balance {
			weight = math.Pow(float64(len(learnt)), -c.Omega) * math.Pow(perClass[best[i]], -(1-c.Omega))
		}
		loss += weight * value
	}
	if valid == 0 || passed == 0 {
		return 0, 0
	}
	kept = passed / float64(valid)
	if c.Norm != "confident" {
		loss *= kept
	}
	return loss, kept
}

// TestConsistency compares with the oracle and finite differences.
func TestConsistency(t *testing.T) {
	p := randomPair(1, 67, 5)
	clear(p.teacher[20:25]) // nothing is known of this pixel
	p.valid[4] = 1
	var all []ConsistencyConfig
	for _, threshold := range []float64{0, 0.5, 0.95, 1} {
		for _, norm := range []string{"valid", "confident", "share"} {
			for _, target := range []string{"hard", "soft"} {
				c := ConsistencyConfig{Threshold: threshold, Norm: norm, Target: target}
				all = append(all, c)
				if threshold == 0.95 {
					byClass, balance := c, c
					byClass.Rule = "class"
					balance.Balance, balance.Omega = true, 0.3
					both := balance
					both.Rule = "class"
					all = append(all, byClass, balance, both)
				}
			}
		}
	}
	for _, c := range all {
		name := fmt.Sprintf("%+v", c)
		loss, kept, student, teacher := p.run(t, c)
		z := wide(p.student)
		wantLoss, wantKept := consistencyOracle(c, z, p)
		near(t, name+" loss", []float64{loss}, []float64{wantLoss})
		near(t, name+" kept", []float64{kept}, []float64{wantKept})
		want := make([]float64, len(z))
		for i := range z {
			const step = 1e-5
			z[i] += step
			up, _ := consistencyOracle(c, z, p)
			z[i] -= 2 * step
			down, _ := consistencyOracle(c, z, p)
			z[i] += step
			want[i] = (up - down) / (2 * step)
		}
		near(t, name+" gradient", student, want)
		for _, d := range teacher {
			if d != 0 {
				t.Fatalf("%s: the teacher has a gradient", name)
			}
		}
	}
}

// TestConsistencyNothing wants zeros where nothing is valid.
func TestConsistencyNothing(t *testing.T) {
	p := randomPair(2, 21, 3)
	clear(p.valid)
	for _, target := range []string{"hard", "soft"} {
		for _, norm := range []string{"valid", "confident", "share"} {
			loss, kept, student, _ := p.run(t, ConsistencyConfig{Threshold: 0.5, Norm: norm, Target: target, Rule: "class", Balance: norm == "share"})
			if loss != 0 || kept != 0 {
				t.Errorf("loss %v, kept %v", loss, kept)
			}
			for _, d := range student {
				if d != 0 {
					t.Fatalf("gradient %v", d)
				}
			}
		}
	}
}

// TestConsistencyExtreme excludes a class and lets the student be sure and wrong.
func TestConsistencyExtreme(t *testing.T) {
	inf := float32(math.Inf(-1))
	p := pair{
		student: []float32{0, -300, inf, 0, -300, inf, 1e4, -1e4, inf},
		teacher: []float32{0.01, 0.99, 0, 1, 0, 0, 0, 1, 0},
		valid:   []uint8{1, 1, 1}, k: 3,
	}
	for target, want := range map[string]float64{
		"hard": (300 + 0 + 2e4) / 3.,
		"soft": (0.99*300 + 0.01*math.Log(0.01) + 0.99*math.Log(0.99) + 2e4) / 3,
	} {
		loss, kept, student, _ := p.run(t, ConsistencyConfig{Threshold: 0.95, Norm: "valid", Target: target})
		near(t, target, []float64{loss, kept}, []float64{want, 1})
		for _, d := range student {
			if !finite(d) {
				t.Errorf("%s: gradient is %v", target, d)
			}
		}
		if student[2] != 0 || student[8] != 0 {
			t.Errorf("%s: the excluded class has a gradient", target)
		}
	}
}

// TestConsistencyNaN wants NaN of NaN in student or teacher.
func TestConsistencyNaN(t *testing.T) {
	nan := float32(math.NaN())
	for _, target := range []string{"hard", "soft"} {
		c := DefaultConsistency()
		c.Target = target
		p := randomPair(3, 21, 3)
		p.student[4] = nan
		if loss, _, _, _ := p.run(t, c); !math.IsNaN(loss) {
			t.Errorf("%s: NaN in the student gives %v", target, loss)
		}
		p = randomPair(3, 21, 3)
		for i := range 3 {
			p.teacher[3+i] = nan
		}
		if loss, _, _, _ := p.run(t, c); !math.IsNaN(loss) {
			t.Errorf("%s: NaN in the teacher gives %v", target, loss)
		}
	}
}
