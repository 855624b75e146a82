package minicity

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"semidavil"
	"semidavil/transforms/pixels/fastpng"
)

// Options say how many scenes to draw.
type Options struct {
	Seed uint64
	// Source, Train, Val and Extra are numbers of scenes: labelled source,
	// labelled target for training and evaluation, unlabelled target.
	Source, Train, Val, Extra int
	// W and H are the size in pixels; where either is not positive, 256 x 128.
	W, H int
}

// Item is one scene's files, made when Build is called.
type Item struct {
	Name string
	// Build returns relative slash paths and contents, and the caption row of
	// the scene. It may be called from several goroutines.
	Build func() (map[string][]byte, CaptionRow, error)
}

// CaptionRow is a line of captions.jsonl at the root of a data set.
type CaptionRow struct {
	// Root is the data set's folder, "gta5" or "cityscapes".
	Root    string `json:"-"`
	Image   string `json:"image"`
	Caption string `json:"caption"`
}

// cities are invented; each split has its own.
var cities = map[string][]string{
	"train": {"almstadt", "birkenau", "corvin", "dornfeld"}, "val": {"eschwald", "farnbrook"}, "train_extra": {"glenmoor", "hallwyl", "istria"},
}

// Items lists the scenes of a set, in the layouts of GTA5 (source) and
// Cityscapes (target).
//
// A scene depends on the seed, its split and its number only, not on how many
// others there are.
func Items(o Options) []Item {
	if o.W <= 0 || o.H <= 0 {
		o.W, o.H = 256, 128
	}
	var out []Item
	for i := range o.Source {
		name := fmt.Sprintf("%05d", i+1)
		out = append(out, Item{"gta5/" + name, func() (map[string][]byte, CaptionRow, error) { return sourceFiles(o, i, name) }})
	}
	for base, part := range []struct {
		split string
		n     int
	}{{"train", o.Train}, {"val", o.Val}, {"train_extra", o.Extra}} {
		for i := range part.n {
			city := cities[part.split][i%len(cities[part.split])]
			stem := fmt.Sprintf("%s/%s/%s_%06d_%06d", part.split, city, city, i/len(cities[part.split]), 19)
			at := base<<24 + i
			out = append(out, Item{"cityscapes/" + stem, func() (map[string][]byte, CaptionRow, error) {
				return targetFiles(o, at, stem, part.split != "train_extra")
			}})
		}
	}
	return out
}

// EncodeCaptions writes the rows of one root, sorted by path, one JSON object a
// line.
func EncodeCaptions(rows []CaptionRow) ([]byte, error) {
	rows = slices.SortedFunc(slices.Values(rows), func(a, b CaptionRow) int { return strings.Compare(a.Image, b.Image) })
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	for _, row := range rows {
		if err := e.Encode(row); err != nil {
			return nil, fmt.Errorf("minicity: encode captions: %w", err)
		}
	}
	return b.Bytes(), nil
}

func sourceFiles(o Options, i int, name string) (map[string][]byte, CaptionRow, error) {
	s := NewScene(o.Seed, semidavil.Source, i)
	img, ids, caption := s.Render(o.W, o.H)
	var e fastpng.Encoder
	image, err := e.EncodePNG(nil, img, fastpng.Fast)
	if err != nil {
		return nil, CaptionRow{}, fmt.Errorf("minicity: %s: %w", name, err)
	}
	label, err := e.EncodePalettedPNG(nil, ids.W, ids.H, ids.Pix, palette(), fastpng.Fast)
	if err != nil {
		return nil, CaptionRow{}, fmt.Errorf("minicity: %s: %w", name, err)
	}
	return map[string][]byte{"gta5/images/" + name + ".png": image, "gta5/labels/" + name + ".png": label},
		CaptionRow{"gta5", "images/" + name + ".png", caption}, nil
}

func targetFiles(o Options, i int, stem string, labelled bool) (map[string][]byte, CaptionRow, error) {
	s := NewScene(o.Seed, semidavil.Target, i)
	img, ids, caption := s.Render(o.W, o.H)
	var e fastpng.Encoder
	image, err := e.EncodePNG(nil, img, fastpng.Fast)
	if err != nil {
		return nil, CaptionRow{}, fmt.Errorf("minicity: %s: %w", stem, err)
	}
	rel := "leftImg8bit/" + stem + "_leftImg8bit.png"
	files := map[string][]byte{"cityscapes/" + rel: image}
	if labelled {
		label, err := e.EncodeGrayPNG(nil, ids.W, ids.H, ids.Pix, fastpng.Fast)
		if err != nil {
			return nil, CaptionRow{}, fmt.Errorf("minicity: %s: %w", stem, err)
		}
		color, err := e.EncodePNG(nil, Colors(ids), fastpng.Fast)
		if err != nil {
			return nil, CaptionRow{}, fmt.Errorf("minicity: %s: %w", stem, err)
		}
		files["cityscapes/gtFine/"+stem+"_gtFine_labelIds.png"] = label
		files["cityscapes/gtFine/"+stem+"_gtFine_color.png"] = color
	}
	return files, CaptionRow{"cityscapes", rel, caption}, nil
}

// palette is the colour of every label id; ids without a class are black.
func palette() [][3]uint8 {
	out := make([][3]uint8, 64)
	for _, c := range semidavil.Cityscapes19.Classes {
		out[c.ID] = c.Color
	}
	return out
}

// Colors paints label ids in the colours of Cityscapes.
func Colors(ids *IDMap) *semidavil.Image {
	m, colors := semidavil.NewImage(ids.W, ids.H), palette()
	for i, id := range ids.Pix {
		copy(m.Pix[3*i:], colors[id][:])
	}
	return m
}
