package loader

import (
	"context"
	"errors"
	"math"
	"runtime"
	"slices"
	"testing"
	"time"
)

// TestPermute: a bijection for every size, and every position goes everywhere about
// equally often over the keys.
func TestPermute(t *testing.T) {
	for _, n := range []uint64{1, 2, 3, 4, 5, 7, 16, 17, 64, 65, 240, 1000, 4097} {
		for key := range uint64(20) {
			seen := make([]bool, n)
			for i := range n {
				at := permute(i, n, key*key)
				if at >= n || seen[at] {
					t.Fatalf("n %d key %d: %d goes to %d again", n, key, i, at)
				}
				seen[at] = true
			}
		}
	}
	for _, n := range []uint64{2, 3, 5, 10, 33} {
		const keys = 20000
		table := make([]float64, n*n)
		pairs := make([]float64, n)
		for key := range uint64(keys) {
			for i := range n {
				table[i*n+permute(i, n, key*0x9e3779b97f4a7c15)]++
			}
			// Neighbours must not stay neighbours.
			pairs[(permute(1, n, key*0x9e3779b97f4a7c15)+n-permute(0, n, key*0x9e3779b97f4a7c15))%n]++
		}
		want := keys / float64(n)
		for i, got := range table {
			if math.Abs(got-want) > 5*math.Sqrt(want) {
				t.Errorf("n %d: %d to %d: %g times, want %g", n, i/int(n), i%int(n), got, want)
			}
		}
		for d, got := range pairs[1:] {
			if want := keys / float64(n-1); n > 2 && math.Abs(got-want) > 6*math.Sqrt(want)+0.03*want {
				t.Errorf("n %d: neighbours are %d apart %g times, want %g", n, d+1, got, want)
			}
		}
	}
}

// TestEpochs: each sample once per epoch, in another order each time.
func TestEpochs(t *testing.T) {
	cfg := testConfig(pack(t, street(t, 7, 5, 6, 0), 4).write(t))
	f := open(t, cfg)
	var source, labelled, unlabelled []string
	for step := range 35 {
		b := batch(t, f, step)
		source = append(source, b.Keys[:cfg.Source]...)
		labelled = append(labelled, b.Keys[cfg.Source:]...)
		unlabelled = append(unlabelled, b.UKeys...)
	}
	for n, keys := range map[int][]string{7: source, 5: labelled, 6: unlabelled} {
		var orders [][]string
		for len(keys) >= n {
			epoch := keys[:n]
			keys = keys[n:]
			if slices.ContainsFunc(orders, func(o []string) bool { return slices.Equal(o, epoch) }) {
				t.Logf("%d samples: an order came twice", n)
			}
			orders = append(orders, epoch)
			sorted := slices.Clone(epoch)
			slices.Sort(sorted)
			if len(slices.Compact(sorted)) != n {
				t.Errorf("%d samples: epoch %v", n, epoch)
			}
		}
		if slices.Equal(orders[0], orders[1]) && slices.Equal(orders[1], orders[2]) {
			t.Errorf("%d samples: no new order", n)
		}
	}
}

// TestAllLabelled: where every target image is labelled, the unlabelled stream takes
// the labelled ones, in an order and with crops of its own.
func TestAllLabelled(t *testing.T) {
	cfg := testConfig(pack(t, street(t, 2, 4, 0, 0), 4).write(t))
	cfg.Labelled, cfg.Unlabelled, cfg.Strong = 4, 4, None
	b := batch(t, open(t, cfg), 0)
	l, u := slices.Sorted(slices.Values(b.Keys[cfg.Source:])), slices.Sorted(slices.Values(b.UKeys))
	if !slices.Equal(l, u) {
		t.Errorf("%v and %v", l, u)
	}
	if area := 3 * cfg.CropW * cfg.CropH; slices.Equal(bytesOf(b.Images)[cfg.Source*area:], bytesOf(b.Weak)) {
		t.Error("both streams cut alike")
	}
}

func TestOrdered(t *testing.T) {
	before := runtime.NumGoroutine()
	slow := func(_ context.Context, n int) (int, error) {
		time.Sleep(time.Duration(n%3) * time.Millisecond)
		if n == 13 {
			return 0, errors.New("thirteen")
		}
		return n, nil
	}
	collect := func(ctx context.Context, first, end, stop int) (got []int, err error) {
		for v, err := range ordered(ctx, Config{Workers: 3, Prefetch: 2}, first, end, slow) {
			if err != nil {
				return got, err
			}
			if got = append(got, v); v == stop {
				break
			}
		}
		return got, nil
	}
	ctx := context.Background()
	if got, err := collect(ctx, 2, 9, -1); err != nil || !slices.Equal(got, []int{2, 3, 4, 5, 6, 7, 8}) {
		t.Errorf("%v %v", got, err)
	}
	if got, err := collect(ctx, 10, endless, -1); err == nil || err.Error() != "thirteen" || !slices.Equal(got, []int{10, 11, 12}) {
		t.Errorf("%v %v", got, err)
	}
	if got, err := collect(ctx, 14, endless, 15); err != nil || !slices.Equal(got, []int{14, 15}) {
		t.Errorf("%v %v", got, err)
	}
	if got, err := collect(ctx, 3, 3, -1); err != nil || len(got) != 0 {
		t.Errorf("%v %v", got, err)
	}
	timed, cancel := context.WithTimeout(ctx, 20*time.Millisecond)
	defer cancel()
	if _, err := collect(timed, 20, endless, -1); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%v", err)
	}
	for range 100 { // ended goroutines may be counted a moment longer
		if runtime.NumGoroutine() <= before {
			return
		}
		time.Sleep(time.Millisecond)
	}
	t.Errorf("%d goroutines, %d before", runtime.NumGoroutine(), before)
}
