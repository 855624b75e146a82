package prepare

import (
	"cmp"
	"flag"
	"reflect"
	"strings"
	"testing"

	"semidavil"
	"semidavil/configs"
	"semidavil/internal/fixture"
	"semidavil/transforms/shards"
)

// TestTexts: the texts that people write mean the same from every editor, and what cannot
// be read is told with the name of its file.
func TestTexts(t *testing.T) {
	root := t.TempDir()
	for _, name := range []string{"1", "2", "3"} {
		fixture.Write(t, root, "im/"+name+".png", fixture.PNG(t, fixture.Picture(8, 8, len(name))))
		fixture.Write(t, root, "lb/"+name+".png", fixture.PNG(t, fixture.IDs(8, 8, func(_, _ int) uint8 { return 1 })))
	}
	texts := map[string]string{
		"c.yaml":         "labelled_list: LIST\nseed: 3\nimage_format: png\n",
		"p.yaml":         "name: town\ntrain: {images: im, labels: lb}\nclass_set: cityscapes19\nids: {1: road, 7: ignore}\nsize: [8, 8]\n",
		"list":           "town_train_3\nim/1.png\n",
		"captions.jsonl": `{"image":"im/1.png","caption":"A car."}` + "\n" + `{"image":"im/2.png","caption":"Two."}` + "\n",
		"im/3.txt":       "A street.\n",
	}
	texts["c.yaml"] = strings.ReplaceAll(texts["c.yaml"], "LIST", root+"/list")
	run := func() (shards.Manifest, []shards.Sample, error) {
		var bad error
		output, _, err := prepare(t, func(c *configs.Prepare) {
			output := c.Output
			bad = configs.DecodeFile(t.Context(), root+"/c.yaml", c)
			c.Output, c.Target = output, []string{"pairs:" + root + "/p.yaml:" + root}
		})
		if err = cmp.Or(bad, err); err != nil {
			return shards.Manifest{}, nil, err
		}
		return manifestOf(t, output), samplesOf(t, output, semidavil.Labelled), nil
	}
	var plain shards.Manifest
	for _, form := range []struct {
		name   string
		change func(string) string
	}{
		{"plain", func(s string) string { return s }},
		{"mark", func(s string) string { return "\uFEFF" + s }},
		{"CRLF", func(s string) string { return strings.ReplaceAll(s, "\n", "\r\n") }},
		{"CR", func(s string) string { return strings.ReplaceAll(s, "\n", "\r") }},
		{"mark, CRLF, no end", func(s string) string {
			return "\uFEFF" + strings.ReplaceAll(strings.TrimSuffix(s, "\n"), "\n", "\r\n")
		}},
	} {
		for name, text := range texts {
			fixture.Write(t, root, name, []byte(form.change(text)))
		}
		got, samples, err := run()
		if err != nil {
			t.Errorf("%s: %v", form.name, err)
			continue
		}
		if form.name == "plain" {
			plain = got
			if len(samples) != 2 || samples[0].Caption != "A car." || samples[1].Caption != "A street." {
				t.Errorf("%+v", samples)
			}
		}
		if !reflect.DeepEqual(got.Shards, plain.Shards) {
			t.Errorf("%s: other shards", form.name)
		}
	}
	for text, want := range map[string]string{"\xFF\xFEa\x00": "UTF-16", "\nname: \xE4\n": "line 2, byte 7 is not UTF-8", "a\x00": "NUL"} {
		for name, own := range texts {
			if name == "captions.jsonl" || name == "im/3.txt" { // of images, which are rejected
				continue
			}
			fixture.Write(t, root, name, []byte(text))
			_, _, err := run()
			if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), root+"/"+name) {
				t.Errorf("%s: %v, want %s", name, err, want)
			}
			fixture.Write(t, root, name, []byte(own))
		}
	}
}

// TestPathsOfOddNames: no character of a folder's name changes what is written.
func TestPathsOfOddNames(t *testing.T) {
	root := t.TempDir()
	var plain shards.Manifest
	for _, name := range []string{"plain", "gta5:x", "run_12:10:00", "a*b?", "[1]", "a,b", `50%#&"q`, "ü b"} {
		fixture.GTA5(t, root+"/"+name, 2)
		var output string
		_, _, err := prepare(t, func(c *configs.Prepare) {
			c.Output = root + "/out/" + name
			output = c.Output
			fs := flag.NewFlagSet("", flag.ContinueOnError)
			configs.Bind(fs, c)
			if err := fs.Parse([]string{"--source=gta5:" + root + "/" + name, "--source_size=24x15"}); err != nil {
				t.Error(err)
			}
		})
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		got := manifestOf(t, output)
		if name == "plain" {
			plain = got
		}
		if len(got.Shards) == 0 || !reflect.DeepEqual(got.Shards, plain.Shards) {
			t.Errorf("%s: other shards", name)
		}
	}
}
