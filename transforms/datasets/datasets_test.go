package datasets

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"semidavil"
	"semidavil/transforms/labels"
	"semidavil/transforms/pixels/fastpng"
)

func TestClassify(t *testing.T) {
	for _, c := range []struct {
		adapter, path string
		want          File
	}{
		{"cityscapes", "leftImg8bit/train/aachen/aachen_000000_000019_leftImg8bit.png", File{Image, "aachen_000000_000019", "train", "", 0}},
		{"cityscapes", "leftImg8bit/train_extra/bonn/bonn_000000_000001_leftImg8bit.png", File{Image, "bonn_000000_000001", "extra", "", 0}},
		{"cityscapes", "gtFine/val/ulm/ulm_000000_000019_gtFine_labelIds.png", File{Label, "ulm_000000_000019", "val", "labelIds", 0}},
		{"cityscapes", "gtFine/val/ulm/ulm_000000_000019_gtFine_labelTrainIds.png", File{Label, "ulm_000000_000019", "val", "labelTrainIds", 1}},
		{"cityscapes", "gtFine/val/ulm/ulm_000000_000019_gtFine_color.png", File{}},
		{"cityscapes", "gtFine/val/ulm/ulm_000000_000019_gtFine_polygons.json", File{}},
		{"cityscapes", "leftImg8bit/test/berlin/berlin_000000_000019_leftImg8bit.png", File{}},
		{"gta5", "images/00001.png", File{Image, "00001", "train", "", 0}},
		{"gta5", "labels/00001.png", File{Label, "00001", "train", "", 0}},
		{"gta5", "images/1.png", File{}},
		{"synthia", "RGB/0000000.png", File{Image, "0000000", "train", "", 0}},
		{"synthia", "GT/LABELS/0000000.png", File{Label, "0000000", "train", "", 0}},
		{"synthia", "GT/COLOR/0000000.png", File{}},
		{"camvid", "train/0001TP_006690.png", File{Image, "0001TP_006690", "train", "", 0}},
		{"camvid", "valannot/0016E5_07959.png", File{Label, "0016E5_07959", "val", "", 0}},
		{"camvid", "test/0016E5_07959.png", File{}},
		{"synapse", "imagesTr/img0009.nii.gz", File{Image, "0009", "train", "", 0}},
		{"synapse", "labelsTr/label0030.nii", File{Label, "0030", "val", "", 0}},
		{"synapse", "labelsTr/label0037.nii.gz", File{Label, "0037", "test", "", 0}},
		{"synapse", "imagesTs/img0061.nii.gz", File{Image, "0061", "extra", "", 0}},
		{"synapse", "imagesTr/img009.nii.gz", File{}},
		{"synapse", "imagesTr/label0009.nii.gz", File{}},
		{"minict", "test/labels/0003.nii.gz", File{Label, "0003", "test", "", 0}},
		{"minict", "extra/images/0003.nii.gz", File{}},
	} {
		a, err := ByName(c.adapter)
		if err != nil {
			t.Fatal(err)
		}
		if got := a.Classify(c.path); got != c.want {
			t.Errorf("%s: %s: %+v, want %+v", c.adapter, c.path, got, c.want)
		}
	}
	if _, err := ByName("kitti"); err == nil || !strings.Contains(err.Error(), "cityscapes, gta5") {
		t.Errorf("unknown data set: %v", err)
	}
}

