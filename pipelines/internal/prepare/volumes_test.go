package prepare

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"semidavil"
	"semidavil/configs"
	"semidavil/internal/fixture"
	"semidavil/internal/fixture/scans"
	"semidavil/transforms/classstats"
	"semidavil/transforms/shards"
)

// miniCT are the settings of three small cases for training, one of them labelled, and one each for
// val and test.
func miniCT(c *configs.Prepare) {
	c.MiniCT, c.Cases, c.CaseSize, c.Labelled = true, [3]int{3, 1, 1}, "24x48x48", "1"
}

func statsOf(t *testing.T, output string) classstats.Table {
	t.Helper()
	table, err := classstats.Decode([]byte(fixture.Tree(t, output)["class_stats.json"].Data))
	if err != nil {
		t.Fatal(err)
	}
	return table
}

// TestMiniCT: the subsets of the drawn cases, their classes as counted in the drawn files, and a
// second run that makes nothing.
func TestMiniCT(t *testing.T) {
	output, stdout, err := prepare(t, miniCT)
	if err != nil {
		t.Fatal(err)
	}
	m := manifestOf(t, output)
	if fmt.Sprint(m.Samples) != "map[labelled:1 test:1 unlabelled:2 val:1]" || m.Rejects != 0 || m.ClassSet != "synapse14" || len(m.Classes) != 14 {
		t.Errorf("%v, %d rejects, %d classes of %s", m.Samples, m.Rejects, len(m.Classes), m.ClassSet)
	}
	if m.Volumes == nil || *m.Volumes != (shards.Volumes{Window: [2]float64{-75, 275}}) || m.Enlarged != 0 || m.Turned != nil {
		t.Errorf("volumes %+v, %d enlarged, turned %v", m.Volumes, m.Enlarged, m.Turned)
	}
	if fmt.Sprint(m.Splits) != "[{minict test 1 0} {minict train 3 0} {minict val 1 0}]" {
		t.Errorf("splits %v", m.Splits)
	}
	table := statsOf(t, output)
	for _, subset := range []semidavil.Subset{semidavil.Labelled, semidavil.Val, semidavil.Test} {
		var want [256]uint64
		for _, s := range samplesOf(t, output, subset) {
			file, err := os.ReadFile(filepath.Join(output, "minict", strings.Replace(s.Meta.Source, "images", "labels", 1)))
			if err != nil {
				t.Fatal(err)
			}
			for id, n := range scans.Counts(t, file) {
				want[id] += n
			}
		}
		if got := table.Subsets[subset].Pixels; !slices.Equal(got, want[:14]) || want[0] == 0 || want[6] == 0 {
			t.Errorf("%s: %v, the files have %v", subset, got, want[:14])
		}
	}
	if !strings.Contains(stdout, "portal and splenic vein") || !strings.Contains(stdout, "(manifest.json, shards, class_stats.svg)") {
		t.Error(stdout)
	}
	before := fixture.Tree(t, output, "run.json")
	if _, stdout, err = prepare(t, func(c *configs.Prepare) { miniCT(c); c.Output = output }); err != nil || !strings.Contains(stdout, "reused     4 of 4") {
		t.Errorf("%v\n%s", err, stdout)
	}
	fixture.SameBytes(t, fixture.Tree(t, output, "run.json"), before)
	for name, f := range fixture.Tree(t, output+"/shards") {
		if !f.Changed.Equal(before["shards/"+name].Changed) {
			t.Errorf("%s was written again", name)
		}
	}
	// Elsewhere it gives the same bytes, and with other numbers of workers and of samples in a shard
	// the same samples.
	other, _, err := prepare(t, func(c *configs.Prepare) { miniCT(c); c.Workers, c.ShardSamples = 1, 1 })
	if err != nil {
		t.Fatal(err)
	}
	for _, subset := range []semidavil.Subset{semidavil.Labelled, semidavil.Unlabelled, semidavil.Val, semidavil.Test} {
		if a, b := sorted(samplesOf(t, other, subset)), sorted(samplesOf(t, output, subset)); len(a) == 0 || !reflect.DeepEqual(a, b) {
			t.Errorf("%s has other samples", subset)
		}
	}
}

func sorted(s []shards.Sample) []shards.Sample {
	slices.SortFunc(s, func(a, b shards.Sample) int { return strings.Compare(a.Key, b.Key) })
	return s
}

