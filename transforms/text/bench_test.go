package text

import (
	"fmt"
	"testing"
)

// benchCaptions are about as long as those of a captioner, 60 to 110 bytes.
func benchCaptions(unicode bool) []string {
	captions := streetCaptions()[:96]
	if unicode {
		for i, c := range captions {
			captions[i] = "“" + c + "” – it’s a café"
		}
	}
	return captions
}

func benchmarkFrame(b *testing.B, tok *Tokenizer, captions []string) {
	b.ReportAllocs()
	n := 0
	for b.Loop() {
		tok.Frame(captions[n%len(captions)])
		n++
	}
	b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "captions/s")
}

func BenchmarkFrameSmall(b *testing.B) {
	benchmarkFrame(b, smallTokenizer(b), benchCaptions(false))
}

func BenchmarkFrameCLIP(b *testing.B) {
	tok := clipTokenizer(b)
	b.Run("ascii", func(b *testing.B) { benchmarkFrame(b, tok, benchCaptions(false)) })
	b.Run("unicode", func(b *testing.B) { benchmarkFrame(b, tok, benchCaptions(true)) })
	b.Run("uncached", func(b *testing.B) {
		b.ReportAllocs()
		captions := benchCaptions(false)
		n := 0
		for b.Loop() {
			tok.cache = newWordCache()
			tok.Frame(captions[n%len(captions)])
			n++
		}
		b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "captions/s")
	})
	b.Run("parallel", func(b *testing.B) {
		captions := benchCaptions(false)
		b.RunParallel(func(pb *testing.PB) {
			for n := 0; pb.Next(); n++ {
				tok.Frame(captions[n%len(captions)])
			}
		})
		b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "captions/s")
	})
}

func BenchmarkTrain(b *testing.B) {
	for _, size := range []int{700, 2000} {
		b.Run(fmt.Sprintf("vocab=%d", size), func(b *testing.B) {
			for b.Loop() {
				if _, err := train(streetCaptions(), size); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkLoadCLIP(b *testing.B) {
	for b.Loop() {
		clipTokenizer(b)
	}
}
