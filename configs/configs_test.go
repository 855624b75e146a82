package configs

import (
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"semidavil/transforms/datasets"
)

func TestDefaultsAreValid(t *testing.T) {
	for _, cfg := range []interface{ Validate() error }{DefaultPrepare(), DefaultTrain(), DefaultPretrain()} {
		if err := cfg.Validate(); err != nil {
			t.Errorf("%T: %v", cfg, err)
		}
	}
}

// TestExamples: every example file is read without a fault.
func TestExamples(t *testing.T) {
	files, err := filepath.Glob("examples/*.yaml")
	if err != nil || len(files) < 3 {
		t.Fatal(files, err)
	}
	for _, name := range files {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasSuffix(name, "pairs.yaml") {
			p, err := datasets.ParsePairs(data)
			if err == nil {
				_, err = datasets.NewPairs(p)
			}
			if err != nil {
				t.Errorf("%s: %v", name, err)
			}
			continue
		}
		var cfg interface{ Validate() error }
		command, _, _ := strings.Cut(filepath.Base(name), "_")
		switch command {
		case "train":
			c := DefaultTrain()
			err, cfg = Decode(data, &c), &c
		case "ablate":
			c := DefaultAblate()
			err, cfg = Decode(data, &c), &c
		default:
			c := DefaultPrepare()
			err, cfg = Decode(data, &c), &c
		}
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if err := cfg.Validate(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestLayers: defaults, YAML over them, given flags over that, and flags that
// were not given leave YAML alone.
func TestLayers(t *testing.T) {
	given := DefaultPrepare()
	line := flag.NewFlagSet("line", flag.ContinueOnError)
	Bind(line, &given)
	if err := line.Parse([]string{"--seed=7", "--source=gta5:/a,synthia:/b", "--source=camvid:/c", "--scenes=1,2,3,4"}); err != nil {
		t.Fatal(err)
	}
	cfg := DefaultPrepare()
	if err := Decode([]byte("seed: 3\nfilter: lanczos\nsource: [gta5:/x]\n"), &cfg); err != nil {
		t.Fatal(err)
	}
	bound := flag.NewFlagSet("bound", flag.ContinueOnError)
	Bind(bound, &cfg)
	if err := Overlay(line, bound); err != nil {
		t.Fatal(err)
	}
	if cfg.Seed != 7 || cfg.Filter != "lanczos" || strings.Join(cfg.Source, " ") != "gta5:/a synthia:/b camvid:/c" || cfg.Scenes != [4]int{1, 2, 3, 4} {
		t.Errorf("%+v", cfg)
	}
}

// TestEmptyFilesChangeNothing: comments alone must not wipe the defaults.
func TestEmptyFilesChangeNothing(t *testing.T) {
	for _, file := range []string{"", "\n", "# only a comment\n", "---\n"} {
		cfg := DefaultPrepare()
		if err := Decode([]byte(file), &cfg); err != nil || !reflect.DeepEqual(cfg, DefaultPrepare()) {
			t.Errorf("%q: %v %+v", file, err, cfg)
		}
	}
}

// TestCaptionURLHoldsNoSecret: the configuration is stored beside the output.
func TestCaptionURLHoldsNoSecret(t *testing.T) {
	for url, fine := range map[string]bool{
		"http://localhost:8000/v1": true, "https://x.example/openai?api-version=2026-01": true,
		"https://x.example/v1?api-key=abc": false, "https://x.example/v1?api-version=1&code=abc": false,
	} {
		cfg := DefaultPrepare()
		cfg.Captions, cfg.CaptionURL, cfg.CaptionModel = "http", url, "m"
		if err := cfg.Validate(); (err == nil) != fine || err != nil && strings.Contains(err.Error(), "abc") {
			t.Errorf("%s: %v", url, err)
		}
	}
}

func TestParseDataset(t *testing.T) {
	for arg, want := range map[string]Dataset{
		"gta5:/data/a:b":           {Kind: "gta5", Root: "/data/a:b"},
		"cityscapes:gs://b/o":      {Kind: "cityscapes", Root: "gs://b/o"},
		"pairs:x/p.yaml:gs://b/o":  {Kind: "pairs", Pairs: "x/p.yaml", Root: "gs://b/o"},
		"pairs:gs://c/p.yml:/data": {Kind: "pairs", Pairs: "gs://c/p.yml", Root: "/data"},
		"pairs:12:10/P.YAML:/d:a":  {Kind: "pairs", Pairs: "12:10/P.YAML", Root: "/d:a"},
	} {
		if got, err := ParseDataset(arg); err != nil || got != want {
			t.Errorf("%s: %+v %v", arg, got, err)
		}
	}
	for _, arg := range []string{"", "gta5", "gta5:", ":/data", "pairs:/data", "pairs:p.yaml:"} {
		if _, err := ParseDataset(arg); err == nil {
			t.Errorf("%q accepted", arg)
		}
	}
}

func TestChangesNamesTheKeys(t *testing.T) {
	got := strings.Join(Changes([]byte(`{"a":1,"b":2,"c":3}`), []byte(`{"a":1,"b":5}`)), "; ")
	if got != "b: 2 -> 5; c: 3 -> none" {
		t.Error(got)
	}
}

// FuzzDecode reads anything as the settings of one of the commands, and what is read once more
// as it is recorded.
func FuzzDecode(f *testing.F) {
	for command := range byte(8) {
		f.Add(command, []byte("seed: 1\nsource: [a:b]\n"))
		f.Add(command, []byte("size: 1099511627776x2\nbatch: [1, 1099511627776]\nsteps: 0x7fffffffffffffff\n"))
	}
	f.Fuzz(func(t *testing.T, command byte, data []byte) {
		switch command % 8 {
		case 0:
			checkSettings(t, data, DefaultPrepare())
		case 1:
			checkSettings(t, data, DefaultTrain())
		case 2:
			checkSettings(t, data, DefaultPretrain())
		case 3:
			checkSettings(t, data, DefaultPseudolabel())
		case 4:
			checkSettings(t, data, DefaultEvaluate())
		case 5:
			checkSettings(t, data, DefaultAblate())
		case 6:
			checkSettings(t, data, DefaultDemo())
		case 7:
			checkSettings(t, data, DefaultExport())
		}
	})
}

func checkSettings[C interface{ Validate() error }](t *testing.T, data []byte, cfg C) {
	if Decode(data, &cfg) != nil || cfg.Validate() != nil {
		return
	}
	record, err := NewRecord("x", "prism", cfg, cfg)
	if err != nil {
		t.Fatal(err)
	}
	var again C
	if err := json.Unmarshal(record.Config, &again); err != nil {
		t.Fatal(err)
	}
	if back, err := json.Marshal(again); err != nil || string(back) != string(record.Config) {
		t.Fatalf("%s reads back as %s, %v", record.Config, back, err)
	}
}

// TestPublicLayouts: the examples for public data sets pair an image with its label where these
// have them, and take no other file for a label.
func TestPublicLayouts(t *testing.T) {
	for _, layout := range []struct{ file, split, image, label, other string }{
		{"acdc", "train", "rgb_anon/night/train/GOPR0351/GOPR0351_frame_000159_rgb_anon.png", "gt/night/train/GOPR0351/GOPR0351_frame_000159_gt_labelTrainIds.png", "gt/night/train/GOPR0351/GOPR0351_frame_000159_gt_labelColor.png"},
		{"acdc", "val", "rgb_anon/fog/val/GOPR0476/GOPR0476_frame_000854_rgb_anon.png", "gt/fog/val/GOPR0476/GOPR0476_frame_000854_gt_labelTrainIds.png", "rgb_anon/fog/val_ref/GOPR0476/GOPR0476_frame_000854_rgb_ref_anon.png"},
		{"acdc", "extra", "rgb_anon/snow/test/GOPR0604/GOPR0604_frame_000043_rgb_anon.png", "", "gt_trainval.zip"},
		{"bdd100k", "train", "images/10k/train/0004a4c0-d4dff0ad.jpg", "labels/sem_seg/masks/train/0004a4c0-d4dff0ad.png", "labels/sem_seg/colormaps/train/0004a4c0-d4dff0ad.png"},
		{"bdd100k", "extra", "images/10k/test/ac6d4f42-00000000.jpg", "", "images/100k/train/0000f77c-6257be58.jpg"},
		{"idd", "val", "leftImg8bit/val/119/638495_leftImg8bit.png", "gtFine/val/119/638495_gtFine_labelcsTrainIds.png", "gtFine/val/119/638495_gtFine_polygons.json"},
		{"vistas", "train", "training/images/_1Gn_xkw7sa_i9GU4mkxxQ.jpg", "training/labels/_1Gn_xkw7sa_i9GU4mkxxQ.png", "training/instances/_1Gn_xkw7sa_i9GU4mkxxQ.png"},
	} {
		data, err := os.ReadFile("examples/" + layout.file + "_pairs.yaml")
		if err != nil {
			t.Fatal(err)
		}
		p, err := datasets.ParsePairs(data)
		if err != nil {
			t.Fatal(err)
		}
		a, err := datasets.NewPairs(p)
		if err != nil {
			t.Fatal(err)
		}
		image, label := a.Classify(layout.image), a.Classify(layout.label)
		if image.Role != datasets.Image || image.Split != layout.split {
			t.Errorf("%s: %s is %+v", layout.file, layout.image, image)
		}
		if layout.label != "" && (label.Role != datasets.Label || label.ID != image.ID || label.Split != image.Split) {
			t.Errorf("%s: %s is %+v, its image %+v", layout.file, layout.label, label, image)
		}
		if other := a.Classify(layout.other); other.Role != datasets.Other {
			t.Errorf("%s: %s is %+v", layout.file, layout.other, other)
		}
	}
}
