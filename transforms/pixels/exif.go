package pixels

import (
	"encoding/binary"

	"semidavil"
)

// exifOrientation is the value of the EXIF tag 0x0112: 1 to 8, or 0 where there
// is none. The stored image becomes the upright one by a transposition (5 to 8)
// followed by reversals.
type exifOrientation uint8

func (o exifOrientation) swapsAxes() bool { return o >= 5 }

// orientation finds the orientation in the first APP1 segment with EXIF data of
// a JPEG file. Whatever is damaged counts as no orientation.
func orientation(data []byte) exifOrientation {
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
		if marker == 0xe1 && len(body) > 6 && string(body[:6]) == "Exif\x00\x00" {
			return tiffOrientation(body[6:])
		}
		p += 2 + n
	}
	return 0
}

// tiffOrientation looks the tag up in the first directory of a TIFF header.
func tiffOrientation(tiff []byte) exifOrientation {
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
		if order.Uint16(dir) != 0x0112 {
			continue
		}
		if v := order.Uint16(dir[8:]); v >= 1 && v <= 8 {
			return exifOrientation(v)
		}
		return 0
	}
	return 0
}

// apply writes the upright form of src to dst.
func (o exifOrientation) apply(dst, src *semidavil.Image) {
	w, h := src.W, src.H
	if o.swapsAxes() {
		w, h = h, w
	}
	dst.SetSize(w, h)
	for y := range h {
		for x := range w {
			sx, sy := x, y
			switch o {
			case 2:
				sx = w - 1 - x
			case 3:
				sx, sy = w-1-x, h-1-y
			case 4:
				sy = h - 1 - y
			case 5:
				sx, sy = y, x
			case 6: // stored on its left side: turned 90 degrees clockwise
				sx, sy = y, w-1-x
			case 7:
				sx, sy = h-1-y, w-1-x
			case 8:
				sx, sy = h-1-y, x
			}
			copy(dst.Pix[3*(w*y+x):][:3], src.Pix[3*(src.W*sy+sx):])
		}
	}
}
