package evaluate

import (
	"bytes"
	"encoding/json"
	"fmt"
	"image/png"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"semidavil/configs"
	"semidavil/internal/fixture"
	"semidavil/internal/fixture/scans"
	"semidavil/internal/fixture/trained"
	"semidavil/pipelines"
	"semidavil/pipelines/internal/commands/commandstest"
	"semidavil/pipelines/internal/prepare"
	"semidavil/runners"
	"semidavil/stages"
	"semidavil/transforms/metrics"
	"semidavil/transforms/shards"
)

// ofVolumes evaluates volumes and returns the report.
func ofVolumes(t testing.TB, cfg configs.Evaluate) (string, stages.VolumeEvaluation) {
	t.Helper()
	out, err := command(t, cfg)
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	e, err := stages.ReadVolumeEvaluation(t.Context(), cfg.Output)
	if err != nil {
		t.Fatal(err)
	}
	return out, e
}

// volumeScores are the lines of images.jsonl by key.
func volumeScores(t testing.TB, output string) map[string]stages.VolumeScore {
	t.Helper()
	scores := map[string]stages.VolumeScore{}
	data, err := os.ReadFile(filepath.Join(output, stages.ScoresFile))
	if err != nil {
		t.Fatal(err)
	}
	for line := range bytes.Lines(data) {
		var s stages.VolumeScore
		if err := json.Unmarshal(line, &s); err != nil {
			t.Fatal(err)
		}
		scores[s.Key] = s
	}
	return scores
}

// scored are settings that score files.
func scored(t testing.TB, data, predictions string) configs.Evaluate {
	cfg := configs.DefaultEvaluate()
	cfg.Data, cfg.Predictions, cfg.Output = data, predictions, t.TempDir()
	return cfg
}

// TestOrientations: the labels themselves are perfect predictions, however they are stored.
func TestOrientations(t *testing.T) {
	root := t.TempDir()
	scans.Orientations(t, root)
	cfg := scored(t, "pairs:"+root+"/pairs.yaml:"+root, root+"/lb")
	cfg.Subset, cfg.Pictures = "train", 1
	out, e := ofVolumes(t, cfg)
	if e.Volumes != 48 || e.Rejects != 0 || !strings.Contains(out, "every voxel is right: are the predictions") {
		t.Errorf("%d volumes, %d rejects\n%s", e.Volumes, e.Rejects, out)
	}
	for _, rule := range metrics.OrganRules {
		for k, o := range append(e.Organs[rule].Organs, e.Organs[rule].Mean) {
			if o.Dice != 1 || o.ASD != 0 {
				t.Errorf("%s: organ %d: %+v", rule, k+1, o)
			}
		}
	}
	// Turned by a file that says another orientation, they are not.
	image, err := os.ReadFile(root + "/lb/00.nii.gz")
	if err != nil {
		t.Fatal(err)
	}
	other := t.TempDir()
	for i := range 48 {
		fixture.Write(t, other, fmt.Sprintf("%02d.nii.gz", i), image)
	}
	cfg = scored(t, cfg.Data, other)
	cfg.Subset, cfg.MaxRejects = "train", 1
	_, e = ofVolumes(t, cfg)
	if e.Volumes+e.Rejects != 48 || e.Rejects != 47 {
		t.Errorf("%d volumes, %d rejects", e.Volumes, e.Rejects)
	}
}

