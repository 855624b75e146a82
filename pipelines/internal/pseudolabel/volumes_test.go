package pseudolabel

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"semidavil"
	"semidavil/configs"
	"semidavil/internal/fixture"
	"semidavil/internal/fixture/scans"
	"semidavil/internal/fixture/trained"
	"semidavil/model/backend"
	"semidavil/model/checkpoint"
	"semidavil/model/infer"
	"semidavil/stages"
	"semidavil/transforms/samples"
	"semidavil/transforms/shards"
)

// cases writes volumes without labels into two folders, and returns the root.
func cases(t testing.TB, numbers ...int) string {
	t.Helper()
	root := t.TempDir()
	for _, n := range numbers {
		image, _ := scans.Case(t, n, scans.Small)
		fixture.Write(t, root, fmt.Sprintf("day%d/c%02d.nii.gz", n%2, n), scans.Gzip(t, image.Bytes()))
	}
	return root
}

// TestVolumeFiles: the header of a label is that of its volume, whose voxels it labels in their own
// order: those that the network is sure of.
func TestVolumeFiles(t *testing.T) {
	n, root := trained.Volumes(t, 1), t.TempDir()
	image, _ := scans.Case(t, 1, scans.Small)
	image.Description, image.Extension = "a scan of the test", bytes.Repeat([]byte("comment "), 5)
	// From head to feet, left to right and back to front, as the stored axes are.
	turned := image
	turned.Dims = [3]int{8, 16, 16}
	turned.Affine = [3][4]float64{{0, image.Affine[0][0], 0, 3}, {0, 0, image.Affine[1][1], 4}, {-image.Affine[2][2], 0, 0, 5}}
	turned.Voxels = nil
	index := func(d, h, w int) int { return (d*16+h)*16 + w }
	for h := range 16 {
		for w := range 16 {
			for d := range 8 {
				turned.Voxels = append(turned.Voxels, image.Voxels[2*index(7-d, h, w):][:2]...)
			}
		}
	}
	fixture.Write(t, root, "a.nii", image.Bytes())
	fixture.Write(t, root, "sub/b.nii.gz", scans.Gzip(t, turned.Bytes()))
	cfg := settings(t, n, root)
	cfg.Threshold, cfg.Confidence = 0.085, true
	out := must(t, cfg)
	if plot, err := os.ReadFile(cfg.Output + "/" + stages.SharesPlot); err != nil || !strings.Contains(string(plot), "2 volumes; ") || !strings.Contains(string(plot), "share of all voxels") {
		t.Errorf("%v: the plot of the classes is not of voxels", err)
	}

	// What the network says, without the pipeline.
	b, err := backend.Open("go")
	if err != nil {
		t.Fatal(err)
	}
	defer b.Backend.Finalize()
	p, _, err := infer.OpenVolumes(t.Context(), b.Backend, checkpoint.BestPath(n.Output), infer.Student, 0.5)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	v, err := samples.ReadVolume(image.Bytes(), shards.Volumes{Window: [2]float64{-75, 275}})
	if err != nil {
		t.Fatal(err)
	}
	want, err := p.Predict(t.Context(), v.Values, scans.Small)
	if err != nil {
		t.Fatal(err)
	}
	files := fixture.Tree(t, cfg.Output)
	label, confidence := []byte(files["labels/a.nii"].Data), []byte(files["labels/a_confidence.nii"].Data)
	packed := scans.Unpack(t, []byte(files["labels/sub/b.nii.gz"].Data))
	const offset = 352 + 48
	if len(label) != offset+2048 || len(confidence) != len(label) || len(packed) != len(label) {
		t.Fatalf("%d, %d and %d bytes", len(label), len(confidence), len(packed))
	}
	kept := 0
	for i, id := range want.IDs {
		if want.Confidence[i] < 0.085 {
			id = semidavil.Ignore
		} else {
			kept++
		}
		d, h, w := i/256, i/16%16, i%16
		if got := label[offset+i]; got != id {
			t.Fatalf("voxel %d is %d, want %d", i, got, id)
		}
		if got := packed[offset+(h*16+w)*8+7-d]; got != id {
			t.Fatalf("turned, voxel %d is %d, want %d", i, got, id)
		}
		if got, want := confidence[offset+i], uint8(255*want.Confidence[i]+0.5); got != want {
			t.Fatalf("confidence %d is %d, want %d", i, got, want)
		}
	}
	if kept == 0 || kept == 2048 {
		t.Errorf("%d of 2048 voxels are kept: the threshold tells nothing", kept)
	}
	// All of the header but the datatype is that of the volume, and the extension too.
	for name, pair := range map[string][2][]byte{"a": {label, image.Bytes()}, "b": {packed, turned.Bytes()}} {
		head, from := bytes.Clone(pair[0][:offset]), bytes.Clone(pair[1][:offset])
		if head[70] != scans.Uint8 || head[72] != 8 {
			t.Errorf("%s: datatype %d of %d bits", name, head[70], head[72])
		}
		for _, header := range [][]byte{head, from} {
			clear(header[70:74])
		}
		if !bytes.Equal(head, from) {
			t.Errorf("%s: another header:\n%x\n%x", name, head, from)
		}
	}
	for _, w := range []string{"volumes 2, voxels 4096", "portal and splenic ve…", "s a volume", "rejects    0"} {
		if !strings.Contains(out, w) {
			t.Errorf("no %q in\n%s", w, out)
		}
	}
	list := rows(t, cfg.Output)
	a, sub := list["a.nii"], list["sub/b.nii.gz"]
	if len(list) != 2 || a.Label != "labels/a.nii" || sub.Label != "labels/sub/b.nii.gz" || a.Depth != 8 || a.Kept != float64(kept)/2048 || sub.Kept != a.Kept {
		t.Errorf("%+v", list)
	}
}

