package augment

import (
	"bytes"
	"math"
	"testing"
)

func TestDrawBox(t *testing.T) {
	for _, size := range [][2]int{{512, 512}, {128, 64}, {64, 128}, {33, 47}} {
		w, h := size[0], size[1]
		var area, least, most float64
		least = 1
		const n = 4000
		for i := range n {
			b := DrawBox(Rand(3, "k", "box", uint64(i)), w, h)
			if b.X < 0 || b.Y < 0 || b.X+b.W > w || b.Y+b.H > h || b.W == 0 || b.H == 0 {
				t.Fatalf("%dx%d: %+v", w, h, b)
			}
			share := float64(b.W*b.H) / float64(w*h)
			area += share / n
			least, most = min(least, share), max(most, share)
			aspect := float64(b.H) / float64(b.W)
			if w > 100 && (aspect < 0.3*0.85 || aspect > 1/0.3*1.18) { // rounding of small boxes
				t.Errorf("%dx%d: %+v has aspect %g", w, h, b, aspect)
			}
		}
		// Rounding down makes boxes a little smaller than drawn.
		if math.Abs(area-0.21) > 0.02 || least > 0.022 || most < 0.37 || most > 0.4 {
			t.Errorf("%dx%d: area %g, %g to %g", w, h, area, least, most)
		}
	}
	if b := DrawBox(Rand(3, "k", "box", 0), 4000, 1); b != (Box{}) && b.H > 1 {
		t.Errorf("oblong view: %+v", b)
	}
}

func TestBoxPaste(t *testing.T) {
	const w, h = 5, 4
	dst, src, mask := make([]uint8, 3*w*h), bytes.Repeat([]byte{9}, 3*w*h), make([]uint8, w*h)
	b := Box{X: 1, Y: 2, W: 3, H: 2}
	b.Paste(dst, src, w, 3)
	b.Fill(mask, w, 9)
	for y := range h {
		for x := range w {
			want := uint8(0)
			if x >= 1 && x < 4 && y >= 2 {
				want = 9
			}
			for c := range 3 {
				if dst[3*(w*y+x)+c] != want || mask[w*y+x] != want {
					t.Fatalf("wrong at %d,%d", x, y)
				}
			}
		}
	}
	Box{}.Paste(dst, src, w, 3)
}

func TestDrawClasses(t *testing.T) {
	label := []uint8{0, 0, 4, 255, 18, 4, 7}
	var times [256]int
	const n = 5000
	for i := range n {
		drawn := DrawClasses(Rand(1, "k", "classes", uint64(i)), label)
		count := 0
		for id, ok := range drawn {
			if ok {
				times[id]++
				count++
			}
		}
		if count != 3 { // ⌈5/2⌉
			t.Fatalf("%d classes", count)
		}
	}
	for _, id := range []int{0, 4, 7, 18, 255} {
		if math.Abs(float64(times[id])/n-0.6) > 0.05 {
			t.Errorf("class %d drawn %d times of %d, want 3 of 5", id, times[id], n)
		}
	}
	one := DrawClasses(Rand(1, "k", "classes", 0), []uint8{7, 7})
	if !one[7] {
		t.Error("the only class was not drawn")
	}
}

func TestClassesPaste(t *testing.T) {
	var c Classes
	c[3], c[255] = true, true
	label := []uint8{3, 1, 255, 3}
	dst, mask := make([]uint8, 12), make([]uint8, 4)
	c.Paste(dst, []uint8{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}, label, 3)
	c.Fill(mask, label, 2)
	if !bytes.Equal(dst, []uint8{1, 2, 3, 0, 0, 0, 7, 8, 9, 10, 11, 12}) || !bytes.Equal(mask, []uint8{2, 0, 2, 2}) {
		t.Errorf("%v %v", dst, mask)
	}
}
