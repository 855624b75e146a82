package pseudo

import (
	"math"
	"math/rand/v2"
	"sync"
	"testing"
)

// scene returns the prediction that a patch network would make: logits on a grid
// of one value every cell pixels, bilinearly enlarged, softmax, the two most
// probable classes. Rare classes stay rare.
func scene(w, h, k, cell int, seed uint64) Prediction {
	rng := rand.New(rand.NewPCG(seed, 1))
	gw, gh := w/cell+2, h/cell+2
	logits := make([]float64, gw*gh*k)
	type blob struct {
		x, y float64
		c    int
	}
	blobs := make([]blob, gw*gh/24+1)
	for i := range blobs {
		blobs[i] = blob{rng.Float64() * float64(gw), rng.Float64() * float64(gh), int(float64(k) * math.Pow(rng.Float64(), 2.5))}
	}
	for y := range gh {
		for x := range gw {
			at := logits[(y*gw+x)*k:][:k]
			for c := range at {
				at[c] = rng.NormFloat64()
			}
			for _, b := range blobs {
				d := math.Hypot(b.x-float64(x), b.y-float64(y))
				at[b.c] = max(at[b.c], 14-2.2*d+0.7*rng.NormFloat64())
			}
		}
	}
	n := w * h
	label, second, p1, p2 := make([]uint8, n), make([]uint8, n), make([]float32, n), make([]float32, n)
	v := make([]float64, k)
	for i := range n {
		fx, fy := float64(i%w)/float64(cell), float64(i/w)/float64(cell)
		x, y := int(fx), int(fy)
		fx, fy = fx-float64(x), fy-float64(y)
		a, b := logits[(y*gw+x)*k:], logits[((y+1)*gw+x)*k:]
		best, next := 0, -1
		for c := range k {
			v[c] = (1-fy)*((1-fx)*a[c]+fx*a[k+c]) + fy*((1-fx)*b[c]+fx*b[k+c])
			switch {
			case c == 0:
			case v[c] > v[best]:
				best, next = c, best
			case next < 0 || v[c] > v[next]:
				next = c
			}
		}
		var sum float64
		for c := range k {
			sum += math.Exp(v[c] - v[best])
		}
		label[i], second[i] = uint8(best), uint8(next)
		p1[i], p2[i] = float32(1/sum), float32(math.Exp(v[next]-v[best])/sum)
	}
	p, err := NewPrediction(w, h, label, second, p1, p2)
	if err != nil {
		panic(err)
	}
	p.Tag = "net=0123456789abcdef size=1024x512 image=frankfurt_000000_000294"
	return p
}

// full is a prediction of the native size of Cityscapes by a network of patch 16
// at half that size.
var full = sync.OnceValue(func() Prediction { return scene(2048, 1024, 19, 32, 7) })

// noise is a prediction of random classes and confidences, crowded near 1.
func noise(rng *rand.Rand, w, h, k int) Prediction {
	n := w * h
	p := Prediction{W: w, H: h, Label: make([]uint8, n), Second: make([]uint8, n), Confidence: make([]uint16, n), SecondConfidence: make([]uint16, n)}
	for i := range n {
		c := rng.IntN(k)
		p.Label[i], p.Second[i] = uint8(c), uint8((c+1+rng.IntN(k-1))%k)
		q := rng.IntN(One)
		if rng.IntN(2) == 0 {
			q = One - 1 - rng.IntN(1<<rng.IntN(12))
		}
		p.Confidence[i], p.SecondConfidence[i] = uint16(q), uint16(rng.IntN(min(q, One-1-q)+1))
	}
	return p
}

func BenchmarkEncode2048x1024(b *testing.B) {
	p := full()
	var data []byte
	for b.Loop() {
		data, _ = Encode(p)
	}
	perPixel(b, p)
	b.ReportMetric(float64(len(data))/float64(p.W*p.H), "B/px")
}

func BenchmarkDecode2048x1024(b *testing.B) {
	p := full()
	data, err := Encode(p)
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, err := Decode(data); err != nil {
			b.Fatal(err)
		}
	}
	perPixel(b, p)
}

func BenchmarkHistogramAdd2048x1024(b *testing.B) {
	p, h := full(), NewHistogram(19)
	for b.Loop() {
		if err := h.Add(p); err != nil {
			b.Fatal(err)
		}
	}
	perPixel(b, p)
}

func BenchmarkApply2048x1024(b *testing.B) {
	p := full()
	h := NewHistogram(19)
	if err := h.Add(p); err != nil {
		b.Fatal(err)
	}
	tau, err := Rule{Kind: ClassBalanced, Portion: 0.2}.Thresholds(h)
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, err := Apply(p, tau); err != nil {
			b.Fatal(err)
		}
	}
	perPixel(b, p)
}

func perPixel(b *testing.B, p Prediction) {
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(p.W*p.H), "ns/px")
}