// TestVolumePseudoLabels: unlabelled volumes are labelled by an output of pseudolabel; where it is of
// another volume, or holds an id that is none, the volume is rejected.
func TestVolumePseudoLabels(t *testing.T) {
	output, _, err := prepare(t, miniCT)
	if err != nil {
		t.Fatal(err)
	}
	labels, rows := t.TempDir(), ""
	data := output + "/minict"
	var want [256]uint64
	for i, s := range sorted(samplesOf(t, output, semidavil.Unlabelled)) {
		truth, err := os.ReadFile(filepath.Join(data, strings.Replace(s.Meta.Source, "images", "labels", 1)))
		if err != nil {
			t.Fatal(err)
		}
		for id, n := range scans.Counts(t, truth) {
			want[id] += n
		}
		name := fmt.Sprintf("labels/%d.nii.gz", i)
		fixture.Write(t, labels, name, truth)
		rows += fmt.Sprintf(`{"key":%q,"image":%q,"sha256":%q,"label":%q,"width":48,"height":48,"depth":24,"kept":1}`+"\n", s.Key, s.Meta.Source, s.Meta.SourceSHA256, name)
	}
	fixture.Write(t, labels, "labels.jsonl", []byte(rows))
	again := func(c *configs.Prepare) {
		c.Target, c.Labelled, c.PseudoLabels = []string{"minict:" + data}, "1", labels
	}
	made, _, err := prepare(t, again)
	if err != nil {
		t.Fatal(err)
	}
	m := manifestOf(t, made)
	if m.Pseudo != 2 || m.Samples[semidavil.Labelled] != 3 || m.Samples[semidavil.Unlabelled] != 2 || m.Rejects != 0 {
		t.Errorf("%d pseudo-labels, %v, %d rejects", m.Pseudo, m.Samples, m.Rejects)
	}
	var got [256]uint64
	for _, s := range samplesOf(t, made, semidavil.Labelled) {
		if s.Meta.Pseudo {
			for c, n := range s.Meta.Pixels {
				got[c] += n
			}
		}
	}
	if got != want {
		t.Errorf("pseudo-labels count %v, want %v", got[:14], want[:14])
	}
	fixture.Write(t, labels, "labels.jsonl", []byte(strings.Replace(rows, `"sha256":"`, `"sha256":"00`, 1)))
	if made, _, err = prepare(t, func(c *configs.Prepare) { again(c); c.MaxRejects = 0.9 }); err != nil {
		t.Fatal(err)
	}
	if m := manifestOf(t, made); m.Pseudo != 1 || m.Rejects != 1 {
		t.Errorf("%d pseudo-labels and %d rejects with a label of another volume", m.Pseudo, m.Rejects)
	}
}

// TestMiniCTAnew: other choices replace what was drawn and prepared, and nothing else is left of it.
func TestMiniCTAnew(t *testing.T) {
	small := func(c *configs.Prepare) { miniCT(c); c.CaseSize = "8x16x16" }
	output, _, err := prepare(t, small)
	if err != nil {
		t.Fatal(err)
	}
	for want, change := range map[string]func(*configs.Prepare){
		"seed: 0 -> 5":                       func(c *configs.Prepare) { c.Seed = 5 },
		`case_size: "8x16x16" -> "12x20x20"`: func(c *configs.Prepare) { c.CaseSize = "12x20x20" },
		"cases: [3,1,1] -> [2,1,0]":          func(c *configs.Prepare) { c.Cases, c.VolumeSize = [3]int{2, 1, 0}, "half" },
	} {
		other := t.TempDir()
		if err := os.CopyFS(other, os.DirFS(output)); err != nil {
			t.Fatal(err)
		}
		set := func(c *configs.Prepare) { small(c); change(c); c.Output = other }
		if _, _, err := prepare(t, set); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
		fixture.SameBytes(t, fixture.Tree(t, other), fixture.Tree(t, output))
		if _, _, err := prepare(t, func(c *configs.Prepare) { set(c); c.Overwrite = true }); err != nil {
			t.Errorf("%s: %v", want, err)
			continue
		}
		fresh, _, err := prepare(t, func(c *configs.Prepare) { small(c); change(c) })
		if err != nil {
			t.Fatal(err)
		}
		fixture.SameBytes(t, fixture.Tree(t, other, "run.json"), fixture.Tree(t, fresh, "run.json"))
	}
}