func TestMatch(t *testing.T) {
	a, _ := ByName("camvid")
	entries := []Entry{{"train/b.png", 3, 0}, {"trainannot/b.png", 4, 0}, {"train/a.png", 1, 0}, {"trainannot/a.png", 1, 0},
		{"train/a.jpg", 1, 0}, {"train/c.png", 1, 0}, {"valannot/d.png", 1, 0}, {"README.md", 1, 0}}
	var first string
	for seed := range uint64(5) {
		rand.New(rand.NewPCG(seed, 0)).Shuffle(len(entries), func(i, j int) { entries[i], entries[j] = entries[j], entries[i] })
		refs, faults, orphans := Match(a, "/r", semidavil.Target, entries)
		got := fmt.Sprint(refs, faults, orphans)
		if first == "" {
			first = got
		}
		if got != first {
			t.Fatalf("the order of entries matters:\n%s\n%s", first, got)
		}
		// a.jpg sorts before a.png, so it is the one that keeps the key.
		if len(refs) != 2 || refs[0].Key != "camvid_train_a" || refs[0].Image != "train/a.jpg" || refs[1].Label != "trainannot/b.png" || refs[1].Bytes != 7 {
			t.Fatalf("refs: %+v", refs)
		}
		if len(faults) != 2 || !strings.Contains(faults[0].Reason, "duplicate key") || !strings.Contains(faults[1].Reason, "missing label") || len(orphans) != 1 {
			t.Fatalf("faults: %+v, orphans %v", faults, orphans)
		}
	}
}

func TestMatchPrefersLabelIDs(t *testing.T) {
	a, _ := ByName("cityscapes")
	stem := "gtFine/train/ulm/ulm_000000_000019_gtFine_"
	image := Entry{"leftImg8bit/train/ulm/ulm_000000_000019_leftImg8bit.png", 1, 0}
	both, faults, _ := Match(a, "", semidavil.Target, []Entry{image, {stem + "labelTrainIds.png", 1, 0}, {stem + "labelIds.png", 1, 0}})
	if len(faults) != 0 || both[0].Encoding != "labelIds" {
		t.Errorf("%+v %+v", both, faults)
	}
	one, _, _ := Match(a, "", semidavil.Target, []Entry{image, {stem + "labelTrainIds.png", 1, 0}})
	if one[0].Encoding != "labelTrainIds" {
		t.Errorf("%+v", one)
	}
}

func TestKeyKeepsIDsApart(t *testing.T) {
	if key := Key("town", "train", strings.Repeat("y", 300)) + "-c9999"; len(key) > 80 {
		t.Errorf("a crop's key has %d bytes", len(key))
	}
	seen := map[string]string{}
	for _, id := range []string{"a/b", "a_b", "a b", "ä", "a.b", strings.Repeat("x", 200), strings.Repeat("x", 201), ""} {
		key := Key("pairs", "train", id)
		if other, dup := seen[key]; dup {
			t.Errorf("%q and %q share %q", id, other, key)
		}
		seen[key] = id
		if len(key) > maxKey || strings.ContainsAny(key, "./ ") {
			t.Errorf("%q: key %q", id, key)
		}
	}
}

const pairsYAML = `
name: town
train: {images: img/train, labels: ann/train}
extra: {images: img/more}
label_suffix: _gt
classes:
  - {name: road, color: [128, 64, 128]}
  - {name: car, color: [0, 0, 142]}
ids: {1: road, 2: car, 0: ignore}
`

func TestPairs(t *testing.T) {
	p, err := ParsePairs([]byte(pairsYAML))
	if err != nil {
		t.Fatal(err)
	}
	a, err := NewPairs(p)
	if err != nil {
		t.Fatal(err)
	}
	refs, faults, _ := Match(a, "", semidavil.Target, []Entry{{"img/train/x/1.jpg", 1, 0}, {"ann/train/x/1_gt.png", 1, 0}, {"img/more/2.png", 1, 0}, {"img/train/3.png", 1, 0}})
	if len(refs) != 2 || refs[0].Split != "extra" || refs[1].Label != "ann/train/x/1_gt.png" || len(faults) != 1 {
		t.Errorf("%+v %+v", refs, faults)
	}
	for id, want := range map[int]uint8{0: 255, 1: 0, 2: 1} {
		if got, ok := a.Tables[""].TrainID(id); got != want || !ok {
			t.Errorf("id %d: %d %v", id, got, ok)
		}
	}
	if err := a.Storage.IDs(&fastpng.IDs{Kind: fastpng.RGB, Depth: 8}); err == nil {
		t.Error("a colour map was accepted as ids")
	}
}

