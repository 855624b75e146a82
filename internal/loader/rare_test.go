package loader

import (
	"math"
	"math/rand/v2"
	"testing"

	"semidavil"
	"semidavil/transforms/augment"
	"semidavil/transforms/shards"
)

// town has source images of class 0 with a corner of class 3 in every fourth, large
// or, in every eighth, of a few pixels, and two ordinary images of the other subsets.
func town(t *testing.T) []shards.Sample {
	out := street(t, 0, 1, 1, 0)
	for n := range 40 {
		const w, h = 120, 80
		img, label := drawn(w, h, n)
		for i := range label.Pix {
			label.Pix[i] = uint8(i / w / 60) // class 1 below
		}
		side := 0
		switch {
		case n%8 == 0:
			side = 3 // less than rareShare
		case n%4 == 0:
			side = 24
		}
		for y := range side {
			for x := range side {
				label.Pix[w*y+x] = 3
			}
		}
		out = append(out, made(t, semidavil.SourceTrain, w, h, n, img, label))
	}
	return out
}

func TestRareClasses(t *testing.T) {
	cfg := testConfig(pack(t, town(t), 16).write(t))
	cfg.Labelled, cfg.Unlabelled, cfg.Source, cfg.RareClass, cfg.RareTemperature = 0, 0, 8, true, 0.5
	f := open(t, cfg)

	// Independent count of the label maps, and DAFormer's equation as written.
	var pixels [classes]float64
	total := 0.
	for _, s := range f.samples[semidavil.SourceTrain] {
		p := new(picture)
		if err := f.decode(p, s, new(tools)); err != nil {
			t.Fatal(err)
		}
		for _, id := range p.label.Pix {
			pixels[id]++
			total++
		}
	}
	var want [classes]float64
	sum := 0.
	for c, n := range pixels {
		if n > 0 {
			want[c] = math.Exp((1 - n/total) / cfg.RareTemperature)
			sum += want[c]
		}
	}
	const n = 20000
	var got [classes]float64
	images := map[string]bool{}
	for slot := range uint64(n) {
		c, s := f.rare.draw(augment.Rand(cfg.Seed, "source", "rare class", slot))
		got[c]++
		if c == 3 {
			images[s.key] = true
			if s.pixels[3] != 24*24 {
				t.Fatalf("%s drawn for %d pixels of class 3", s.key, s.pixels[3])
			}
		}
	}
	for c := range classes {
		if p := want[c] / sum; math.Abs(got[c]/n-p) > 5*math.Sqrt(p/n)+1e-9 {
			t.Errorf("class %d drawn with %g, want %g", c, got[c]/n, p)
		}
	}
	if len(images) != 5 {
		t.Errorf("class 3: %d images, want 5", len(images))
	}

	// Crops: class 3 is in 10 images of 40, in a corner that a random crop of the
	// rest mostly misses.
	share := func(rare bool) float64 {
		c := cfg
		c.RareClass = rare
		f := open(t, c)
		shown := 0
		for step := range 40 {
			b := batch(t, f, step)
			area := cfg.CropW * cfg.CropH
			for j := range b.Keys {
				for _, id := range bytesOf(b.Labels)[j*area : (j+1)*area] {
					if id == 3 {
						shown++
						break
					}
				}
			}
		}
		return float64(shown) / float64(40*cfg.Source)
	}
	with, without := share(true), share(false)
	if p := want[3] / sum; with < 0.8*p || without > 0.12 {
		t.Errorf("class 3 is in %g of the crops with sampling, %g without; it is drawn with %g", with, without, p)
	}
}

// TestRareFallback: a class that no image shows enough of is drawn from those that
// show it at all.
func TestRareFallback(t *testing.T) {
	few := &sample{key: "few", w: 1000, h: 1000, pixels: []uint64{999990, 10}}
	none := &sample{key: "none", w: 1000, h: 1000, pixels: []uint64{1000000, 0}}
	r, err := newRareClasses([]*sample{few, none}, []float64{0.999995, 0.000005}, 0.01)
	if err != nil || len(r.images[1]) != 1 || r.images[1][0] != few || len(r.images[0]) != 2 {
		t.Errorf("%v %v", r, err)
	}
	if _, err := newRareClasses([]*sample{{pixels: []uint64{0, 0}}}, []float64{0, 0}, 0.01); err == nil {
		t.Error("no class at all accepted")
	}
	for range 100 {
		if c, s := r.draw(rand.New(rand.NewPCG(1, 1))); c == 1 && s != few {
			t.Error("an image without the class")
		}
	}
}

// TestBalanced: crops for ClassMix are not of one class.
func TestBalanced(t *testing.T) {
	for _, c := range []struct {
		counts []int
		want   bool
	}{{[]int{10}, false}, {[]int{76, 24}, false}, {[]int{75, 25}, false}, {[]int{74, 26}, true}, {[]int{0, 50, 50}, true}, {nil, false}} {
		var counts [256]int
		copy(counts[:], c.counts)
		counts[semidavil.Ignore] = 1000
		if balanced(&counts, classes) != c.want {
			t.Errorf("%v: %v", c.counts, !c.want)
		}
	}
	cfg := testConfig(pack(t, town(t), 16).write(t))
	cfg.Strong, cfg.Source = ClassMix, 8
	f := open(t, cfg)
	area, good := cfg.CropW*cfg.CropH, 0
	for step := range 20 {
		b := batch(t, f, step)
		for j := range cfg.Source {
			var counts [256]int
			for _, id := range bytesOf(b.Labels)[j*area : (j+1)*area] {
				counts[id]++
			}
			if balanced(&counts, classes) {
				good++
			}
		}
	}
	if good < 20*cfg.Source*8/10 { // a quarter without
		t.Errorf("%d of %d crops are balanced", good, 20*cfg.Source)
	}
}