// TestVolumesAgain: a volume that was labelled in the same way is not looked at again; another file,
// threshold or network makes new labels, and what has none any more goes.
func TestVolumesAgain(t *testing.T) {
	n, root := trained.Volumes(t, 1), cases(t, 1, 2, 3, 4)
	cfg := settings(t, n, root)
	cfg.Threshold, cfg.Confidence, cfg.GroupSize = 0.08, true, 2
	image, _ := scans.Case(t, 2, scans.Small)
	fixture.Write(t, root, "day0/c02.nii.gz", image.Bytes()) // whose size will stay
	must(t, cfg)
	first := fixture.Tree(t, cfg.Output, "run.json")
	again := func(what string, reused int, change func(*configs.Pseudolabel)) map[string]fixture.File {
		t.Helper()
		before := fixture.Tree(t, cfg.Output, "run.json")
		change(&cfg)
		out := must(t, cfg)
		after := fixture.Tree(t, cfg.Output, "run.json")
		if want := fmt.Sprintf("reused     %d of %d volumes", reused, len(rows(t, cfg.Output))); reused > 0 != strings.Contains(out, "reused") || reused > 0 && !strings.Contains(out, want) {
			t.Errorf("%s: want %q in\n%s", what, want, out)
		}
		files := 1
		if cfg.Confidence {
			files = 2
		}
		if made := rewritten(before, after, stages.LabelsFolder); len(made) != files*(len(rows(t, cfg.Output))-reused) {
			t.Errorf("%s: written anew: %v", what, made)
		}
		return after
	}
	nothing := func(*configs.Pseudolabel) {}
	fixture.SameBytes(t, again("nothing", 4, nothing), first)
	for _, name := range []string{"labels/day1/c01.nii.gz", "predictions/volumes_extra_day1_c03-*.json"} {
		found, err := filepath.Glob(filepath.Join(cfg.Output, name))
		if err != nil || len(found) != 1 {
			t.Fatal(name, found, err)
		}
		if err := os.Remove(found[0]); err != nil {
			t.Fatal(err)
		}
		fixture.SameBytes(t, again(name, 3, nothing), first)
	}
	if err := os.Remove(cfg.Output + "/labels/day1/c01_confidence.nii.gz"); err != nil {
		t.Fatal(err)
	}
	fixture.SameBytes(t, again("confidence", 3, nothing), first)

	image, _ = scans.Case(t, 9, scans.Small)
	fixture.Write(t, root, "day0/c02.nii.gz", image.Bytes())
	later := time.Now().Add(time.Minute)
	if err := os.Chtimes(root+"/day0/c02.nii.gz", later, later); err != nil {
		t.Fatal(err)
	}
	if got := again("another file", 3, nothing); got["labels/day0/c02.nii.gz"].Data == first["labels/day0/c02.nii.gz"].Data {
		t.Error("the label is that of the old file")
	}
	earlier := time.Now().Add(-time.Hour)
	if err := os.Chtimes(root+"/day0/c02.nii.gz", earlier, earlier); err != nil {
		t.Fatal(err)
	}
	image, _ = scans.Case(t, 10, scans.Small)
	fixture.Write(t, root, "day1/c03.nii.gz", scans.Gzip(t, image.Bytes()))
	if err := os.Chtimes(root+"/day1/c03.nii.gz", earlier, earlier); err != nil {
		t.Fatal(err)
	}
	again("an older file of another size", 3, nothing)
	if err := os.Remove(root + "/day0/c04.nii.gz"); err != nil {
		t.Fatal(err)
	}
	fixture.Write(t, cfg.Output, "labels/notes.txt", []byte("mine"))
	got := again("a file less", 3, nothing)
	for name := range got {
		if strings.HasPrefix(name, "labels/") && strings.Contains(name, "c04") {
			t.Errorf("%s is left of a volume that is gone", name)
		}
	}
	if got["labels/notes.txt"].Data != "mine" {
		t.Error("a file of the user's is gone")
	}
	refused(t, changed(cfg, func(c *configs.Pseudolabel) { c.Threshold = 0.09 }), "threshold: 0.08 -> 0.09")
	again("another threshold", 0, func(c *configs.Pseudolabel) { c.Threshold, c.Overwrite = 0.09, true })
	other := trained.Volumes(t, 2)
	again("another network", 0, func(c *configs.Pseudolabel) { c.Checkpoint = other.Output })
	again("another overlap", 0, func(c *configs.Pseudolabel) { c.Overlap = 0 })
	for name := range again("no confidences", 0, func(c *configs.Pseudolabel) { c.Confidence = false }) {
		if strings.Contains(name, "confidence") {
			t.Errorf("%s is left", name)
		}
	}
}

