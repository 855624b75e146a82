package minict

import (
	"flag"
	"image"
	"image/color"
	"testing"

	"github.com/disintegration/imaging"

	"semidavil"
)

var sheetPath = flag.String("sheet", "", "write slices of some cases to this `file`, in the format of its ending")

// TestSheet draws a row a case: slices from the head down as a radiologist sees them,
// front up and the patient's right on the left, each beside its labels.
func TestSheet(t *testing.T) {
	if *sheetPath == "" {
		t.Skip("no --sheet is given")
	}
	grid := semidavil.Grid{D: 100, H: 200, W: 200}
	heights := []int{70, 62, 57, 52, 46, 30}
	const rows, top, tall = 4, 25, 150 // the picture leaves out air
	sheet := image.NewNRGBA(image.Rect(0, 0, 2*len(heights)*grid.W, rows*tall))
	for n := range rows {
		c := draw(t, 1, n, grid)
		for k, d := range heights {
			for y := range tall {
				for x := range grid.W {
					i := (d*grid.H+grid.H-1-top-y)*grid.W + grid.W - 1 - x
					v := uint8(min(255, max(0, (c.Volume.Values[i]+160)/400*255))) // -160 to 240 HU
					grey := color.NRGBA{v, v, v, 255}
					sheet.SetNRGBA(2*k*grid.W+x, n*tall+y, grey)
					if id := c.Label.IDs[i]; id != background {
						rgb := semidavil.Synapse14.Classes[id].Color
						grey = color.NRGBA{rgb[0], rgb[1], rgb[2], 255}
					}
					sheet.SetNRGBA((2*k+1)*grid.W+x, n*tall+y, grey)
				}
			}
		}
	}
	if err := imaging.Save(sheet, *sheetPath); err != nil {
		t.Fatal(err)
	}
}
