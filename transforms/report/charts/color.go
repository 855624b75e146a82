package charts

import (
	"fmt"
	"math"
	"strconv"
)

// palette holds the colours of Okabe and Ito (Color Universal Design, 2008) in an
// order that keeps neighbours apart; their yellow, faint on white, is last.
var palette = []string{"#0072b2", "#e69f00", "#009e73", "#d55e00", "#56b4e9", "#cc79a7", "#f0e442"}

// Color is that of series or curve i of a chart, for tables beside it.
func Color(i int) [3]uint8 {
	v, err := strconv.ParseUint(palette[i][1:], 16, 32)
	if err != nil {
		panic(err) // the palette is a constant
	}
	return [3]uint8{uint8(v >> 16), uint8(v >> 8), uint8(v)}
}

// viridis holds ten even steps of matplotlib's colour map of that name.
var viridis = [][3]float64{
	{0x44, 0x01, 0x54}, {0x48, 0x28, 0x78}, {0x3e, 0x49, 0x89}, {0x31, 0x68, 0x8e}, {0x26, 0x82, 0x8e},
	{0x1f, 0x9e, 0x89}, {0x35, 0xb7, 0x79}, {0x6e, 0xce, 0x58}, {0xb5, 0xde, 0x2b}, {0xfd, 0xe7, 0x25},
}

// heat returns the colour of v, 0 to 1, and of text upon it.
func heat(v float64) (fill, ink string) {
	at := float64(v * float64(len(viridis)-1))
	i := min(int(at), len(viridis)-2)
	part := at - float64(i)
	var rgb [3]uint8
	for c := range rgb {
		rgb[c] = uint8(math.Round(viridis[i][c] + float64(part*(viridis[i+1][c]-viridis[i][c]))))
	}
	ink = "#ffffff"
	if v > 0.55 {
		ink = "#101418"
	}
	return hex(rgb), ink
}

func hex(c [3]uint8) string { return fmt.Sprintf("#%02x%02x%02x", c[0], c[1], c[2]) }
