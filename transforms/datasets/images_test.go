package datasets

import (
	"testing"

	"semidavil"
)

func matched(t *testing.T, a Adapter, names ...string) (images []string, faults int) {
	t.Helper()
	var entries []Entry
	for _, name := range names {
		entries = append(entries, Entry{Path: name, Size: 1})
	}
	refs, bad, _ := Match(a, "/r", semidavil.Target, entries)
	for _, r := range refs {
		if r.Label != "" {
			images = append(images, r.Image+"+"+r.Label)
		} else {
			images = append(images, r.Image)
		}
	}
	return images, len(bad)
}

func TestSelect(t *testing.T) {
	cityscapes := []string{
		"leftImg8bit/train/ulm/a_leftImg8bit.png", "gtFine/train/ulm/a_gtFine_labelIds.png",
		"leftImg8bit/train/ulm/b_leftImg8bit.png", // without its label
		"leftImg8bit/val/bonn/c_leftImg8bit.png", "gtFine/val/bonn/c_gtFine_labelIds.png",
		"leftImg8bit/train_extra/mainz/d_leftImg8bit.png",
	}
	photos := []string{"a.png", "b/c.JPG", "b/d.jpeg", "b/d.txt", "b/e.gif", "a.jpg"}
	for name, c := range map[string]struct {
		kind   string
		part   Selection
		files  []string
		images int
		faults int
	}{
		"all":            {"cityscapes", Selection{}, cityscapes, 3, 1},
		"a split":        {"cityscapes", Selection{Split: "val"}, cityscapes, 1, 0},
		"extra":          {"cityscapes", Selection{Split: "extra"}, cityscapes, 1, 0},
		"images alone":   {"cityscapes", Selection{WithoutLabels: true}, cityscapes, 4, 0},
		"images of some": {"cityscapes", Selection{Split: "train", WithoutLabels: true}, cityscapes, 2, 0},
		"no such split":  {"cityscapes", Selection{Split: "test"}, cityscapes, 0, 0},
		"photos":         {"images", Selection{}, photos, 3, 2}, // a.png and a.jpg are one name; a GIF is not read
		"a glob":         {"images", Selection{Glob: "b/*.jpeg"}, photos, 1, 0},
		"a glob of all":  {"images", Selection{Glob: "*/*"}, photos, 2, 1},
		"one level":      {"images", Selection{Glob: "*.png"}, photos, 1, 0},
		"a bad glob":     {"images", Selection{Glob: "[b"}, photos, 0, 0},
	} {
		a, err := ByName(c.kind)
		if err != nil {
			t.Fatal(err)
		}
		images, faults := matched(t, a.Select(c.part), c.files...)
		if len(images) != c.images || faults != c.faults {
			t.Errorf("%s: %v, %d faults, want %d and %d", name, images, faults, c.images, c.faults)
		}
		for _, image := range images {
			if c.part.WithoutLabels && len(image) > 60 {
				t.Errorf("%s: %s has a label", name, image)
			}
		}
	}
}