// TestAgainstFormulas scores wrong predictions against masks that are counted here: Dice from the
// numbers of voxels, distances between all voxels of two surfaces.
func TestAgainstFormulas(t *testing.T) {
	root, predictions := t.TempDir(), t.TempDir()
	scans.Synapse(t, root, 1, 7, 23)
	truths, guesses := map[string][]uint8{}, map[string][]uint8{}
	spacings := map[string][3]float64{} // along D, H and W
	for _, n := range []int{1, 7, 23} {
		image, label := scans.Case(t, n, scans.Small)
		spacing := [3]float64{image.Affine[2][2], image.Affine[1][1], image.Affine[0][0]}
		guess := label
		guess.Voxels = make([]uint8, len(label.Voxels))
		for i := range guess.Voxels { // moved, and without the liver of one case
			guess.Voxels[i] = label.Voxels[max(0, i-1-n%3*17)]
			if n == 7 && guess.Voxels[i] == 6 {
				guess.Voxels[i] = 0
			}
		}
		key := fmt.Sprintf("synapse_val_%04d", n)
		truths[key], guesses[key], spacings[key] = label.Voxels, guess.Voxels, spacing
		fixture.Write(t, predictions, fmt.Sprintf("img%04d.nii.gz", n), scans.Gzip(t, guess.Bytes()))
	}
	cfg := scored(t, "synapse:"+root, predictions)
	out, e := ofVolumes(t, cfg)
	means := map[metrics.OrganRule][]float64{}
	for key, s := range volumeScores(t, cfg.Output) {
		for _, rule := range metrics.OrganRules {
			unit := [3]float64{1, 1, 1}
			if rule == metrics.Strict {
				unit = spacings[key]
			}
			for k := 1; k < 14; k++ {
				dice, asd := organ(guesses[key], truths[key], uint8(k), rule, unit)
				got := s.Rules[rule][k-1]
				if !same(float64(got.Dice), dice) || !same(float64(got.ASD), asd) {
					t.Errorf("%s: %s: organ %d: %v and %v, want %v and %v", key, rule, k, got.Dice, got.ASD, dice, asd)
				}
				means[rule] = append(means[rule], dice)
			}
		}
	}
	for rule, all := range means {
		sum := 0.0
		for _, d := range all {
			sum += d
		}
		if got := e.Organs[rule].Mean.Dice; !same(float64(got), sum/float64(len(all))) || len(all) != 3*13 {
			t.Errorf("%s: mean %v, want %v", rule, got, sum/float64(len(all)))
		}
	}
	// What people read says the same.
	files := fixture.Tree(t, cfg.Output)
	mean := fmt.Sprintf("%.1f", 100*float64(e.Organs[metrics.Strict].Mean.Dice))
	for name, words := range map[string][]string{
		"report.md":                     {"right adrenal gland", mean, "compat", "strict"},
		"dice.svg":                      {"<svg", "Dice of each organ, 3 volumes", "portal and splenic vein"},
		"report.json":                   {`"class_set"`, `"volumes": 3`, `"strict"`, `"compat"`},
		"pictures/synapse_val_0023.png": {"PNG"},
	} {
		for _, want := range words {
			if !strings.Contains(files[name].Data, want) {
				t.Errorf("%s has no %q: %.300s", name, want, files[name].Data)
			}
		}
	}
	for _, want := range []string{"portal and splenic vein", mean, "volumes    3, ", "rejects    0\n", "report.json, report.md, dice.svg, images.jsonl, pictures"} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
	// The slices of a picture show the body, not only what is above and below some value.
	m, err := png.Decode(strings.NewReader(files["pictures/synapse_val_0023.png"].Data))
	if err != nil {
		t.Fatal(err)
	}
	white, body := 0, 0
	for y := range m.Bounds().Dy() {
		for x := range m.Bounds().Dx() / 4 {
			switch r, g, b, _ := m.At(x, y).RGBA(); {
			case r != g || g != b:
			case r>>8 == 255:
				white++
			case r>>8 > 32 && r>>8 < 240:
				body++
			}
		}
	}
	if white > body/4 {
		t.Errorf("%d pixels are white, %d gray", white, body)
	}
}

func same(a, b float64) bool {
	return math.IsNaN(a) && math.IsNaN(b) || math.Abs(a-b) <= 1e-9*max(1, b)
}

// organ scores one organ by the definitions.
func organ(pred, truth []uint8, k uint8, rule metrics.OrganRule, unit [3]float64) (dice, asd float64) {
	var p, g, both float64
	for i := range pred {
		if pred[i] == k {
			p++
		}
		if truth[i] == k {
			g++
		}
		if pred[i] == k && truth[i] == k {
			both++
		}
	}
	switch {
	case p > 0 && g > 0:
	case rule == metrics.Compat && p+g == 0:
		return 0.01, 0
	case rule == metrics.Compat:
		return 0, 128
	case p+g == 0:
		return 1, math.NaN()
	default:
		return 0, math.NaN()
	}
	from, to, sum := surface(pred, k), surface(truth, k), 0.0
	for _, a := range from {
		best := math.Inf(1)
		for _, b := range to {
			d := 0.0
			for i := range a {
				d += math.Pow((a[i]-b[i])*unit[i], 2)
			}
			best = min(best, d)
		}
		sum += math.Sqrt(best)
	}
	return 2 * both / (p + g), sum / float64(len(from))
}

// surface lists the voxels of a mask that have one of their six neighbours outside of it.
func surface(ids []uint8, k uint8) (out [][3]float64) {
	g := scans.Small
	in := func(z, y, x int) bool {
		return z >= 0 && z < g.D && y >= 0 && y < g.H && x >= 0 && x < g.W && ids[(z*g.H+y)*g.W+x] == k
	}
	for z := range g.D {
		for y := range g.H {
			for x := range g.W {
				inner := in(z-1, y, x) && in(z+1, y, x) && in(z, y-1, x) && in(z, y+1, x) && in(z, y, x-1) && in(z, y, x+1)
				if in(z, y, x) && !inner {
					out = append(out, [3]float64{float64(z), float64(y), float64(x)})
				}
			}
		}
	}
	return out
}

