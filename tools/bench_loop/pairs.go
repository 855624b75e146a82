package main

import (
	"fmt"
	"image"
	"image/png"
	"math/rand/v2"
	"os"
	"path/filepath"

	"semidavil"
	"semidavil/transforms/datasets/minicity"
)

const width, height = 2048, 1024

// files of pair number i: an image that nobody opens, its label, its prediction.
func files(dir string, i int) (picture, label, prediction string) {
	stem := fmt.Sprintf("bench_%06d_000019", i)
	return filepath.Join(dir, "data/leftImg8bit/val/bench", stem+"_leftImg8bit.png"),
		filepath.Join(dir, "data/gtFine/val/bench", stem+"_gtFine_labelIds.png"),
		filepath.Join(dir, "results", stem+"_pred_labelIds.png")
}

func pairs(dir string, distinct, total int) error {
	for i := range total {
		picture, label, prediction := files(dir, i)
		if i >= distinct {
			_, fromLabel, fromPrediction := files(dir, i%distinct)
			if err := copyFile(fromLabel, label); err != nil {
				return err
			}
			if err := copyFile(fromPrediction, prediction); err != nil {
				return err
			}
		} else if err := draw(i, label, prediction); err != nil {
			return err
		}
		if err := writeGray(picture, 1, 1, []uint8{0}); err != nil {
			return err
		}
	}
	return nil
}

// draw writes a label and a prediction of it: each block of 8x8 pixels is taken from up
// to 4 pixels beside it, and each of 128x128 may be of one class altogether, so that the
// outlines are as rough as a network's.
func draw(i int, label, prediction string) error {
	if _, err := os.Stat(prediction); err == nil {
		return nil
	}
	_, ids, _ := minicity.NewScene(9, semidavil.Target, i).Render(width, height)
	truth := ids.Pix
	rng := rand.New(rand.NewPCG(9, uint64(i)))
	guess := make([]uint8, width*height)
	for y0 := 0; y0 < height; y0 += 8 {
		for x0 := 0; x0 < width; x0 += 8 {
			dx, dy := rng.IntN(9)-4, rng.IntN(9)-4
			for y := y0; y < y0+8; y++ {
				for x := x0; x < x0+8; x++ {
					guess[y*width+x] = truth[min(max(y+dy, 0), height-1)*width+min(max(x+dx, 0), width-1)]
				}
			}
		}
	}
	for range 6 {
		x0, y0, id := rng.IntN(width-128), rng.IntN(height-128), uint8(rng.IntN(34))
		for y := y0; y < y0+128; y++ {
			for x := x0; x < x0+128; x++ {
				guess[y*width+x] = id
			}
		}
	}
	if err := writeGray(label, width, height, truth); err != nil {
		return err
	}
	return writeGray(prediction, width, height, guess)
}

// writeGray compresses as Cityscapes' files are: zlib's usual level, which is that of
// image/png too.
func writeGray(name string, w, h int, pix []uint8) error {
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return err
	}
	file, err := os.Create(name)
	if err != nil {
		return err
	}
	if err := png.Encode(file, &image.Gray{Pix: pix, Stride: w, Rect: image.Rect(0, 0, w, h)}); err != nil {
		return err
	}
	return file.Close()
}

func copyFile(from, to string) error {
	data, err := os.ReadFile(from)
	if err == nil {
		err = os.MkdirAll(filepath.Dir(to), 0o755)
	}
	if err == nil {
		err = os.WriteFile(to, data, 0o644)
	}
	return err
}

// copies gives the PNG files of a folder TOTAL names in another one.
func copies(from, to string, total int) error {
	found, err := filepath.Glob(filepath.Join(from, "*.png"))
	if err == nil && len(found) == 0 {
		err = fmt.Errorf("there are no PNG files in %s", from)
	}
	for i := 0; err == nil && i < total; i++ {
		err = copyFile(found[i%len(found)], filepath.Join(to, fmt.Sprintf("%06d.png", i)))
	}
	return err
}
