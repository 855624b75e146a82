package augment

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"os"
	"testing"

	"semidavil"
)

// scene is picture() of tools/golden_augment/golden.py.
func scene(w, h int) *semidavil.Image {
	img := semidavil.NewImage(w, h)
	for y := range h {
		for x := range w {
			for c := range 3 {
				noise := uint32(uint64((x*7919+y*104729+c*1299709)%65537)*2654435761) >> 26
				img.Pix[3*(w*y+x)+c] = uint8((x*(5+2*c) + y*(9-3*c) + int(noise)) % 256)
			}
		}
	}
	return img
}

func apply(t testing.TB, img *semidavil.Image, op string, v float64) {
	t.Helper()
	switch op {
	case "brightness":
		Brightness(img, v)
	case "contrast":
		Contrast(img, v)
	case "saturation":
		Saturation(img, v)
	case "hue":
		Hue(img, v)
	case "gray":
		Gray(img)
	case "blur":
		if err := Blur(img, v, nil); err != nil {
			t.Fatal(err)
		}
	default:
		t.Fatalf("no operation %q", op)
	}
}

// TestTorchvision compares with torchvision's transforms of PIL images, byte for byte.
func TestTorchvision(t *testing.T) {
	var cases []struct {
		Op    string
		Value float64
		Cube  string
		Size  [2]int
	}
	text, err := os.ReadFile("testdata/torchvision.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &cases); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile("testdata/torchvision.bin")
	if err != nil {
		t.Fatal(err)
	}
	next := func(n int) []byte {
		part := data[:n]
		data = data[n:]
		return part
	}
	const w, h = 29, 17
	if !bytes.Equal(next(3*w*h), scene(w, h).Pix) {
		t.Fatal("the input differs from the script's")
	}
	cube := semidavil.NewImage(4096, 4096)
	for _, c := range cases {
		size := c.Size
		if size[0] == 0 {
			size = [2]int{w, h}
		}
		img := scene(size[0], size[1])
		apply(t, img, c.Op, c.Value)
		want := next(len(img.Pix))
		for i := range want {
			if img.Pix[i] != want[i] {
				t.Errorf("%s %g %v: byte %d is %d, want %d", c.Op, c.Value, size, i, img.Pix[i], want[i])
				break
			}
		}
		if c.Cube == "" || testing.Short() {
			continue
		}
		for i := range 1 << 24 {
			cube.Pix[3*i], cube.Pix[3*i+1], cube.Pix[3*i+2] = uint8(i>>16), uint8(i>>8), uint8(i)
		}
		apply(t, cube, c.Op, c.Value)
		if sum := sha256.Sum256(cube.Pix); hex.EncodeToString(sum[:]) != c.Cube {
			t.Errorf("%s %g: differs for some of all colours", c.Op, c.Value)
		}
	}
	if len(data) != 0 || len(cases) < 40 {
		t.Errorf("%d bytes left after %d cases", len(data), len(cases))
	}
}
