package prepare

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"semidavil"
	"semidavil/configs"
	"semidavil/internal/fixture"
	"semidavil/internal/fixture/scans"
	"semidavil/transforms/shards"
)

// TestHostileVolumes: every fault has its row, with the name of the file and the stage, nothing is
// allocated that a file only claims, and everything else comes through.
func TestHostileVolumes(t *testing.T) {
	root := t.TempDir()
	fixture.Write(t, root, "im/notes.txt", []byte("a folder for the link"))
	fixture.Write(t, root, "pairs.yaml", []byte("name: own\nvolumes: true\ntrain: {images: im, labels: lb}\nval: {images: val, labels: vallb}\ntest: {images: test, labels: testlb}\nclass_set: synapse14\n"))
	image, label := scans.Case(t, 1, scans.Small)
	want := map[string][2]string{} // stage and words by path
	changed := func(f scans.File, change func(*scans.File)) []byte {
		f.Voxels = append([]byte(nil), f.Voxels...)
		change(&f)
		return scans.Gzip(t, f.Bytes())
	}
	plain, packed := image.Bytes(), scans.Gzip(t, image.Bytes())
	same := func(*scans.File) {}
	for name, fault := range map[string]struct {
		image, label []byte
		stage, want  string // of the image's row, or of the label's where the reason names it
	}{
		"cut":      {image: packed[:len(packed)/2], want: "the file ends early"},
		"trailing": {image: append(append([]byte(nil), packed...), "more"...), want: "gzip"},
		"short":    {image: scans.Gzip(t, plain[:len(plain)-2]), want: "ends"},
		"absurd": {image: changed(image, func(f *scans.File) { f.Dims = [3]int{30000, 30000, 30000} }),
			want: "30000 x 30000 x 30000 voxels; want at most"},
		"large":    {image: changed(image, func(f *scans.File) { f.Dims = [3]int{512, 512, 1000} }), want: "ends"},
		"negative": {image: changed(image, func(f *scans.File) { f.Dims[1] = -16 }), want: "axis 2 has -16 voxels"},
		"times":    {image: changed(image, func(f *scans.File) { f.Times, f.Voxels = 2, append(f.Voxels, f.Voxels...) }), want: "2 volumes (time points)"},
		"nan": {image: changed(image, func(f *scans.File) {
			f.Kind, f.Voxels = scans.Float32, make([]byte, 4*len(label.Voxels))
			binary.LittleEndian.PutUint32(f.Voxels[40:], math.Float32bits(float32(math.NaN())))
		}), want: "voxel [10, 0, 0] as stored: NaN"},
		"flat":    {image: changed(image, func(f *scans.File) { f.Affine = [3][4]float64{} }), want: "affine"},
		"picture": {image: append(fixture.PNG(t, fixture.Picture(48, 30, 1)), make([]byte, 200)...), want: "not a NIfTI file"},
		"empty":   {image: []byte{}, stage: "read", want: "the file is empty"},
		"grid":    {label: changed(label, func(f *scans.File) { f.Dims = [3]int{16, 8, 16} }), want: "lb/grid.nii.gz: samples: the label is 16x8x16, its volume 8x16x16"},
		"spacing": {label: changed(label, func(f *scans.File) { f.Affine[0][0] *= 1.1 }), want: "lb/spacing.nii.gz: samples: the voxels of the label are"},
		"unknown": {label: changed(label, func(f *scans.File) { f.Voxels[17] = 77 }), want: "lb/unknown.nii.gz: nifti: read labels: voxel [1, 1, 0] as stored: id 77 is outside"},
		"half": {label: changed(label, func(f *scans.File) {
			f.Kind, f.Voxels = scans.Float32, make([]byte, 4*len(label.Voxels))
			binary.LittleEndian.PutUint32(f.Voxels, math.Float32bits(1.5))
		}), want: "lb/half.nii.gz: nifti: read labels: voxel [0, 0, 0] as stored: id 1.5 is no whole number"},
		"torn":   {label: scans.Gzip(t, label.Bytes())[:60], want: "lb/torn.nii.gz: "},
		"absent": {label: []byte("-"), stage: "match", want: "missing label"},
		"good":   {},
		"link":   {image: []byte("-"), stage: "match", want: "links"},
	} {
		if fault.image == nil {
			fault.image = changed(image, same)
		}
		if fault.label == nil {
			fault.label = changed(label, same)
		}
		if string(fault.image) != "-" {
			fixture.Write(t, root, "im/"+name+".nii.gz", fault.image)
		} else if err := os.Symlink("/etc/hostname", root+"/im/link.nii.gz"); err != nil {
			t.Fatal(err)
		}
		if string(fault.label) != "-" {
			fixture.Write(t, root, "lb/"+name+".nii.gz", fault.label)
		}
		if fault.want != "" {
			if fault.stage == "" {
				fault.stage = "load"
			}
			want["im/"+name+".nii.gz"] = [2]string{fault.stage, fault.want}
		}
	}
	for _, name := range []string{"im/a.nrrd", "im/b.dcm", "im/c.mhd"} {
		fixture.Write(t, root, name, []byte("x"))
		want[name] = [2]string{"match", "volumes are NIfTI files"}
	}
	for _, name := range []string{"im/folder.nii.gz/x.txt", "im/pair.hdr", "lb/orphan.nii.gz"} {
		fixture.Write(t, root, name, packed)
	}
	var output, stdout string
	var err error
	fixture.Modest(t, 160<<20, func() {
		output, stdout, err = prepare(t, func(c *configs.Prepare) {
			c.Target, c.MaxRejects = []string{"pairs:" + root + "/pairs.yaml:" + root}, 1
		})
	})
	if err != nil {
		t.Fatal(err)
	}
	rows := 0
	for line := range strings.Lines(fixture.Tree(t, output)["rejects.jsonl"].Data) {
		var r shards.Reject
		if err := json.Unmarshal([]byte(line), &r); err != nil {
			t.Fatal(err)
		}
		rows++
		if w := want[r.Path]; w[0] == "" || r.Stage != w[0] || !strings.Contains(r.Reason, w[1]) {
			t.Errorf("%+v, want stage %q and %q", r, w[0], w[1])
		}
		if r.Path != "im/link.nii.gz" && strings.Contains(r.Reason, root) {
			t.Errorf("%s: the row depends on where the data are: %s", r.Path, r.Reason)
		}
	}
	m := manifestOf(t, output) // a volume whose label is at fault is unlabelled
	if rows != len(want) || m.Rejects != rows || fmt.Sprint(m.Samples) != "map[labelled:1 unlabelled:6]" {
		t.Errorf("%d rows and %d rejects of %d, samples %v", rows, m.Rejects, len(want), m.Samples)
	}
	if !strings.Contains(stdout, "labels     2 have no image") {
		t.Error(stdout)
	}
}

