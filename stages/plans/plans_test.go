package plans

import (
	"fmt"
	"strings"
	"testing"

	"semidavil/transforms/datasets"
)

const pairs = `
name: mine
train: {images: photos, labels: masks}
classes:
  - {name: road, color: [128, 64, 128]}
ids: {1: road}
`

// TestAdapter: a built-in data set or a described one, and of either the wanted part.
func TestAdapter(t *testing.T) {
	classified := func(d DataSet, names ...string) string {
		t.Helper()
		a, err := d.Adapter()
		if err != nil {
			t.Fatal(err)
		}
		var out []string
		for _, name := range names {
			f := a.Classify(name)
			out = append(out, fmt.Sprint(f.Role, f.Split))
		}
		return strings.Join(out, " ")
	}
	city := []string{"leftImg8bit/train/ulm/a_leftImg8bit.png", "leftImg8bit/val/bonn/b_leftImg8bit.png", "gtFine/val/bonn/b_gtFine_labelIds.png"}
	mine := []string{"photos/a.png", "masks/a.png", "elsewhere/a.png"}
	for _, c := range []struct {
		set   DataSet
		names []string
		want  string
	}{
		{DataSet{Kind: "cityscapes"}, city, "1train 1val 2val"},
		{DataSet{Kind: "cityscapes", Part: datasets.Selection{Split: "val"}}, city, "0 1val 2val"},
		{DataSet{Kind: "cityscapes", Part: datasets.Selection{WithoutLabels: true}}, city, "1train 1val 0"},
		{DataSet{Kind: "pairs", Pairs: pairs}, mine, "1train 2train 0"},
		{DataSet{Kind: "pairs", Pairs: pairs, Part: datasets.Selection{Glob: "photos/b*"}}, mine, "0 2train 0"},
	} {
		if got := classified(c.set, c.names...); got != c.want {
			t.Errorf("%+v: %q, want %q", c.set, got, c.want)
		}
	}
	for want, set := range map[string]DataSet{
		`"vistas": unknown data set; valid: cityscapes`: {Kind: "vistas"},
		"unknown data set":         {},
		"photo":                    {Kind: "pairs", Pairs: "photo: x"},
		"name: \"\": want letters": {Kind: "pairs", Pairs: strings.Replace(pairs, "name: mine", "", 1)},
	} {
		if _, err := set.Adapter(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: %v, want %s", set, err, want)
		}
	}
}
