package weights

import (
	"runtime"
	"testing"

	"semidavil/model/clip"
)

// BenchmarkCLIP writes and reads ViT-B/16, 600 MB.
func BenchmarkCLIP(b *testing.B) {
	c := clip.Config{ImageSize: 224, PatchSize: 16, VisionWidth: 768, VisionLayers: 12, VisionHeads: 12,
		TextWidth: 512, TextLayers: 12, TextHeads: 8, Context: 77, Vocab: 49408, Embed: 512}
	dir := b.TempDir()
	values := counted(c)
	const bytes = 4 * 149_620_737
	for _, naming := range []string{HF, OpenAI} {
		run := func(name string, f func() error) {
			b.Run(name+"/vitb16/"+naming, func(b *testing.B) {
				b.SetBytes(bytes)
				var before, after runtime.MemStats
				runtime.GC()
				runtime.ReadMemStats(&before)
				for b.Loop() {
					if err := f(); err != nil {
						b.Fatal(err)
					}
				}
				runtime.ReadMemStats(&after)
				b.ReportMetric(float64(after.TotalAlloc-before.TotalAlloc)/float64(b.N)/1e6, "MB-allocated/op")
			})
		}
		run("export", func() error { return ExportCLIP(b.Context(), dir, c, values, naming) })
		run("load", func() error {
			_, _, err := LoadCLIP(b.Context(), dir)
			return err
		})
	}
}
