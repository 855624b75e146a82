package loader

import (
	"bytes"
	"context"
	"testing"

	"gorgonia.org/tensor"

	"semidavil"
	"semidavil/transforms/augment"
)

func (b *Batch) arrays() []*tensor.Dense {
	return []*tensor.Dense{b.Images, b.Labels, b.Weak, b.Strong, b.Valid, b.Mix, b.Paste}
}

func bytesOf(d *tensor.Dense) []uint8 { return d.Data().([]uint8) }

// TestSameBatches: whatever the workers, the prefetch, the first step, the shards
// and the cache, a step has the same bytes.
func TestSameBatches(t *testing.T) {
	samples := street(t, 7, 5, 6, 2)
	for _, strong := range []string{CutMix, CowMix, ClassMix, None} {
		cfg := testConfig(pack(t, samples, 100).write(t))
		cfg.Strong = strong
		var want []string
		first := open(t, cfg)
		for step := range 8 {
			want = append(want, sum(batch(t, first, step)))
		}
		other := pack(t, samples, 2).write(t)
		for _, c := range []struct {
			workers, prefetch, first int
			cache                    int64
			dir                      string
		}{{1, 1, 0, 0, cfg.Dir}, {3, 5, 0, -1, other}, {2, 1, 5, 20000, other}, {4, 2, 3, 0, cfg.Dir}} {
			v := cfg
			v.Dir, v.Workers, v.Prefetch, v.CacheBytes = c.dir, c.workers, c.prefetch, c.cache
			step := c.first
			for b, err := range open(t, v).Batches(context.Background(), step) {
				if err != nil {
					t.Fatal(err)
				}
				if sum(b) != want[step] {
					t.Errorf("%s %+v: step %d differs", strong, c, step)
				}
				if step++; step == len(want) {
					break
				}
			}
		}
		v := cfg
		v.Seed++
		if sum(batch(t, open(t, v), 0)) == want[0] || want[0] == want[1] {
			t.Errorf("%s: another seed or step gives the same batch", strong)
		}
	}
}

// TestGoldenBatch freezes what a seed means. A change here changes every run.
func TestGoldenBatch(t *testing.T) {
	dir := pack(t, street(t, 7, 5, 6, 2), 3).write(t)
	for strong, want := range map[string]string{
		CutMix:   "8dedc7a538b6b392e127bcbf692e0f914da5e131ddfb806aa7447065897ed0ee",
		ClassMix: "a9b6564d8b8f94affc86e650d6ced50351a559b5fb7ad60d01f51f241253b518",
		None:     "baa4b1184913cdf14cf8715a3c3c0957e640a6b7c1f09731aa6004df12df61fd",
	} {
		cfg := testConfig(dir)
		cfg.Strong, cfg.RareClass = strong, true
		if got := sum(batch(t, open(t, cfg), 3)); got != want {
			t.Errorf("%s: %s", strong, got)
		}
	}
}

// TestGeometry reads in the pixels where they come from: images and labels, weak and
// strong views are cut alike, padding is where it must be.
func TestGeometry(t *testing.T) {
	cfg := testConfig(pack(t, street(t, 7, 5, 6, 2), 4).write(t))
	cfg.Strong = None
	f := open(t, cfg)
	flipped, padded := 0, 0
	for step := range 20 {
		b := batch(t, f, step)
		if !bytes.Equal(bytesOf(b.Weak), bytesOf(b.Strong)) {
			t.Fatalf("step %d: weak and strong differ", step)
		}
		check := func(img []uint8, inside func(i int, colour []uint8) bool) {
			t.Helper()
			for i := range cfg.CropW * cfg.CropH {
				p := img[3*i : 3*i+3]
				if !inside(i, p) {
					if padded++; [3]uint8(p) != augment.Mean {
						t.Fatalf("step %d: pixel %d: %v is no padding", step, i, p)
					}
					continue
				}
				if i%cfg.CropW == 0 {
					continue
				}
				left := img[3*i-3 : 3*i]
				if left[2] != p[2] {
					continue // padding
				}
				switch {
				case p[1] != left[1] || p[0] != left[0]+1 && p[0] != left[0]-1:
					t.Fatalf("step %d: pixel %d: %v beside %v", step, i, p, left)
				case p[0] < left[0]:
					flipped++
				}
			}
		}
		area := cfg.CropW * cfg.CropH
		for j := range b.Keys {
			label := bytesOf(b.Labels)[j*area:]
			check(bytesOf(b.Images)[3*j*area:], func(i int, c []uint8) bool {
				if [3]uint8(c) == augment.Mean {
					if label[i] != semidavil.Ignore {
						t.Fatalf("step %d: padding has label %d", step, label[i])
					}
					return false
				}
				if want := idAt(int(c[2]), int(c[0]), int(c[1])); label[i] != want {
					t.Fatalf("step %d: label %d, want %d", step, label[i], want)
				}
				return true
			})
		}
		for j := range b.UKeys {
			valid := bytesOf(b.Valid)[j*area:]
			check(bytesOf(b.Weak)[3*j*area:], func(i int, _ []uint8) bool { return valid[i] == 1 })
		}
		for i, m := range bytesOf(b.Mix) {
			if m != 0 || bytesOf(b.Paste)[i] != semidavil.Ignore {
				t.Fatal("without mixing, Mix is 0 and Paste 255")
			}
		}
	}
	if flipped == 0 || padded == 0 {
		t.Errorf("%d pixels mirrored, %d padded", flipped, padded)
	}
}

