package pixels

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"slices"
)

// Orientation is the value of the EXIF tag 0x0112, how an image is to be turned: 1 to 8, or 0
// where there is none.
type Orientation uint8

var exifPrefix = []byte("Exif\x00\x00")

// orientation finds the orientation in the first APP1 segment with EXIF data of
// a JPEG file. Whatever is damaged counts as no orientation.
func orientation(data []byte) Orientation {
	for p := 2; p+4 <= len(data) && data[p] == 0xff; {
		marker := data[p+1]
		if marker == 0xff { // fill byte
			p++
			continue
		}
		n := int(binary.BigEndian.Uint16(data[p+2:]))
		if marker == 0xda || marker == 0xd9 || n < 2 || p+2+n > len(data) {
			return 0
		}
		body := data[p+4 : p+2+n]
		if marker == 0xe1 && bytes.HasPrefix(body, exifPrefix) {
			return tiffOrientation(body[len(exifPrefix):])
		}
		p += 2 + n
	}
	return 0
}

// tiffOrientation looks the tag up in the first directory of a TIFF header, which may come
// after another prefix: an integer of any type. Of BYTE Pillow's ImageOps.exif_transpose makes
// nothing; of all others the same.
func tiffOrientation(tiff []byte) Orientation {
	tiff = bytes.TrimPrefix(tiff, exifPrefix)
	if len(tiff) < 8 {
		return 0
	}
	var order binary.ByteOrder
	switch string(tiff[:2]) {
	case "II":
		order = binary.LittleEndian
	case "MM":
		order = binary.BigEndian
	default:
		return 0
	}
	at := int64(order.Uint32(tiff[4:]))
	if at+2 > int64(len(tiff)) {
		return 0
	}
	dir := tiff[at:]
	n := int(order.Uint16(dir))
	for dir = dir[2:]; n > 0 && len(dir) >= 12; n, dir = n-1, dir[12:] {
		count := uint64(order.Uint32(dir[4:]))
		if order.Uint16(dir) != 0x0112 || count == 0 {
			continue
		}
		size := tiffIntegers[order.Uint16(dir[2:])]
		value := dir[8:12]
		if count*size > uint64(len(value)) { // several, of which the first counts, lie elsewhere
			at := uint64(order.Uint32(value))
			if at+count*size > uint64(len(tiff)) {
				return 0
			}
			value = tiff[at:]
		}
		var v uint32 // negative numbers are large ones
		switch size {
		case 1:
			v = uint32(value[0])
		case 2:
			v = uint32(order.Uint16(value))
		case 4:
			v = order.Uint32(value)
		case 8:
			v = uint32(min(order.Uint64(value), math.MaxUint32))
		}
		if v >= 1 && v <= 8 {
			return Orientation(v)
		}
		return 0
	}
	return 0
}

// tiffIntegers are the bytes of BYTE, SHORT, LONG, SBYTE, SSHORT, SLONG, IFD, LONG8 and SLONG8.
var tiffIntegers = map[uint16]uint64{1: 1, 3: 2, 4: 4, 6: 1, 8: 2, 9: 4, 13: 4, 16: 8, 17: 8}

// swaps reports whether columns become rows.
func (o Orientation) swaps() bool { return o >= 5 }

// Apart says how the orientations of two files that belong together differ, such as those of
// an image and its label, which names describe; "" where they do not.
func Apart(name string, o Orientation, other string, p Orientation) string {
	o, p = max(o, 1), max(p, 1) // 1 turns nothing either
	switch {
	case o == p:
		return ""
	case p == 1:
		return fmt.Sprintf("EXIF orientation %d turned the %s, the %s's file has none", o, name, other)
	case o == 1:
		return fmt.Sprintf("EXIF orientation %d turned the %s, the %s's file has none", p, other, name)
	}
	return fmt.Sprintf("EXIF orientation %d turned the %s, %d the %s", o, name, p, other)
}

// Doubtful is [Apart] of two files that are w x h once turned, where that does not show
// whether they belong together: turned alike they would have one size too.
func Doubtful(name string, o Orientation, other string, p Orientation, w, h int) string {
	if o.swaps() != p.swaps() && w != h {
		return ""
	}
	return Apart(name, o, other, p)
}

// turn brings the pixels of a w x h image, n values each, to where they are to be seen,
// and returns the size that they have then.
func turn[T any](pix []T, w, h, n int, o Orientation) (int, int) {
	if o < 2 {
		return w, h
	}
	// The stored pixel of column x and row y is number first + x*dx + y*dy.
	var first, dx, dy int
	switch o {
	case 2:
		first, dx, dy = w-1, -1, w
	case 3:
		first, dx, dy = w*h-1, -1, -w
	case 4:
		first, dx, dy = w*(h-1), 1, -w
	case 5:
		first, dx, dy = 0, w, 1
	case 6: // stored on its left side
		first, dx, dy = w*(h-1), -w, 1
	case 7:
		first, dx, dy = w*h-1, -w, -1
	case 8:
		first, dx, dy = w-1, w, -1
	}
	if o.swaps() {
		w, h = h, w
	}
	stored := slices.Clone(pix)
	for y := range h {
		row := pix[n*w*y:][:n*w]
		for x := range w {
			copy(row[n*x:][:n], stored[n*(first+x*dx+y*dy):])
		}
	}
	return w, h
}