func changed(cfg configs.Pseudolabel, change func(*configs.Pseudolabel)) configs.Pseudolabel {
	change(&cfg)
	return cfg
}

// TestVolumeInputs: folders, globs and data sets, of which labels do not matter.
func TestVolumeInputs(t *testing.T) {
	n, root := trained.Volumes(t, 1), cases(t, 1, 2, 3)
	synapse := t.TempDir()
	scans.Synapse(t, synapse, 1, 2, 8)
	image, _ := scans.Case(t, 61, scans.Small)
	fixture.Write(t, synapse, "imagesTs/img0061.nii.gz", scans.Gzip(t, image.Bytes()))
	if err := os.Remove(synapse + "/labelsTr/label0008.nii.gz"); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ input, subset, want string }{
		{root, "", "day0/c02 day1/c01 day1/c03"},
		{root + "/day1/*.nii.gz", "", "c01 c03"},
		{root + "/*/c*.nii.gz", "", "day0/c02 day1/c01 day1/c03"},
		{"volumes:" + root, "", "day0/c02 day1/c01 day1/c03"},
		{"synapse:" + synapse, "", "imagesTr/img0001 imagesTr/img0002 imagesTr/img0008 imagesTs/img0061"},
		{"synapse:" + synapse, "test", "imagesTr/img0008"},
		{"synapse:" + synapse, "extra", "imagesTs/img0061"},
	} {
		cfg := settings(t, n, c.input)
		cfg.Subset = c.subset
		must(t, cfg)
		var got []string
		for _, r := range rows(t, cfg.Output) {
			got = append(got, strings.TrimSuffix(r.Image, ".nii.gz"))
		}
		if slices.Sort(got); strings.Join(got, " ") != c.want || len(rejects(t, cfg.Output)) > 0 {
			t.Errorf("%s %s: %v, want %s; rejects %v", c.input, c.subset, got, c.want, rejects(t, cfg.Output))
		}
	}
	images := network(t)
	for want, change := range map[string]func(*configs.Pseudolabel){
		"prepared volumes have no headers":              func(c *configs.Pseudolabel) { c.Input, c.Subset = n.Data, "val" },
		"holds images; the network of --checkpoint is":  func(c *configs.Pseudolabel) { c.Input = images.Data },
		"city holds images; the network":                func(c *configs.Pseudolabel) { c.Input = "cityscapes:" + folder(t, "city") },
		"holds volumes; the network of --checkpoint is": func(c *configs.Pseudolabel) { c.Checkpoint, c.Input = images.Output, n.Data },
		"one on images": func(c *configs.Pseudolabel) { c.Checkpoint, c.Input = images.Output, "synapse:"+synapse },
		"--rule=cb: volumes are labelled by a fixed": func(c *configs.Pseudolabel) { c.Rule = "cb" },
		"no volumes below":                           func(c *configs.Pseudolabel) { c.Input = photos(t, 1) },
		"a file, not a folder":                       func(c *configs.Pseudolabel) { c.Input = root + "/day0/c02.nii.gz" },
		"it has no teacher":                          func(c *configs.Pseudolabel) { c.Model = "teacher" },
		"0.96 is not within 0 to 0.95":               func(c *configs.Pseudolabel) { c.Overlap = 0.96 },
		"--flip is for images":                       func(c *configs.Pseudolabel) { c.Flip = true },
		"--precision is for images":                  func(c *configs.Pseudolabel) { c.Precision = "bfloat16" },
	} {
		cfg := settings(t, n, root)
		change(&cfg)
		refused(t, cfg, want)
	}
}