// TestSynapse: the published splits, and lists that name cases as other programs do.
func TestSynapse(t *testing.T) {
	root := t.TempDir()
	scans.Synapse(t, root, 1, 2, 8, 9, 21, 25)
	image, _ := scans.Case(t, 61, scans.Small)
	fixture.Write(t, root, "imagesTs/img0061.nii.gz", scans.Gzip(t, image.Bytes()))
	for _, c := range []struct{ list, labelled, unlabelled string }{
		{"", "0002 0009 0021 0025", "0002 0009 0021 0025 0061"},
		{"0009\n0021\n", "0009 0021", "0002 0025 0061"},
		{"# 20 %\nimg0009\nimg0021.nii.gz\n", "0009 0021", "0002 0025 0061"},
		{"imagesTr/img0009.nii.gz labelsTr/label0009.nii.gz\r\nsynapse_train_0021\r\n", "0009 0021", "0002 0025 0061"},
	} {
		list := filepath.Join(t.TempDir(), "list.txt")
		fixture.Write(t, filepath.Dir(list), "list.txt", []byte(c.list))
		output, _, err := prepare(t, func(p *configs.Prepare) {
			if p.Target = []string{"synapse:" + root}; c.list != "" {
				p.LabelledList = list
			}
		})
		if err != nil {
			t.Errorf("%q: %v", c.list, err)
			continue
		}
		for subset, want := range map[semidavil.Subset]string{semidavil.Labelled: c.labelled, semidavil.Unlabelled: c.unlabelled, semidavil.Val: "0001", semidavil.Test: "0008"} {
			var got []string
			for _, s := range samplesOf(t, output, subset) {
				got = append(got, s.Key[strings.LastIndex(s.Key, "_")+1:])
				if (s.Label != nil) != (subset != semidavil.Unlabelled) || s.Meta.Domain != semidavil.Target || s.Meta.Volume == nil {
					t.Errorf("%s: %+v", s.Key, s.Meta)
				}
			}
			if slices.Sort(got); strings.Join(got, " ") != want {
				t.Errorf("%q: %s has %v, want %s", c.list, subset, got, want)
			}
		}
	}
	for list, want := range map[string]string{"0009\n0008\n": `line 2: "0008" is no labelled target`, "img0061\n": "line 1"} {
		file := filepath.Join(t.TempDir(), "list.txt")
		fixture.Write(t, filepath.Dir(file), "list.txt", []byte(list))
		_, _, err := prepare(t, func(p *configs.Prepare) { p.Target, p.LabelledList = []string{"synapse:" + root}, file })
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %s", list, err, want)
		}
	}
}

// TestVolumeSizes: sizes and spacings of stored volumes, and values that are those of the file, clipped
// and scaled.
func TestVolumeSizes(t *testing.T) {
	root := t.TempDir()
	scans.Synapse(t, root, 2)
	image, label := scans.Case(t, 2, scans.Small)
	for size, want := range map[string]string{"own": "[8 16 16]", "half": "[8 8 8]", "12x20x24": "[12 20 24]"} {
		output, _, err := prepare(t, func(c *configs.Prepare) {
			c.Target, c.VolumeSize, c.Values = []string{"synapse:" + root}, size, [2]float64{-100, 100}
		})
		if err != nil {
			t.Errorf("%s: %v", size, err)
			continue
		}
		s := samplesOf(t, output, semidavil.Labelled)[0]
		g := s.Meta.Volume
		if fmt.Sprint(g.Size) != want || fmt.Sprint(g.SourceSize) != "[8 16 16]" || s.Meta.Size != [2]int{} {
			t.Errorf("%s: %+v", size, g)
		}
		stored := values(t, s)
		if len(stored) != g.Size[0]*g.Size[1]*g.Size[2] || len(s.Label)%64 != len(stored)%64 {
			t.Errorf("%s: %d values, %d bytes of labels", size, len(stored), len(s.Label))
		}
		for i, n := range g.Size { // the same part of the body
			if a, b := g.Spacing[i]*float64(n), g.SourceSpacing[i]*float64(g.SourceSize[i]); math.Abs(a-b) > 1e-4*b {
				t.Errorf("%s: axis %d was %g mm, is %g", size, i, b, a)
			}
		}
		if size != "own" {
			continue
		}
		for i, v := range stored {
			hu := float64(int16(binary.LittleEndian.Uint16(image.Voxels[2*i:])))
			if want := (min(max(hu, -100), 100) + 100) / 200; math.Abs(float64(v)-want) > 1e-6 {
				t.Fatalf("value %d is %g, of %g", i, v, hu)
			}
		}
		if !bytes.HasSuffix(s.Label, label.Voxels) {
			t.Error("other labels than in the file")
		}
	}
}

// values decodes the values of a stored volume by hand.
func values(t *testing.T, s shards.Sample) []float32 {
	t.Helper()
	data := bytes.SplitN(s.Volume, []byte("\n"), 2)[1]
	out := make([]float32, len(data)/4)
	for i := range out {
		out[i] = math.Float32frombits(binary.LittleEndian.Uint32(data[4*i:]))
	}
	return out
}
