package loader

import (
	"context"
	"os"
	"testing"

	"semidavil"
	"semidavil/transforms/shards"
)

// BenchmarkMiniCity makes batches of 4+4+4 crops of 128x64 from the output of
// prepare that SEMIDAVIL_SHARDS names, decoded images in memory.
func BenchmarkMiniCity(b *testing.B) {
	dir := os.Getenv("SEMIDAVIL_SHARDS")
	if dir == "" {
		b.Skip("SEMIDAVIL_SHARDS names no output of prepare")
	}
	for _, strong := range []string{CutMix, ClassMix, None} {
		b.Run(strong, func(b *testing.B) {
			cfg := Config{Dir: dir, Seed: 1, CropW: 128, CropH: 64, Source: 4, Labelled: 4, Unlabelled: 4, Strong: strong, RareClass: true, Flip: true, Workers: 1}
			benchmark(b, cfg, 160)
		})
	}
}

// Benchmark512 makes batches of 4+4+4 crops of 512x512 from images of 1280x760 of
// which each subset has two: from memory, and decoded anew each time.
func Benchmark512(b *testing.B) {
	var samples []shards.Sample
	for n := range 6 {
		img, label := drawn(1280, 760, n)
		for i := range img.Pix { // noise, so that inflating takes its time
			img.Pix[i] = uint8(i/7+i%1280/5) + uint8((uint32(i)*2654435761^uint32(i/11)*40503*65537)>>27)
		}
		s := made(b, semidavil.Subsets[n%3], 1280, 760, n, img, label)
		b.Logf("image of %d bytes", len(s.Image))
		samples = append(samples, s)
	}
	dir := pack(b, samples, 2).write(b)
	for _, c := range []struct {
		name  string
		cache int64
	}{{"memory", 0}, {"decode", -1}} {
		for _, strong := range []string{CutMix, ClassMix} {
			b.Run(c.name+"/"+strong, func(b *testing.B) {
				benchmark(b, Config{Dir: dir, Seed: 1, CropW: 512, CropH: 512, Source: 4, Labelled: 4, Unlabelled: 4, Strong: strong,
					RareClass: true, Flip: true, Workers: 1, CacheBytes: c.cache}, 2)
			})
		}
	}
}

func benchmark(b *testing.B, cfg Config, warm int) {
	f, err := Open(context.Background(), cfg)
	if err != nil {
		b.Fatal(err)
	}
	defer f.Close()
	for step := range warm {
		batch(b, f, step)
	}
	step := warm
	for b.Loop() {
		batch(b, f, step)
		step++
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "batches/s")
}
