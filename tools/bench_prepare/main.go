// Command bench_prepare makes the input of the throughput figures in
// docs/BENCHMARKS.md and runs the plain loop that prepare is compared with:
//
//	go run ./tools/bench_prepare scenes DIR DISTINCT TOTAL
//	go run ./tools/bench_prepare loop DIR OUT.tar WORKERS
//
// The scenes are MiniCity's at 2048x1024 in the layout of Cityscapes, DISTINCT
// drawn ones linked to TOTAL names.
package main

import (
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"sync"
	"time"

	"semidavil"
	"semidavil/transforms/datasets"
	"semidavil/transforms/datasets/minicity"
	"semidavil/transforms/pixels/fastpng"
	"semidavil/transforms/pixels/resize"
	"semidavil/transforms/samples"
	"semidavil/transforms/shards"
)

func main() {
	err := fmt.Errorf("usage: bench_prepare scenes DIR DISTINCT TOTAL | loop DIR OUT.tar WORKERS")
	if len(os.Args) == 5 {
		switch os.Args[1] {
		case "scenes":
			err = scenes(os.Args[2], atoi(os.Args[3]), atoi(os.Args[4]))
		case "loop":
			err = loop(os.Args[2], os.Args[3], atoi(os.Args[4]))
		}
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func atoi(s string) int {
	n, err := strconv.Atoi(s)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	return n
}

// paths of image and label number i.
func paths(dir string, i int) (image, label string) {
	stem := fmt.Sprintf("train/bench/bench_%06d_000019", i)
	return filepath.Join(dir, "leftImg8bit", stem+"_leftImg8bit.png"), filepath.Join(dir, "gtFine", stem+"_gtFine_labelIds.png")
}

func scenes(dir string, distinct, total int) error {
	var wait sync.WaitGroup
	slots := make(chan struct{}, runtime.GOMAXPROCS(0))
	errs := make([]error, distinct)
	for i := range distinct {
		wait.Add(1)
		slots <- struct{}{}
		go func() {
			defer wait.Done()
			defer func() { <-slots }()
			errs[i] = scene(dir, i)
		}()
	}
	wait.Wait()
	for i := range total {
		if i < distinct && errs[i] != nil {
			return errs[i]
		}
		if i < distinct {
			continue
		}
		image, label := paths(dir, i)
		fromImage, fromLabel := paths(dir, i%distinct)
		if err := os.Link(fromImage, image); err != nil && !os.IsExist(err) {
			return err
		}
		if err := os.Link(fromLabel, label); err != nil && !os.IsExist(err) {
			return err
		}
	}
	return nil
}

func scene(dir string, i int) error {
	image, label := paths(dir, i)
	if _, err := os.Stat(label); err == nil {
		return nil
	}
	img, ids, _ := minicity.NewScene(9, semidavil.Target, i).Render(2048, 1024)
	// Noise makes the files as hard to decode as photographs: about 2.5 MB.
	rng := rand.New(rand.NewPCG(9, uint64(i)))
	for j, p := range img.Pix {
		img.Pix[j] = uint8(min(255, max(0, int(p)+rng.IntN(7)-3)))
	}
	var e fastpng.Encoder
	data, err := e.EncodePNG(nil, img, fastpng.Default)
	if err != nil {
		return err
	}
	labelData, err := e.EncodeGrayPNG(nil, ids.W, ids.H, ids.Pix, fastpng.Default)
	if err != nil {
		return err
	}
	for _, file := range []struct {
		name string
		data []byte
	}{{image, data}, {label, labelData}} {
		if err := os.MkdirAll(filepath.Dir(file.name), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(file.name, file.data, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// loop does what prepare does to pixels, without Beam: one goroutine per worker,
// the samples of each into one tar file under a lock.
func loop(dir, out string, workers int) error {
	adapter, err := datasets.ByName("cityscapes")
	if err != nil {
		return err
	}
	var entries []datasets.Entry
	err = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			rel, _ := filepath.Rel(dir, path)
			entries = append(entries, datasets.Entry{Path: filepath.ToSlash(rel)})
		}
		return err
	})
	if err != nil {
		return err
	}
	refs, _, _ := datasets.Match(adapter, dir, semidavil.Target, entries)
	file, err := os.Create(out)
	if err != nil {
		return err
	}
	w := shards.NewWriter(file)
	start := time.Now()
	work := make(chan semidavil.Ref)
	var wait sync.WaitGroup
	var mu sync.Mutex
	var failed error
	for range workers {
		wait.Add(1)
		go func() {
			defer wait.Done()
			m := samples.Maker{Params: samples.Params{Filter: resize.Bicubic}}
			for ref := range work {
				made, err := makeOne(&m, adapter, ref)
				mu.Lock()
				for _, s := range made {
					if err == nil {
						err = w.Write(s)
					}
				}
				if err != nil {
					failed = err
				}
				mu.Unlock()
			}
		}()
	}
	for _, ref := range refs {
		work <- ref
	}
	close(work)
	wait.Wait()
	if failed != nil {
		return failed
	}
	if _, err := w.Close("bench", semidavil.Labelled); err != nil {
		return err
	}
	if err := file.Sync(); err != nil { // prepare does so too
		return err
	}
	took := time.Since(start)
	fmt.Printf("loop: %d images in %.2f s, %.1f images/s, %d workers\n", len(refs), took.Seconds(), float64(len(refs))/took.Seconds(), workers)
	return file.Close()
}

func makeOne(m *samples.Maker, adapter datasets.Adapter, ref semidavil.Ref) ([]shards.Sample, error) {
	in := samples.Input{Ref: ref, Subset: semidavil.Labelled, Adapter: adapter, Size: [2]int{1024, 512}, Caption: "a street", Tokens: []int32{1, 2}}
	var err error
	if in.Image, err = os.ReadFile(filepath.Join(ref.Root, ref.Image)); err != nil {
		return nil, err
	}
	if in.Label, err = os.ReadFile(filepath.Join(ref.Root, ref.Label)); err != nil {
		return nil, err
	}
	return m.Make(in)
}