// folder makes an empty one of that name.
func folder(t testing.TB, name string) string {
	dir := filepath.Join(t.TempDir(), name)
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	return dir
}

// TestBadVolumes: each has a row, and the others their labels.
func TestBadVolumes(t *testing.T) {
	n, root := trained.Volumes(t, 1), cases(t, 1, 2, 3)
	whole, err := os.ReadFile(root + "/day1/c01.nii.gz")
	if err != nil {
		t.Fatal(err)
	}
	fixture.Write(t, root, "cut.nii.gz", whole[:len(whole)/2])
	fixture.Write(t, root, "empty.nii", nil)
	fixture.Write(t, root, "slices.dcm", []byte("DICM"))
	cfg := settings(t, n, root)
	cfg.Threshold = 0
	refused(t, cfg, "50.0 % of the volumes were rejected, more than --max_rejects=0.05 allows")
	got := rejects(t, cfg.Output)
	for path, want := range map[string]string{"cut.nii.gz": "the file ends early", "empty.nii": "empty", "slices.dcm": "volumes are NIfTI files"} {
		if !strings.Contains(got[path], want) {
			t.Errorf("%s: %q, want %q", path, got[path], want)
		}
	}
	if len(got) != 3 || len(rows(t, cfg.Output)) != 3 {
		t.Errorf("%d rejects, %d rows", len(got), len(rows(t, cfg.Output)))
	}
}

// TestVolumesKilled kills the command at its second volume; the first one is not labelled again.
func TestVolumesKilled(t *testing.T) {
	if testing.Short() {
		t.Skip("starts and kills a process")
	}
	n, root := trained.Volumes(t, 1), t.TempDir()
	for i := range 3 { // of which each takes a while
		image, _ := scans.Case(t, i, semidavil.Grid{D: 24, H: 48, W: 48})
		fixture.Write(t, root, fmt.Sprintf("c%02d.nii.gz", i), scans.Gzip(t, image.Bytes()))
	}
	cfg := settings(t, n, root)
	cfg.Threshold, cfg.Overlap = 0.08, 0.25
	undisturbed := cfg
	undisturbed.Output = t.TempDir()
	must(t, undisturbed)
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	finished := func() int {
		found, err := filepath.Glob(cfg.Output + "/predictions/*.json")
		if err != nil {
			t.Fatal(err)
		}
		return len(found)
	}
	child := exec.Command(self, "-q", "--checkpoint="+cfg.Checkpoint, "--input="+root, "--output="+cfg.Output, "--backend=go", "--threshold=0.08", "--overlap=0.25", "--group_size=3", "--batch=2")
	child.Env = append(os.Environ(), childVariable+"=1", "TMPDIR="+t.TempDir())
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	for begin := time.Now(); finished() < 1 && time.Since(begin) < time.Minute; {
		time.Sleep(time.Millisecond)
	}
	child.Process.Kill()
	child.Wait()
	before := finished()
	if before < 1 || before > 2 {
		t.Fatalf("%d volumes were finished at the kill", before)
	}
	if out := must(t, cfg); !strings.Contains(out, fmt.Sprintf("reused     %d of 3 volumes", before)) {
		t.Errorf("%d were finished\n%s", before, out)
	}
	fixture.SameBytes(t, fixture.Tree(t, cfg.Output, "run.json"), fixture.Tree(t, undisturbed.Output, "run.json"))
}