// TestPreparedVolumes: shards of the volumes' own size are scored as the files are.
func TestPreparedVolumes(t *testing.T) {
	root := t.TempDir()
	scans.Synapse(t, root, 1, 2, 7, 8)
	p := configs.DefaultPrepare()
	p.Target, p.Output = []string{"synapse:" + root}, t.TempDir()
	if _, err := commandstest.Run(prepare.Command(pipelines.Prepare), "prism", p); err != nil {
		t.Fatal(err)
	}
	n := trained.Volumes(t, 1)
	for subset, volumes := range map[string]int{"val": 2, "test": 1} {
		cfg := settings(t, n, p.Output)
		cfg.Subset = subset
		out, stored := ofVolumes(t, cfg)
		cfg = settings(t, n, "synapse:"+root)
		cfg.Subset = subset
		_, raw := ofVolumes(t, cfg)
		a, err := json.Marshal(stored)
		if err != nil {
			t.Fatal(err)
		}
		b, err := json.Marshal(raw)
		if err != nil {
			t.Fatal(err)
		}
		if stored.Volumes != volumes || !bytes.Equal(a, b) || stored.Organs[metrics.Strict].Mean.Dice == 0 {
			t.Errorf("%s: %s of shards, %s of files\n%s", subset, a, b, out)
		}
		if pictures, err := filepath.Glob(cfg.Output + "/pictures/*.png"); err != nil || len(pictures) != 1 {
			t.Errorf("%s: pictures %v, %v", subset, pictures, err)
		}
	}
	// A smaller size has other labels.
	own := p.Output
	p.VolumeSize, p.Output = "half", t.TempDir()
	if _, err := commandstest.Run(prepare.Command(pipelines.Prepare), "prism", p); err != nil {
		t.Fatal(err)
	}
	for want, change := range map[string]func(*configs.Evaluate){
		"other values or sizes of volumes than":      func(c *configs.Evaluate) { c.Data = p.Output },
		"has no source volumes":                      func(c *configs.Evaluate) { c.Subset = "source" },
		"unknown; valid of a prepared":               func(c *configs.Evaluate) { c.Subset = "few" },
		"these have no labels to compare":            func(c *configs.Evaluate) { c.Subset = "unlabelled" },
		"volumes have no captions":                   func(c *configs.Evaluate) { c.CaptionCheck = true },
		"volumes are scored with one network":        func(c *configs.Evaluate) { c.Models = []string{"student", "teacher"} },
		"best weights are the student's; the tea":    func(c *configs.Evaluate) { c.Models, c.Checkpoint = []string{"teacher"}, n.Output+"/best.safetensors" },
		"files belong to the volumes of a data set":  func(c *configs.Evaluate) { c.Predictions = root + "/labelsTr" },
		"--predictions: ":                            func(c *configs.Evaluate) { c.Data, c.Predictions = "synapse:"+root, root+"/absent" },
		"there are no NIfTI files":                   func(c *configs.Evaluate) { c.Data, c.Predictions = "synapse:"+root, t.TempDir() },
		"volumes alone have no labels":               func(c *configs.Evaluate) { c.Data = "volumes:" + root },
		"no volumes of split extra":                  func(c *configs.Evaluate) { c.Data, c.Subset = "synapse:"+root, "extra" },
		"is one on volumes; give volumes that":       func(c *configs.Evaluate) { c.Data = network(t).Data },
		"is of a network on images, the data are vo": func(c *configs.Evaluate) { c.Checkpoint = network(t).Output },
		"--scales is for images":                     func(c *configs.Evaluate) { c.Scales = []float64{1, 2} },
		"--flip is for images":                       func(c *configs.Evaluate) { c.Flip = true },
		"--size is for images":                       func(c *configs.Evaluate) { c.Size = "8x8" },
	} {
		cfg := settings(t, n, own)
		change(&cfg)
		_, err := command(t, cfg)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
		if left, _ := filepath.Glob(cfg.Output + "/*"); len(left) > 0 && runners.ExitCode(err) == runners.ExitUsage {
			t.Errorf("%s: left %q", want, left)
		}
	}
}