// TestTooManyVolumesRejected: of all volumes, or of one split, which is the test's here.
func TestTooManyVolumesRejected(t *testing.T) {
	root := t.TempDir()
	scans.Synapse(t, root, 1, 2, 3, 8, 27)
	fixture.Write(t, root, "imagesTr/img0027.nii.gz", []byte("x"))
	set := func(limit float64) func(*configs.Prepare) {
		return func(c *configs.Prepare) { c.Target, c.MaxRejects = []string{"synapse:" + root}, limit }
	}
	output, _, err := prepare(t, set(0.1))
	if err == nil || !strings.Contains(err.Error(), "20.0 % of the volumes were rejected, more than --max_rejects=0.1 allows") {
		t.Error(err)
	}
	if m := manifestOf(t, output); m.Samples[semidavil.Test] != 1 || m.Samples[semidavil.Labelled] != 2 {
		t.Errorf("%v", m.Samples)
	}
	if _, _, err := prepare(t, set(0.4)); err == nil || !strings.Contains(err.Error(), "1 of the 2 volumes of synapse's split test were rejected") {
		t.Error(err)
	}
	if _, _, err := prepare(t, set(0.5)); err != nil {
		t.Error(err)
	}
}

// TestVolumesRefused: settings that do not fit volumes, or each other.
func TestVolumesRefused(t *testing.T) {
	root := t.TempDir()
	scans.Synapse(t, root, 1, 2)
	photos := t.TempDir()
	fixture.GTA5(t, photos, 1)
	for want, change := range map[string]func(*configs.Prepare){
		"--crop is for images":                            func(c *configs.Prepare) { c.Crop, c.Crops = "8x8", 2 },
		"--target_size is for images; give --volume_size": func(c *configs.Prepare) { c.TargetSize = "8x8" },
		"volumes and images are prepared one by one":      func(c *configs.Prepare) { c.Source, c.SourceSize = []string{"gta5:" + photos}, "8x8" },
		"images alone have no classes":                    func(c *configs.Prepare) { c.Target = []string{"volumes:" + root} },
		"values: [5 5]":                                   func(c *configs.Prepare) { c.Values = [2]float64{5, 5} },
		`"8x8": want DEPTHxHEIGHTxWIDTH in voxels`:        func(c *configs.Prepare) { c.VolumeSize = "8x8" },
		"own or half":                                     func(c *configs.Prepare) { c.VolumeSize = "third" },
		"it is data of its own":                           func(c *configs.Prepare) { c.MiniCT = true },
		"4 of the 3 cases":                                func(c *configs.Prepare) { c.Target = nil; miniCT(c); c.Labelled = "4" },
		"--cases: nothing to draw":                        func(c *configs.Prepare) { c.Target = nil; miniCT(c); c.Labelled, c.Cases = "all", [3]int{} },
		"2 labelled target images are asked for, 1 have":  func(c *configs.Prepare) { c.Labelled = "2" },
		"no volumes below":                                func(c *configs.Prepare) { c.Target = []string{"synapse:" + photos} },
	} {
		output, _, err := prepare(t, func(c *configs.Prepare) { c.Target = []string{"synapse:" + root}; change(c) })
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
		if _, err := os.Stat(filepath.Join(output, "manifest.json")); err == nil {
			t.Errorf("%s: the output looks whole", want)
		}
	}
}
