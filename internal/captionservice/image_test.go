package captionservice

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"image"
	"image/color"
	"image/jpeg"
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
	if _, err := dataURL(huge, 16, 90); err == nil || !strings.Contains(err.Error(), "60000x60000") {
		t.Errorf("a huge image: %v", err)
	}
}

// TestTurnedImage: the service sees an image as a viewer shows it and the network sees it.
func TestTurnedImage(t *testing.T) {
	var file bytes.Buffer
	if err := jpeg.Encode(&file, image.NewGray(image.Rect(0, 0, 8, 4)), nil); err != nil {
		t.Fatal(err)
	}
	// A TIFF of one entry: tag 0x112 of a SHORT, 6: turned by a quarter.
	exif := "Exif\x00\x00MM\x00*\x00\x00\x00\x08\x00\x01\x01\x12\x00\x03\x00\x00\x00\x01\x00\x06\x00\x00\x00\x00\x00\x00"
	turned := append([]byte("\xFF\xD8\xFF\xE1\x00"), byte(len(exif)+2))
	turned = append(append(turned, exif...), file.Bytes()[2:]...)
	for data, want := range map[string]image.Point{file.String(): {X: 8, Y: 4}, string(turned): {X: 4, Y: 8}} {
		url, err := dataURL([]byte(data), 16, 90)
		if err != nil {
			t.Fatal(err)
		}
		made, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(url, "data:image/jpeg;base64,"))
		if err != nil {
			t.Fatal(err)
		}
		if c, err := jpeg.DecodeConfig(bytes.NewReader(made)); err != nil || c.Width != want.X || c.Height != want.Y {
			t.Errorf("%dx%d, %v; want %v", c.Width, c.Height, err, want)
		}
	}
}
