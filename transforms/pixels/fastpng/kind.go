package fastpng

import "fmt"

// Kind is how the samples of a file are stored.
type Kind uint8

// The kinds of PNG.
const (
	Gray      Kind = iota // one gray value
	GrayAlpha             // gray and alpha
	Palette               // index into a table of colours
	RGB                   // red, green, blue
	RGBA                  // red, green, blue, alpha
)

var kindNames = [...]string{"gray", "gray+alpha", "palette", "RGB", "RGBA"}

func (k Kind) String() string {
	if int(k) < len(kindNames) {
		return kindNames[k]
	}
	return fmt.Sprintf("Kind(%d)", uint8(k))
}

// channels returns the number of samples of a pixel in a PNG file.
func (k Kind) channels() int {
	switch k {
	case GrayAlpha:
		return 2
	case RGB:
		return 3
	case RGBA:
		return 4
	}
	return 1
}
