package pixels

import (
	"bytes"
	"encoding/binary"
	"errors"
	"image"
	"image/jpeg"
	"testing"

	"github.com/disintegration/imaging"

	"semidavil"
	"semidavil/internal/fixture"
)

// withOrientation puts an EXIF segment with the orientation into a JPEG file.
func withOrientation(data []byte, o uint16, order binary.AppendByteOrder) []byte {
	body := append(bytes.Clone(exifPrefix), shortTIFF(o, order)...)
	out := append([]byte(nil), data[:2]...)
	out = append(out, 0xff, 0xe1)
	out = binary.BigEndian.AppendUint16(out, uint16(len(body)+2))
	return append(append(out, body...), data[2:]...)
}

func jpegOf(t testing.TB, w, h int) []byte {
	img, _ := scene(w, h, 6)
	data, err := EncodeJPEG(nil, img, 90)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// TestJPEG compares with image/jpeg for the subsamplings it writes and reads.
func TestJPEG(t *testing.T) {
	var c Codec
	for _, size := range [][2]int{{1, 1}, {17, 9}, {40, 33}} {
		data := jpegOf(t, size[0], size[1])
		want, err := jpeg.Decode(bytes.NewReader(data))
		if err != nil {
			t.Fatal(err)
		}
		got, err := c.DecodeRGB(data)
		if err != nil {
			t.Fatal(err)
		}
		if w, h, pix := toRGB(want); got.W != w || got.H != h || !bytes.Equal(got.Pix, pix) {
			t.Errorf("%v: pixels differ", size)
		}
		var gray bytes.Buffer
		if err := jpeg.Encode(&gray, image.NewGray(image.Rect(0, 0, 9, 5)), nil); err != nil {
			t.Fatal(err)
		}
		if got, err := c.DecodeRGB(gray.Bytes()); err != nil || got.W != 9 || got.H != 5 {
			t.Errorf("gray: %v", err)
		}
	}
	for _, ratio := range []image.YCbCrSubsampleRatio{image.YCbCrSubsampleRatio444, image.YCbCrSubsampleRatio422, image.YCbCrSubsampleRatio420, image.YCbCrSubsampleRatio440, image.YCbCrSubsampleRatio411} {
		src := image.NewYCbCr(image.Rect(0, 0, 21, 11), ratio)
		n := noise(50, 50).Pix
		copy(src.Y, n)
		copy(src.Cb, n[1000:])
		copy(src.Cr, n[3000:])
		got := new(semidavil.Image)
		fromImage(got, src)
		if _, _, pix := toRGB(src); !bytes.Equal(got.Pix, pix) {
			t.Errorf("%v: colours differ from image/color", ratio)
		}
	}
}

// TestOrientation compares with imaging.AutoOrientation.
func TestOrientation(t *testing.T) {
	plain := jpegOf(t, 30, 20)
	var c Codec
	for o := uint16(0); o <= 9; o++ {
		for _, order := range []binary.AppendByteOrder{binary.LittleEndian, binary.BigEndian} {
			data := withOrientation(plain, o, order)
			want, err := imaging.Decode(bytes.NewReader(data), imaging.AutoOrientation(true))
			if err != nil {
				t.Fatal(err)
			}
			got, err := c.DecodeRGB(data)
			if err != nil {
				t.Fatal(err)
			}
			w, h, pix := toRGB(want)
			if got.W != w || got.H != h || !bytes.Equal(got.Pix, pix) {
				t.Errorf("orientation %d %v: differs from imaging", o, order)
			}
		}
	}
}

func TestJPEGErrors(t *testing.T) {
	data := withOrientation(jpegOf(t, 30, 20), 6, binary.BigEndian)
	var c Codec
	for n := 3; n < len(data)-2; n++ {
		if _, err := c.DecodeRGB(data[:n]); !errors.Is(err, ErrTruncated) && !errors.Is(err, ErrFormat) {
			t.Fatalf("cut to %d of %d bytes: %v", n, len(data), err)
		}
	}
	if _, err := c.DecodeIDs(data); !errors.Is(err, ErrNoIDs) {
		t.Errorf("DecodeIDs: %v", err)
	}
	small := Codec{MaxPixels: 599}
	if _, err := small.DecodeRGB(data); !errors.Is(err, ErrTooLarge) {
		t.Errorf("limit: %v", err)
	}
}

// claimingJPEG is a JPEG file of 30x20 pixels that claims to have 10000x10000.
func claimingJPEG(t testing.TB, progressive bool) []byte {
	data := jpegOf(t, 30, 20)
	frame := bytes.Index(data, []byte{0xff, 0xc0})
	binary.BigEndian.PutUint16(data[frame+5:], 10000)
	binary.BigEndian.PutUint16(data[frame+7:], 10000)
	if progressive {
		data[frame+1] = 0xc2
		scan := bytes.Index(data, []byte{0xff, 0xda})
		end := scan + 2 + int(binary.BigEndian.Uint16(data[scan+2:]))
		data[end-3], data[end-2], data[end-1] = 0, 0, 0 // the first coefficients alone
	}
	return data
}

// TestClaimedJPEG: no memory is taken for pixels that so few bytes cannot hold, but for all
// that they can.
func TestClaimedJPEG(t *testing.T) {
	var c Codec
	for _, progressive := range []bool{false, true} {
		data := claimingJPEG(t, progressive)
		fixture.Modest(t, 1<<20, func() {
			if _, err := c.DecodeRGB(data); !errors.Is(err, ErrTruncated) {
				t.Errorf("progressive %v: %v", progressive, err)
			}
		})
	}
	var flat bytes.Buffer // the smallest files: one gray
	if err := jpeg.Encode(&flat, image.NewGray(image.Rect(0, 0, 4096, 4096)), &jpeg.Options{Quality: 1}); err != nil {
		t.Fatal(err)
	}
	if _, err := c.DecodeRGB(flat.Bytes()); err != nil {
		t.Errorf("%d bytes: %v", flat.Len(), err)
	}
}

// FuzzJPEG looks for panics, and for memory that the size claimed decides.
func FuzzJPEG(f *testing.F) {
	f.Add(claimingJPEG(f, false))
	f.Add(claimingJPEG(f, true))
	f.Add(withOrientation(jpegOf(f, 16, 8), 5, binary.LittleEndian))
	f.Add(withOrientation(jpegOf(f, 8, 8), 3, binary.BigEndian))
	var c Codec
	f.Fuzz(func(t *testing.T, data []byte) {
		var img *semidavil.Image
		var err error
		// 512 pixels of a byte, in three bytes and three coefficients of four each, and the result.
		fixture.Modest(t, 8<<20+512*18*len(data), func() { img, err = c.DecodeRGB(data) })
		if err == nil && len(img.Pix) != 3*img.W*img.H {
			t.Fatalf("%dx%d with %d bytes", img.W, img.H, len(img.Pix))
		}
	})
}
