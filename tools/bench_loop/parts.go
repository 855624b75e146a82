package main

import (
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"semidavil"
	"semidavil/transforms/labels"
	"semidavil/transforms/metrics"
	"semidavil/transforms/pixels"
	"semidavil/transforms/pixels/fastpng"
)

// kept is the number of pairs that stay decoded; counting goes round them.
const kept = 50

// pair is one label with its prediction: files, rasters, train ids.
type pair struct {
	files [2][]byte
	ids   [2]fastpng.IDs
	maps  [2]*semidavil.LabelMap
}

// parts does one after the other, and for all pairs, what evaluate does to each: it
// reads the files, decodes them, maps ids to train ids and counts. It prints the wall
// and CPU seconds of each.
func parts(dir string, workers int) error {
	names, err := filepath.Glob(filepath.Join(dir, "results", "*.png"))
	if err != nil {
		return fmt.Errorf("predictions in %s: %w", dir, err)
	}
	if len(names) == 0 {
		return fmt.Errorf("no predictions in %s", dir)
	}
	n := len(names)
	pairs := make([]pair, n)
	codecs := make([]pixels.Codec, workers)
	table := labels.CityscapesIDs()
	at := func(i int) *pair { return &pairs[i%min(n, kept)] }
	var mu sync.Mutex
	sum := metrics.Tally{Confusion: metrics.NewConfusion(semidavil.Cityscapes19.Len())}
	for _, part := range []struct {
		name string
		do   func(worker, i int) error
	}{
		{"read", func(_, i int) (err error) {
			_, label, prediction := files(dir, i)
			if pairs[i].files[0], err = os.ReadFile(label); err != nil {
				return err
			}
			pairs[i].files[1], err = os.ReadFile(prediction)
			return err
		}},
		{"decode", func(worker, i int) error {
			for j, data := range pairs[i].files {
				ids, err := codecs[worker].DecodeIDs(data)
				if err != nil {
					return err
				}
				if i < kept { // the codec decodes into its own buffer
					ids.Pix8 = append([]uint8(nil), ids.Pix8...)
					pairs[i].ids[j] = ids
				}
			}
			return nil
		}},
		{"map", func(_, i int) error {
			for j, ids := range at(i).ids {
				m := semidavil.NewLabelMap(ids.W, ids.H)
				if err := labels.Remap(m, ids, table); err != nil {
					return err
				}
				if i < kept {
					pairs[i].maps[j] = m
				}
			}
			return nil
		}},
		{"count", func(_, i int) error {
			one := metrics.Tally{Confusion: metrics.NewConfusion(semidavil.Cityscapes19.Len())}
			if err := one.Add(at(i).maps[0].Pix, at(i).maps[1].Pix, nil); err != nil {
				return err
			}
			mu.Lock()
			defer mu.Unlock()
			return sum.Merge(one)
		}},
	} {
		wall, cpu, err := timed(workers, n, part.do)
		if err != nil {
			return fmt.Errorf("%s: %w", part.name, err)
		}
		fmt.Printf("%-7s %d pairs, %d goroutines: %.2f s wall, %.2f s CPU\n", part.name, n, workers, wall, cpu)
	}
	fmt.Printf("mean IoU %v\n", metrics.Mean(sum.Confusion.IoU(), metrics.Rules(semidavil.Cityscapes19)[0].Classes))
	return nil
}

// timed calls do for 0 to n-1 in as many goroutines.
func timed(workers, n int, do func(worker, i int) error) (wall, cpu float64, err error) {
	work := make(chan int)
	var wait sync.WaitGroup
	var mu sync.Mutex
	start, before := time.Now(), cpuSeconds()
	for worker := range workers {
		wait.Go(func() {
			for i := range work {
				if e := do(worker, i); e != nil {
					mu.Lock()
					err = e
					mu.Unlock()
				}
			}
		})
	}
	for i := range n {
		work <- i
	}
	close(work)
	wait.Wait()
	return time.Since(start).Seconds(), cpuSeconds() - before, err
}

// cpuSeconds are those of this process, in user and system mode.
func cpuSeconds() float64 {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano()).Seconds()
}