// TestPairsNames: splits share a folder by patterns; an image is in the first that it matches,
// and in none where it matches none.
func TestPairsNames(t *testing.T) {
	p, err := ParsePairs([]byte("name: dusk\ntrain: {images: i, labels: l, names: ['a_0*', 'a_1*']}\nval: {images: i/, labels: l, names: ['a_*']}\nclass_set: camvid11"))
	if err != nil {
		t.Fatal(err)
	}
	a, err := NewPairs(p)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]File{
		"i/a_01.png": {Role: Image, ID: "a_01", Split: "train"}, "l/a_10.png": {Role: Label, ID: "a_10", Split: "train"},
		"i/a_20.png": {Role: Image, ID: "a_20", Split: "val"}, "l/a_20.png": {Role: Label, ID: "a_20", Split: "val"},
		"i/b_01.png": {}, "l/b_01.png": {}, "i/x/a_01.png": {},
	} {
		if got := a.Classify(name); got != want {
			t.Errorf("%s: %+v, want %+v", name, got, want)
		}
	}
}

// TestPairsWideIDs maps what files of 16 bits hold, a -1 among it.
func TestPairsWideIDs(t *testing.T) {
	p, err := ParsePairs([]byte("name: town\ntrain: {images: i, labels: l}\nclass_set: cityscapes19\nids: {0: road, 1000: car, 65535: ignore}"))
	if err != nil {
		t.Fatal(err)
	}
	a, err := NewPairs(p)
	if err != nil {
		t.Fatal(err)
	}
	ids := fastpng.IDs{W: 3, H: 1, Kind: fastpng.Gray, Depth: 16, Pix16: []uint16{65535, 0, 1000}}
	if err := a.Storage.IDs(&ids); err != nil {
		t.Fatal(err)
	}
	out := semidavil.NewLabelMap(3, 1)
	if err := labels.Remap(out, ids, a.Tables[""]); err != nil || fmt.Sprint(out.Pix) != "[255 0 13]" {
		t.Errorf("%v, %v", out.Pix, err)
	}
}

func TestPairsFaults(t *testing.T) {
	for yaml, want := range map[string]string{
		"name: a\ntrian: {}": "trian",
		"name: 'a b'\ntrain: {images: x}\nclass_set: camvid11":                              "want letters",
		"name: a\ntrain: {images: x}":                                                       "no classes",
		"name: a\ntrain: {}\nclass_set: camvid11":                                           "no folder given",
		"name: a\ntrain: {images: x, labels: x}\nclass_set: camvid11":                       "same files",
		"name: a\ntrain: {images: i}\nval: {images: i/val}\nclass_set: camvid11":            `hold the same files`,
		"name: a\ntrain: {images: i}\nval: {images: i, names: ['a*']}\nclass_set: camvid11": `hold the same files`,
		"name: a\ntrain: {images: i, names: ['[']}\nclass_set: camvid11":                    `train: names: "[": syntax error in pattern`,
		"name: a\ntrain: {images: i}\nextra: {images: e, labels: l}\nclass_set: camvid11":   `extra images have no labels`,
		"name: a\ntrain: {images: x}\nclass_set: camvid11\nids: {1: boat}":                  `"boat" is not in the set`,
		"name: a\ntrain: {images: x}\nclass_set: camvid11\nids: {65536: car}":               "pairs: ids: labels: make table: id 65536 to train id 8: want ids of 0 to 65535",
		"name: a\ntrain: {images: x}\nclass_set: camvid11\nids: {-1: car}":                  "a -1 as 255 in 8 bits and as 65535 in 16",
	} {
		p, err := ParsePairs([]byte(yaml))
		if err == nil {
			_, err = NewPairs(p)
		}
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", yaml, err, want)
		}
	}
}

func FuzzParsePairs(f *testing.F) {
	f.Add([]byte(pairsYAML))
	f.Fuzz(func(t *testing.T, data []byte) {
		if p, err := ParsePairs(data); err == nil {
			_, _ = NewPairs(p)
		}
	})
}
