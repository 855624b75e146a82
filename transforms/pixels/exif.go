package pixels

import (
	"encoding/binary"
	"image"

	"github.com/disintegration/imaging"
)

// exifOrientation is the value of the EXIF tag 0x0112: 1 to 8, or 0 where there
// is none.
type exifOrientation uint8

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

// upright returns the image that is to be seen.
func (o exifOrientation) upright(stored image.Image) image.Image {
	switch o {
	case 2:
		return imaging.FlipH(stored)
	case 3:
		return imaging.Rotate180(stored)
	case 4:
		return imaging.FlipV(stored)
	case 5:
		return imaging.Transpose(stored)
	case 6: // stored on its left side; imaging turns anticlockwise
		return imaging.Rotate270(stored)
	case 7:
		return imaging.Transverse(stored)
	case 8:
		return imaging.Rotate90(stored)
	}
	return stored
}
