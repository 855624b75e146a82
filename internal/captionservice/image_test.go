package captionservice

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"image"
	"image/color"
	"image/png"
	"net/http"
	"strings"
	"testing"
)

func pngFile(t testing.TB, w, h int) []byte {
	t.Helper()
	img := image.NewNRGBA(image.Rect(0, 0, w, h))
	for i := range w * h {
		img.Set(i%w, i/w, color.NRGBA{200, 30, 60, 255})
	}
	var buf bytes.Buffer
	if err := png.Encode(&buf, img); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

func TestHTTPImage(t *testing.T) {
	c, req, _ := asker(t, Endpoint{}, func(w http.ResponseWriter, r *http.Request) { answer(w, "Fine.") })
	boom := errors.New("boom")
	for what, read := range map[string]func(context.Context) ([]byte, error){
		"none":    nil,
		"failing": func(context.Context) ([]byte, error) { return nil, boom },
		"text":    func(context.Context) ([]byte, error) { return []byte("no image"), nil },
		"cut":     func(context.Context) ([]byte, error) { return pngFile(t, 40, 40)[:60], nil },
	} {
		req.ReadImage = read
		if _, err := c.Caption(t.Context(), req); err == nil || what == "failing" && !errors.Is(err, boom) {
			t.Errorf("%s: %v", what, err)
		}
	}
	file := pngFile(t, 3, 2)
	// A header that announces 60000 x 60000 pixels.
	huge := bytes.Clone(file)
	copy(huge[16:], []byte{0, 0, 0xea, 0x60, 0, 0, 0xea, 0x60})
	binary.BigEndian.PutUint32(huge[29:], crc32.ChecksumIEEE(huge[12:29]))
	if _, err := dataURL(huge, 16, 90); err == nil || !strings.Contains(err.Error(), "60000 x 60000 pixels") {
		t.Errorf("a huge image: %v", err)
	}
}