// TestPredictionsByName: a prediction is found by the path of its volume or of its label, else by
// their names, and what is missing or at fault is a row.
func TestPredictionsByName(t *testing.T) {
	const image, label = "imagesTr/img%04d.nii.gz", "labelsTr/label%04d.nii.gz"
	_, other := scans.Case(t, 99, scans.Small)
	wrong := scans.Gzip(t, other.Bytes())
	changed := func(f scans.File, change func(*scans.File)) []byte {
		f.Voxels = bytes.Clone(f.Voxels)
		change(&f)
		return scans.Gzip(t, f.Bytes())
	}
	root, predictions := t.TempDir(), t.TempDir()
	want := map[string]string{} // words of the reject by key, or the Dice of the liver
	for i, c := range []struct {
		right, wrong []string // paths, with the number of the case
		change       func(*scans.File)
		want         string
	}{
		{right: []string{image}, wrong: []string{"x/label%04d.nii.gz", "img%04d.nii.gz"}},
		{right: []string{label}, wrong: []string{"label%04d.nii.gz", "img%04d.nii.gz"}},
		{right: []string{"some/where/label%04d.nii.gz"}},
		{right: []string{"label%04d.nii.gz"}, wrong: []string{"img%04d.nii.gz"}},
		{right: []string{"img%04d.nii.gz"}, wrong: []string{"img%04d_confidence.nii.gz", "img%04d.nii.gz.bak"}},
		{right: []string{"a/img%04d.nii.gz", "b/img%04d.nii.gz"}, want: "several predictions are named img"},
		{right: []string{"img%04d.nii.gz", "b/img%04d.nii.gz"}, want: "several predictions are named img"},
		{right: []string{"B/label%04d.nii.gz", "label%04d.nii.gz"}, want: "several predictions are named label"},
		{right: []string{"c/img%04d.nii.gz", "d/img%04d.nii.gz", "e/img%04d.nii.gz"}, want: "several predictions"},
		{right: []string{"img%04d.nii"}, want: "there is no prediction named imagesTr/img"},
		{right: []string{"img%04d.nii.gz"}, change: func(f *scans.File) { f.Voxels[0] = 99 }, want: "voxel [0, 0, 0] as stored: id 99"},
		{right: []string{"img%04d.nii.gz"}, change: func(f *scans.File) { f.Dims = [3]int{16, 8, 16} }, want: "samples: the label is 16x8x16"},
		{right: []string{"img%04d.nii.gz"}, change: func(f *scans.File) { f.Affine[2][2] *= 2 }, want: "the voxels of the label are"},
		{right: []string{"img%04d.nii.gz"}, change: func(f *scans.File) { f.Times = 2 }, want: "time points"},
		{right: []string{"img%04d.nii.gz"}, change: func(f *scans.File) { f.Voxels = f.Voxels[1:] }, want: "nifti: decode: gzip"},
		{right: []string{"img%04d.nii.gz"}, change: func(f *scans.File) { f.Voxels = bytes.Repeat([]uint8{255}, len(f.Voxels)) }, want: "0.0"},
	} {
		n := []int{2, 3, 4, 5, 6, 9, 10, 21, 22, 24, 25, 26, 28, 31, 32, 34}[i]
		scans.Synapse(t, root, n)
		_, truth := scans.Case(t, n, scans.Small)
		if c.change == nil {
			c.change = func(*scans.File) {}
		}
		for _, rel := range c.right {
			fixture.Write(t, predictions, fmt.Sprintf(rel, n), changed(truth, c.change))
		}
		for _, rel := range c.wrong {
			fixture.Write(t, predictions, fmt.Sprintf(rel, n), wrong)
		}
		if c.want == "" {
			c.want = "100.0"
		}
		want[fmt.Sprintf("synapse_train_%04d", n)] = c.want
	}
	cfg := scored(t, "synapse:"+root, predictions)
	cfg.Subset, cfg.MaxRejects, cfg.Pictures = "train", 1, 0
	_, e := ofVolumes(t, cfg)
	if e.Volumes != 6 || e.Rejects != 10 {
		t.Errorf("%d volumes, %d rejects", e.Volumes, e.Rejects)
	}
	for line := range strings.Lines(fixture.Tree(t, cfg.Output)["rejects.jsonl"].Data) {
		var r shards.Reject
		if err := json.Unmarshal([]byte(line), &r); err != nil {
			t.Fatal(err)
		}
		if w := want[r.Key]; len(w) < 6 || r.Stage != "score" || !strings.Contains(r.Reason, w) || !strings.HasPrefix(r.Path, "imagesTr/img") {
			t.Errorf("%+v, want %q", r, w)
		}
		delete(want, r.Key)
	}
	for key, s := range volumeScores(t, cfg.Output) {
		if got := s.Rules[metrics.Strict][5].Dice.String(); got != want[key] {
			t.Errorf("%s: Dice of the liver %s, want %s", key, got, want[key])
		}
		delete(want, key)
	}
	if len(want) > 0 {
		t.Errorf("neither scored nor rejected: %v", want)
	}
	cfg.MaxRejects, cfg.Overwrite = 0.6, true
	if _, err := command(t, cfg); err == nil || !strings.Contains(err.Error(), "62.5 % of the volumes were rejected, more than --max_rejects=0.6 allows") {
		t.Error(err)
	}
}
