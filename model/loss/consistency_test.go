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

// consistencyOracle is Eq. (4) in float64.
func consistencyOracle(c ConsistencyConfig, student []float64, p pair) (loss, kept float64) {
	k, valid := p.k, 0
	passed := 0
	for i := range p.valid {
		if p.valid[i] == 0 {
			continue
		}
		valid++
		z, q := student[i*k:(i+1)*k], p.teacher[i*k:(i+1)*k]
		best := 0
		for j := range q {
			if q[j] > q[best] {
				best = j
			}
		}
		if q[best] == 0 || q[best] < float32(c.Threshold) {
			continue
		}
		passed++
		sum := 0.0
		for _, v := range z {
			sum += math.Exp(v)
		}
		for j := range q {
			logP := z[j] - math.Log(sum)
			switch {
			case c.Target == "hard" && j == best:
				loss -= logP
			case c.Target == "soft" && q[j] > 0:
				loss += float64(q[j]) * (math.Log(float64(q[j])) - logP)
			}
		}
	}
	if valid == 0 || passed == 0 {
		return 0, 0
	}
	divisor := float64(valid)
	if c.Norm == "confident" {
		divisor = float64(passed)
	}
	return loss / divisor, float64(passed) / float64(valid)
}

// TestConsistency compares with the oracle and finite differences.
func TestConsistency(t *testing.T) {
	p := randomPair(1, 67, 5)
	clear(p.teacher[20:25]) // nothing is known of this pixel
	p.valid[4] = 1
	for _, threshold := range []float64{0, 0.5, 0.95, 1} {
		for _, norm := range []string{"valid", "confident"} {
			for _, target := range []string{"hard", "soft"} {
				c := ConsistencyConfig{threshold, norm, target}
				name := fmt.Sprint(c)
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
	}
}

// TestConsistencyNothing wants zeros where nothing is valid.
func TestConsistencyNothing(t *testing.T) {
	p := randomPair(2, 21, 3)
	clear(p.valid)
	for _, target := range []string{"hard", "soft"} {
		for _, norm := range []string{"valid", "confident"} {
			loss, kept, student, _ := p.run(t, ConsistencyConfig{0.5, norm, target})
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
		loss, kept, student, _ := p.run(t, ConsistencyConfig{0.95, "valid", target})
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
