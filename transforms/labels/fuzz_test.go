package labels

import (
	"testing"

	"semidavil"
	"semidavil/transforms/pixels/fastpng"
)

// FuzzRemap: each pixel is what the table says of the id under its centre, or an id that the
// table does not have refuses the file.
func FuzzRemap(f *testing.F) {
	f.Add([]byte{7, 8, 11, 255}, uint8(2), uint8(1), uint8(1), uint16(0), false)
	f.Add([]byte{0, 22, 0, 3}, uint8(1), uint8(3), uint8(200), uint16(22), true)
	f.Add([]byte{255, 255, 0, 35}, uint8(2), uint8(9), uint8(9), uint16(65535), true)
	f.Fuzz(func(t *testing.T, pix []byte, w, dw, dh uint8, own uint16, wide bool) {
		step := 1
		if wide {
			step = 2
		}
		n := len(pix) / step
		if w == 0 || n < int(w) || dw == 0 || dh == 0 {
			return
		}
		src := fastpng.IDs{W: int(w), H: n / int(w), Kind: fastpng.Gray, Depth: 8 * step}
		n = src.W * src.H
		if wide {
			src.Pix16 = make([]uint16, n)
			for i := range src.Pix16 {
				src.Pix16[i] = uint16(pix[2*i])<<8 | uint16(pix[2*i+1])
			}
		} else {
			src.Pix8 = pix[:n]
		}
		pairs, err := NewTable(map[int]int{int(own): 3, 0: semidavil.Ignore})
		if err != nil {
			t.Fatal(err)
		}
		for name, table := range map[string]Table{"own": pairs, "cityscapes": CityscapesIDs(), "synthia": SynthiaIDs(), "camvid": CamVidIDs(), "train ids": TrainIDs(semidavil.Cityscapes19)} {
			known := true
			for i := range n {
				_, ok := table.TrainID(src.At(i%src.W, i/src.W))
				known = known && ok
			}
			dst := &semidavil.LabelMap{W: int(dw), H: int(dh), Pix: make([]uint8, int(dw)*int(dh))}
			if err := Remap(dst, src, table); (err == nil) != known {
				t.Fatalf("%s: all ids known: %v, but %v", name, known, err)
			}
			for i, got := range dst.Pix {
				x, y := i%dst.W, i/dst.W
				if want, _ := table.TrainID(src.At((2*x+1)*src.W/(2*dst.W), (2*y+1)*src.H/(2*dst.H))); known && got != want {
					t.Fatalf("%s: pixel %d,%d is %d, want %d", name, x, y, got, want)
				}
			}
		}
	})
}
