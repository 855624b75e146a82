package pixels

import (
	"bytes"
	"encoding/binary"
	"image"
	"strings"
	"testing"

	"github.com/disintegration/imaging"

	"semidavil/transforms/pixels/fastpng"
)

// tiffWith is a TIFF header whose directory has one tag before the orientation, and what
// lies after the directory from byte 38 on.
func tiffWith(order binary.AppendByteOrder, kind uint16, count uint32, value, after []byte) []byte {
	tiff := []byte("MM")
	if order == binary.AppendByteOrder(binary.LittleEndian) {
		tiff = []byte("II")
	}
	tiff = order.AppendUint16(tiff, 42)
	tiff = order.AppendUint32(tiff, 8)
	tiff = order.AppendUint16(tiff, 2)
	tiff = order.AppendUint16(tiff, 0x0103)
	tiff = order.AppendUint16(tiff, 3)
	tiff = order.AppendUint32(tiff, 1)
	tiff = append(order.AppendUint16(tiff, 6), 0, 0)
	tiff = order.AppendUint16(tiff, 0x0112)
	tiff = order.AppendUint16(tiff, kind)
	tiff = order.AppendUint32(tiff, count)
	tiff = append(append(tiff, value...), make([]byte, 4-len(value))...)
	return append(order.AppendUint32(tiff, 0), after...)
}

// shortTIFF holds an orientation as it is usually stored.
func shortTIFF(o uint16, order binary.AppendByteOrder) []byte {
	return tiffWith(order, 3, 1, order.AppendUint16(nil, o), nil)
}

// withChunk puts a chunk before the pixels of a PNG file, or behind them.
func withChunk(data []byte, name string, body []byte, behind bool) []byte {
	at := len(fastpng.Signature) + 25
	if behind {
		at = len(data) - 12
	}
	return append(appendTestChunk(bytes.Clone(data[:at]), name, body), data[at:]...)
}

// TestOrientationTypes has what Pillow's ImageOps.exif_transpose (13.0) makes of each type but
// BYTE and SLONG8, which it leaves alone.
func TestOrientationTypes(t *testing.T) {
	for _, order := range []binary.AppendByteOrder{binary.LittleEndian, binary.BigEndian} {
		short, long := order.AppendUint16(nil, 6), order.AppendUint32(nil, 6)
		elsewhere := order.AppendUint32(nil, 38)
		several := append(bytes.Clone(short), 9, 9, 9, 9)
		for _, c := range []struct {
			name         string
			kind         uint16
			count        uint32
			value, after []byte
			want         Orientation
		}{
			{"SHORT", 3, 1, short, nil, 6},
			{"LONG", 4, 1, long, nil, 6},
			{"SBYTE", 6, 1, []byte{6}, nil, 6},
			{"SSHORT", 8, 1, short, nil, 6},
			{"SLONG", 9, 1, long, nil, 6},
			{"SSHORT with more behind it", 8, 1, append(bytes.Clone(short), 9, 9), nil, 6},
			{"SBYTE with more behind it", 6, 1, []byte{6, 9, 9, 9}, nil, 6},
			{"two SHORT", 3, 2, append(bytes.Clone(short), 9, 9), nil, 6},
			{"three SHORT", 3, 3, elsewhere, several, 6},
			{"two LONG", 4, 2, elsewhere, append(bytes.Clone(long), long...), 6},
			{"three SHORT, cut", 3, 3, elsewhere, several[:5], 0},
			{"endless SHORT", 3, 1<<32 - 1, elsewhere, several, 0},
			{"BYTE", 1, 1, []byte{6}, nil, 6},
			{"two BYTE", 1, 2, []byte{6, 1}, nil, 6},
			{"IFD", 13, 1, long, nil, 6},
			{"LONG8", 16, 1, elsewhere, order.AppendUint64(nil, 6), 6},
			{"SLONG8", 17, 1, elsewhere, order.AppendUint64(nil, 6), 6},
			{"LONG8 6<<32", 16, 1, elsewhere, order.AppendUint64(nil, 6<<32), 0},
			{"LONG8, cut", 16, 1, elsewhere, order.AppendUint64(nil, 6)[:7], 0},
			{"UNDEFINED", 7, 1, []byte{6}, nil, 0},
			{"ASCII", 2, 2, []byte("6\x00"), nil, 0},
			{"no SHORT", 3, 0, short, nil, 0},
			{"SLONG -6", 9, 1, order.AppendUint32(nil, 1<<32-6), nil, 0},
			{"LONG 6<<16", 4, 1, order.AppendUint32(nil, 6<<16), nil, 0},
			{"SHORT 9", 3, 1, order.AppendUint16(nil, 9), nil, 0},
		} {
			tiff := tiffWith(order, c.kind, c.count, c.value, c.after)
			if got := tiffOrientation(tiff); got != c.want {
				t.Errorf("%v, %s: orientation %d, want %d", order, c.name, got, c.want)
			}
			if got := tiffOrientation(append(bytes.Clone(exifPrefix), tiff...)); got != c.want {
				t.Errorf("%v, %s, with a prefix: orientation %d, want %d", order, c.name, got, c.want)
			}
		}
	}
}

// upright is imaging's way of turning.
func upright(o uint16, m image.Image) image.Image {
	switch o {
	case 2:
		return imaging.FlipH(m)
	case 3:
		return imaging.Rotate180(m)
	case 4:
		return imaging.FlipV(m)
	case 5:
		return imaging.Transpose(m)
	case 6:
		return imaging.Rotate270(m)
	case 7:
		return imaging.Transverse(m)
	case 8:
		return imaging.Rotate90(m)
	}
	return m
}

