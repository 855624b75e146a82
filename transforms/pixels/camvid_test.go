package pixels

import (
	"os"
	"path/filepath"
	"testing"

	"semidavil/internal/fixture"
	"semidavil/transforms/pixels/fastpng"
)

// TestRealFiles compares with image/png on frames and labels of CamVid.
func TestRealFiles(t *testing.T) {
	var c Codec
	var e fastpng.Encoder
	for _, dir := range []string{"val", "valannot"} {
		files, err := filepath.Glob(filepath.Join(fixture.Data(t, "camvid", dir), "*.png"))
		if err != nil || len(files) == 0 {
			t.Fatalf("%s: %d files, %v", dir, len(files), err)
		}
		for _, name := range files[:min(5, len(files))] {
			data, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			checkDecode(t, &c, data)
			img, err := c.DecodeRGB(data)
			if err != nil {
				t.Fatal(err)
			}
			again, err := e.EncodePNG(nil, img, fastpng.Fast)
			if err != nil {
				t.Fatal(err)
			}
			checkDecode(t, &c, again)
			t.Logf("%s: %d bytes, as fastpng.RGB at level fast %d", filepath.Base(name), len(data), len(again))
		}
	}
}