// recoloured applies the drawn colour changes of unlabelled image j to an image.
func recoloured(t *testing.T, cfg Config, r augment.Recipe, b *Batch, step, j int, pix []uint8) []uint8 {
	t.Helper()
	img := &semidavil.Image{W: cfg.CropW, H: cfg.CropH, Pix: bytes.Clone(pix)}
	rng := augment.Rand(cfg.Seed, b.UKeys[j], "colours", uint64(step*cfg.Unlabelled+j))
	if err := r.Draw(rng).Apply(img, nil); err != nil {
		t.Fatal(err)
	}
	return img.Pix
}

// TestCutMix rebuilds strong views pixel by pixel from the weak ones and Mix.
func TestCutMix(t *testing.T) {
	cfg := testConfig(pack(t, street(t, 7, 5, 6, 2), 4).write(t))
	f := open(t, cfg)
	area, mixed, last := cfg.CropW*cfg.CropH, 0, 0
	const steps = 25
	for step := range steps {
		b := batch(t, f, step)
		views := make([][]uint8, cfg.Unlabelled)
		whole := make([][]uint8, cfg.Unlabelled) // 1 inside the image
		for j := range views {
			views[j] = recoloured(t, cfg, augment.UniMatch(), b, step, j, bytesOf(b.Weak)[3*j*area:3*(j+1)*area])
			for i := range area {
				inside := uint8(1)
				if [3]uint8(bytesOf(b.Weak)[3*(j*area+i):]) == augment.Mean {
					inside = 0
				}
				whole[j] = append(whole[j], inside)
			}
		}
		for j := range views {
			boxes := 0
			for i := range area {
				at := j*area + i
				from := j
				switch bytesOf(b.Mix)[at] {
				case 0:
				case 1:
					from = (j + 1) % cfg.Unlabelled
					boxes++
				default:
					t.Fatalf("Mix %d", bytesOf(b.Mix)[at])
				}
				if [3]uint8(bytesOf(b.Strong)[3*at:]) != [3]uint8(views[from][3*i:]) || bytesOf(b.Valid)[at] != whole[from][i] {
					t.Fatalf("step %d image %d pixel %d: not that of image %d", step, j, i, from)
				}
			}
			if boxes > 0 {
				if mixed++; j == cfg.Unlabelled-1 {
					last++
				}
			}
		}
	}
	if n := steps * cfg.Unlabelled; mixed < n/3 || mixed > 2*n/3 || last == 0 {
		t.Errorf("%d of %d images have a box, %d of them the last of their batch", mixed, n, last)
	}
	cfg.Unlabelled = 1 // nothing to paste from
	b := batch(t, open(t, cfg), 0)
	if slicesMax(bytesOf(b.Mix)) != 0 || bytes.Equal(bytesOf(b.Weak), bytesOf(b.Strong)) && bytes.Equal(bytesOf(b.Weak), bytesOf(batch(t, open(t, cfg), 1).Strong)) {
		t.Error("an image alone in its batch")
	}
}

func slicesMax(p []uint8) (most uint8) {
	for _, v := range p {
		most = max(most, v)
	}
	return most
}