// TestPNGOrientation turns images and labels by their eXIf chunk, wherever it is.
func TestPNGOrientation(t *testing.T) {
	var c Codec
	rows := []byte{0, 1, 2, 3, 0, 4, 5, 6}
	wide := []byte{0, 1, 1, 2, 2, 3, 3, 0, 4, 4, 5, 5, 6, 6}
	for _, plain := range [][]byte{
		buildPNG(layout{w: 3, h: 2, kind: fastpng.Gray, depth: 8}, nil, nil, rows, 9),
		buildPNG(layout{w: 3, h: 2, kind: fastpng.Gray, depth: 16}, nil, nil, wide, 9),
	} {
		for o := uint16(0); o <= 9; o++ {
			for _, behind := range []bool{false, true} {
				data := withChunk(plain, "eXIf", shortTIFF(o, binary.BigEndian), behind)
				stored, err := imaging.Decode(bytes.NewReader(data))
				if err != nil {
					t.Fatal(err)
				}
				w, h, pix := toRGB(upright(o, stored))
				got, err := c.DecodeRGB(data)
				if err != nil || got.W != w || got.H != h || !bytes.Equal(got.Pix, pix) {
					t.Errorf("orientation %d, behind %v: %+v, %v; want %dx%d %v", o, behind, got, err, w, h, pix)
				}
				ids, err := c.DecodeIDs(data)
				if err != nil || ids.W != w || ids.H != h {
					t.Fatalf("orientation %d: label is %dx%d, %v; want %dx%d", o, ids.W, ids.H, err, w, h)
				}
				for i := range w * h {
					if got := ids.At(i%w, i/w); got&255 != int(pix[3*i]) {
						t.Errorf("orientation %d, behind %v: id %d is %d, want %d", o, behind, i, got, pix[3*i])
					}
				}
			}
		}
		// A damaged chunk turns nothing, nor does that of the file before.
		bad := withChunk(plain, "eXIf", shortTIFF(6, binary.BigEndian), false)
		bad[len(fastpng.Signature)+25+8+10] ^= 1
		for _, data := range [][]byte{bad, plain} {
			if got, err := c.DecodeRGB(data); err != nil || got.W != 3 {
				t.Errorf("%+v, %v", got, err)
			}
		}
	}
}

func TestCheckSize(t *testing.T) {
	var c Codec
	plain := buildPNG(layout{w: 3, h: 2, kind: fastpng.Gray, depth: 8}, nil, nil, []byte{0, 1, 2, 3, 0, 4, 5, 6}, 9)
	larger := buildPNG(layout{w: 4, h: 1, kind: fastpng.Gray, depth: 8}, nil, nil, []byte{0, 1, 2, 3, 4}, 9)
	turned := withChunk(plain, "eXIf", shortTIFF(6, binary.LittleEndian), false)
	for _, test := range []struct {
		image, label []byte
		want         string
	}{
		{plain, plain, ""},
		{turned, turned, ""},
		{withOrientation(jpegOf(t, 3, 2), 6, binary.BigEndian), turned, ""},
		{plain, larger, "pixels: label is 4x1, its image 3x2"},
		{turned, plain, "pixels: label is 3x2, its image 2x3: EXIF orientation 6 turned the image, the label's file has none"},
		{withOrientation(jpegOf(t, 3, 2), 8, binary.BigEndian), plain, "pixels: label is 3x2, its image 2x3: EXIF orientation 8 turned the image, the label's file has none"},
		{plain, turned, "pixels: label is 2x3, its image 3x2: EXIF orientation 6 turned the label, the image's file has none"},
	} {
		img, err := c.DecodeRGB(test.image)
		if err != nil {
			t.Fatal(err)
		}
		ids, err := c.DecodeIDs(test.label)
		if err != nil {
			t.Fatal(err)
		}
		got := ""
		if err := c.CheckSize(ids, img.W, img.H); err != nil {
			got = err.Error()
		}
		if got != test.want {
			t.Errorf("%q, want %q", got, test.want)
		}
	}
}

// TestDoubtful: orientations that differ, unless sizes show that the files belong together.
func TestDoubtful(t *testing.T) {
	for _, c := range []struct {
		image, label Orientation
		w, h         int
		want         string
	}{
		{0, 0, 3, 2, ""},
		{0, 1, 3, 2, ""},
		{3, 3, 3, 2, ""},
		{3, 0, 3, 2, "EXIF orientation 3 turned the image, the label's file has none"},
		{2, 1, 3, 2, "EXIF orientation 2 turned the image, the label's file has none"},
		{1, 4, 3, 2, "EXIF orientation 4 turned the label, the image's file has none"},
		{6, 8, 3, 2, "EXIF orientation 6 turned the image, 8 the label"},
		{6, 0, 3, 2, ""}, // the label would have had to be 2x3
		{3, 6, 3, 2, ""},
		{6, 0, 2, 2, "EXIF orientation 6 turned the image, the label's file has none"},
	} {
		if got := Doubtful("image", c.image, "label", c.label, c.w, c.h); got != c.want {
			t.Errorf("%+v: %q", c, got)
		}
	}
}

// FuzzOrientation looks for panics.
func FuzzOrientation(f *testing.F) {
	f.Add(shortTIFF(6, binary.LittleEndian))
	f.Add(tiffWith(binary.BigEndian, 4, 2, []byte{0, 0, 0, 38}, make([]byte, 8)))
	f.Fuzz(func(t *testing.T, data []byte) {
		if o := tiffOrientation(data); o > 8 {
			t.Fatal(o)
		}
		if o := orientation([]byte(jpegMagic + strings.Repeat(string(data), 2))); o > 8 {
			t.Fatal(o)
		}
	})
}
