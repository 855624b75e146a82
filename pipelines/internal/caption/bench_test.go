package caption

import (
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"semidavil/internal/fixture"
	"semidavil/internal/fixture/trained"
	"semidavil/stages"
	"semidavil/transforms/datasets/minicity"
)

// BenchmarkCaption captions scenes of 2048x1024 with a tiny BLIP-2, with and without the sheet of
// thumbnails: what an image costs beside the network.
func BenchmarkCaption(b *testing.B) {
	const images = 24
	weights, root := trained.BLIP2Folder(b, 1), b.TempDir()
	for _, item := range minicity.Items(minicity.Options{Extra: images, W: 2048, H: 1024}) {
		files, _, err := item.Build()
		if err != nil {
			b.Fatal(err)
		}
		for name, data := range files {
			fixture.Write(b, root, name, data)
		}
	}
	for _, sheet := range []int{0, images} {
		b.Run(fmt.Sprint("sheet=", sheet), func(b *testing.B) {
			begin, size := cpu(b), int64(0)
			for b.Loop() {
				cfg := settings(b, root)
				cfg.Captions, cfg.CaptionWeights, cfg.CaptionBackend, cfg.Sheet = "blip2", weights, "go", sheet
				must(b, cfg)
				page, err := os.Stat(filepath.Join(cfg.Output, stages.SheetFile))
				if err != nil {
					b.Fatal(err)
				}
				size = page.Size()
			}
			b.ReportMetric((cpu(b)-begin).Seconds()*1e3/float64(b.N*images), "cpu-ms/image")
			b.ReportMetric(float64(size)/1e3/images, "page-kB/image")
		})
	}
}

// cpu is what the process has computed, whatever else the machine did.
func cpu(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