// TestClassMix rebuilds strong views from the weak ones, the source images and Mix.
func TestClassMix(t *testing.T) {
	cfg := testConfig(pack(t, street(t, 7, 5, 6, 2), 4).write(t))
	cfg.Strong = ClassMix
	f := open(t, cfg)
	area := cfg.CropW * cfg.CropH
	for step := range 10 {
		b := batch(t, f, step)
		for j := range cfg.Unlabelled {
			k := j % cfg.Source
			source, label := bytesOf(b.Images)[3*k*area:], bytesOf(b.Labels)[k*area:]
			mixed := bytes.Clone(bytesOf(b.Weak)[3*j*area : 3*(j+1)*area])
			var kinds, taken, left [256]bool
			for i := range area {
				at := j*area + i
				kinds[label[i]] = true
				origin := bytesOf(b.Weak)[3*at:]
				switch bytesOf(b.Mix)[at] {
				case 0:
					left[label[i]] = true
					if bytesOf(b.Paste)[at] != semidavil.Ignore {
						t.Fatal("Paste has a label where nothing is pasted")
					}
				case 2:
					taken[label[i]] = true
					origin = source[3*i:]
					copy(mixed[3*i:3*i+3], origin)
					if bytesOf(b.Paste)[at] != label[i] {
						t.Fatalf("label %d pasted, want %d", bytesOf(b.Paste)[at], label[i])
					}
				default:
					t.Fatalf("Mix %d", bytesOf(b.Mix)[at])
				}
				if inside := [3]uint8(origin) != augment.Mean; inside != (bytesOf(b.Valid)[at] == 1) {
					t.Fatalf("step %d image %d pixel %d: wrong Valid", step, j, i)
				}
			}
			k, n := 0, 0
			for id := range kinds {
				if taken[id] && left[id] {
					t.Fatalf("class %d is pasted in part", id)
				}
				if kinds[id] {
					k++
				}
				if taken[id] {
					n++
				}
			}
			if n != (k+1)/2 {
				t.Errorf("%d of %d classes pasted", n, k)
			}
			if !bytes.Equal(recoloured(t, cfg, augment.DACS(), b, step, j, mixed), bytesOf(b.Strong)[3*j*area:3*(j+1)*area]) {
				t.Errorf("step %d image %d: another strong view", step, j)
			}
		}
	}
}

// TestStrongLeavesLabelled: only source crops are chosen for ClassMix.
func TestStrongLeavesLabelled(t *testing.T) {
	cfg := testConfig(pack(t, street(t, 4, 4, 2, 0), 4).write(t))
	cfg.CropW, cfg.CropH = 4, 3 // mostly of one class
	var want []string
	for _, strong := range []string{None, CutMix, ClassMix} {
		cfg.Strong = strong
		f := open(t, cfg)
		for step := range 6 {
			b := batch(t, f, step)
			got := string(bytesOf(b.Labels)[cfg.Source*4*3:]) + string(bytesOf(b.Weak))
			if strong == None {
				want = append(want, got)
			} else if got != want[step] {
				t.Errorf("%s: step %d: labelled images or weak views differ", strong, step)
			}
		}
	}
}

// TestParts: streams may be left out.
func TestParts(t *testing.T) {
	dir := pack(t, street(t, 4, 3, 2, 1), 4).write(t)
	for _, c := range []struct{ s, l, u int }{{2, 0, 0}, {0, 1, 0}, {0, 0, 3}, {1, 2, 0}, {0, 5, 7}} {
		cfg := testConfig(dir)
		cfg.Source, cfg.Labelled, cfg.Unlabelled = c.s, c.l, c.u
		b := batch(t, open(t, cfg), 4)
		if (b.Images == nil) != (c.s+c.l == 0) || (b.Weak == nil) != (c.u == 0) || len(b.Keys) != c.s+c.l || len(b.UKeys) != c.u {
			t.Errorf("%+v: %v %v", c, b.Keys, b.UKeys)
		}
		if b.Images != nil && !b.Images.Shape().Eq(tensor.Shape{c.s + c.l, cfg.CropH, cfg.CropW, 3}) {
			t.Errorf("%+v: %v", c, b.Images.Shape())
		}
		if b.Mix != nil && !b.Mix.Shape().Eq(tensor.Shape{c.u, cfg.CropH, cfg.CropW}) {
			t.Errorf("%+v: %v", c, b.Mix.Shape())
		}
	}
}
