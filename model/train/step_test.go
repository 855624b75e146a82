package train

import (
	"context"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"semidavil"
	"semidavil/internal/fixture/prepared"
	"semidavil/internal/loader"
	"semidavil/model/dlg"
	"semidavil/model/loss"
	"semidavil/model/params"
	"semidavil/model/textfeatures"
)

// TestMixTargets against loops over pixels.
func TestMixTargets(t *testing.T) {
	b := open(t)
	rng := rand.New(rand.NewPCG(1, 2))
	const h, w, k = 3, 5, 4
	for _, u := range []int{1, 2, 3} {
		p := make([]float32, u*h*w*k)
		for i := range p {
			p[i] = rng.Float32()
		}
		mix, paste := make([]uint8, u*h*w), make([]uint8, u*h*w)
		want := make([]float32, len(p))
		for i := range mix {
			mix[i], paste[i] = uint8(rng.IntN(3)), semidavil.Ignore
			if mix[i] == 2 && rng.IntN(4) > 0 {
				paste[i] = uint8(rng.IntN(k))
			}
			image, pixel := i/(h*w), i%(h*w)
			for c := range k {
				at := &want[i*k+c]
				switch mix[i] {
				case 0:
					*at = p[i*k+c]
				case 1:
					*at = p[((image+1)%u*h*w+pixel)*k+c]
				case 2:
					if int(paste[i]) == c {
						*at = 1
					}
				}
			}
		}
		out, err := graph.CallOnceN(b.Backend, func(p, mix, paste *graph.Node) []*graph.Node {
			target := loss.ConsistencyConfig{Target: "soft"}.TargetOf(graph.TransposeAllAxes(p, 3, 0, 1, 2))
			target = mixTargets(target, mix, paste, k)
			return []*graph.Node{graph.TransposeAllAxes(target.Probabilities, 1, 2, 3, 0), graph.ConvertDType(target.Label, dtypes.Float32), target.Confidence}
		}, tensors.FromFlatDataAndDimensions(p, u, h, w, k),
			tensors.FromFlatDataAndDimensions(mix, u, h, w), tensors.FromFlatDataAndDimensions(paste, u, h, w))
		if err != nil {
			t.Fatal(err)
		}
		var values [3][]float32
		for i := range values {
			if values[i], err = tensors.CopyFlatData[float32](out[i]); err != nil {
				t.Fatal(err)
			}
		}
		if !slices.Equal(values[0], want) {
			t.Errorf("%d images: %v\nwant %v", u, values[0], want)
		}
		for i, confidence := range values[2] {
			of := want[i*k : (i+1)*k]
			largest := slices.Max(of)
			if confidence != largest || largest > 0 && of[int(values[1][i])] != largest {
				t.Errorf("%d images: pixel %d is of class %v with %v, of the probabilities %v", u, i, values[1][i], confidence, of)
			}
		}
	}
}

// first makes the first step of a training.
func first(t *testing.T, c Config) (*trainer, Losses) {
	t.Helper()
	tr := trainerOf(t, c)
	return tr, tr.steps(t, 0, 1)[0]
}

// TestGuidanceStartsAtNothing: outer_res adds a map that starts at 0, so the first
// step has the losses of no guidance, and the second does not.
func TestGuidanceStartsAtNothing(t *testing.T) {
	data := prepared.Write(t, prepared.Small)
	guided, plain := testConfig(data, t.TempDir()), testConfig(data, t.TempDir())
	plain.Segmenter.Guidance.Kind = "none"
	a, b := trainerOf(t, guided).steps(t, 0, 3), trainerOf(t, plain).steps(t, 0, 3)
	if near := math.Abs(a[0].Supervised - b[0].Supervised); near > 1e-6 || a[0].Supervised < 0.1 {
		t.Errorf("supervised loss %v with guidance, %v without", a[0].Supervised, b[0].Supervised)
	}
	if math.Abs(a[0].Loss-b[0].Loss) > 1e-6 {
		t.Errorf("loss %v with guidance, %v without", a[0].Loss, b[0].Loss)
	}
	if math.Abs(a[2].Supervised-b[2].Supervised) < 1e-6 {
		t.Error("guidance learns nothing")
	}
}

// TestParts: the loss is that of the parts, and pseudo-labels are kept.
func TestParts(t *testing.T) {
	c := testConfig(prepared.Write(t, prepared.Small), t.TempDir())
	c.Lambda = 0.25
	_, l := first(t, c)
	if math.Abs(l.Loss-l.Supervised-0.25*l.Consistency) > 1e-6 || l.Consistency <= 0 || l.Kept <= 0 || l.Kept > 1 || l.GradientNorm <= 0 {
		t.Errorf("%+v", l)
	}
	c.Consistency.Threshold = 1
	if _, none := first(t, c); none.Consistency != 0 || none.Kept != 0 || math.Abs(none.Supervised-l.Supervised) > 1e-6 {
		t.Errorf("nothing is certain: %+v", none)
	}
}

// changed lists what differs below a network, and what does not.
func changed(before, after params.Values, network string) (yes, no []string) {
	for _, name := range after.Names() {
		path, ok := strings.CutPrefix(name, network+"/")
		switch {
		case !ok || before[name] == nil:
		case map1(name, before).Digest() == map1(name, after).Digest():
			no = append(no, path)
		default:
			yes = append(yes, path)
		}
	}
	return yes, no
}

func spatial(path string) bool {
	return path == "vision/positions" || strings.HasPrefix(path, "vision/blocks/") && strings.Contains(path, "/attn/")
}

// TestWhatIsTrained of a loaded vision tower.
func TestWhatIsTrained(t *testing.T) {
	data, clip := prepared.Write(t, prepared.Small), clipFolder(t, small(), nil)
	for _, vision := range []string{"frozen", "attn", "all"} {
		c := testConfig(data, t.TempDir())
		c.CLIP, c.Vision = clip, vision
		tr := trainerOf(t, c)
		before := tr.values(t)
		tr.steps(t, 0, 2)
		after := tr.values(t)
		yes, no := changed(before, after, Student)
		if len(yes)+len(no) < 20 {
			t.Fatalf("%s: only %d parameters of the tower", vision, len(yes)+len(no))
		}
		teacherYes, teacherNo := changed(before, after, Teacher)
		switch vision {
		case "frozen":
			if len(yes) > 0 {
				t.Errorf("frozen, and yet changed: %v", yes)
			}
			for name := range after {
				if strings.HasPrefix(name, "teacher/vision/") || strings.HasPrefix(name, "optimizer/") && strings.Contains(name, "/vision/") {
					t.Errorf("frozen, and yet there: %s", name)
				}
			}
			if after["teacher/decode/classify/weight"] == nil && len(under(after, "teacher/decode/")) == 0 {
				t.Error("the teacher has no decoder")
			}
		case "attn":
			for _, path := range yes {
				if !spatial(path) {
					t.Errorf("attn changed %s", path)
				}
			}
			for _, path := range no {
				if spatial(path) {
					t.Errorf("attn did not change %s", path)
				}
			}
			for _, path := range teacherYes {
				if !spatial(path) {
					t.Errorf("attn changed the teacher's %s", path)
				}
			}
			if len(teacherNo) != len(no) {
				t.Errorf("the teacher has %d fixed parameters, the student %d", len(teacherNo), len(no))
			}
		case "all":
			for _, path := range []string{"vision/patch/weight", "vision/blocks/0/mlp/up/weight", "vision/blocks/1/ln_1/weight", "vision/ln_pre/bias"} {
				if !slices.Contains(yes, path) {
					t.Errorf("all did not change %s", path)
				}
			}
		}
	}
}

func under(v params.Values, prefix string) (out []string) {
	for name := range v {
		if strings.HasPrefix(name, prefix) {
			out = append(out, name)
		}
	}
	slices.Sort(out)
	return out
}

// TestSourceOnly has no teacher, with class prompts or without.
func TestSourceOnly(t *testing.T) {
	for _, kind := range []string{"outer_res", "vlga"} {
		c := testConfig(prepared.Write(t, prepared.Small), t.TempDir())
		c.Loader.Source, c.Loader.Labelled, c.Loader.Unlabelled, c.Loader.Strong = 2, 0, 0, loader.None
		c.Steps = 2
		withKind(&c, kind)
		s := run(t, c, Watcher{})
		if s.Teacher.Images != 0 || s.Student.Images != 2 {
			t.Errorf("%s: %+v", kind, s)
		}
		tr := trainerOf(t, c)
		l := tr.steps(t, 0, 2)
		if l[0].Consistency != 0 || l[0].Loss != l[0].Supervised {
			t.Errorf("%s: %+v", kind, l[0])
		}
		if got := under(tr.values(t), "teacher/"); got != nil {
			t.Errorf("%s: there are %v", kind, got)
		}
	}
}

// withKind chooses a guidance and what it needs.
func withKind(c *Config, kind string) {
	c.Segmenter.Guidance.Kind = kind
	if !c.Segmenter.Guidance.NeedsClasses() {
		return
	}
	c.Segmenter.Decoder.Kind = "resize"
	for i := range prepared.Classes {
		ids := make([]int32, c.Segmenter.CLIP.Context)
		ids[0], ids[1], ids[2] = 1, int32(10+i), 2
		c.Prompts = append(c.Prompts, textfeatures.Tokens{IDs: ids, Count: 3})
	}
}

// TestKinds: every guidance, loss and augmentation makes a step that learns.
func TestKinds(t *testing.T) {
	data := prepared.Write(t, prepared.Small)
	cases := map[string]func(*Config){
		"dlv3p": func(c *Config) { c.Segmenter.Decoder.Kind = "dlv3p" },
		"gn":    func(c *Config) { c.Segmenter.Decoder.Norm = "gn" },
		"sgd":   func(c *Config) { c.Optimiser.Kind = "sgd" },
		"clip":  func(c *Config) { c.Optimiser.ClipNorm = 0.1 },
		"soft":  func(c *Config) { c.Consistency.Target, c.Consistency.Norm = "soft", "confident" },
		"mixed": func(c *Config) { c.Loader.Strong = loader.ClassMix },
		"rare":  func(c *Config) { c.Loader.RareClass = true },
	}
	for _, kind := range dlg.Kinds() {
		cases["guidance "+kind] = func(c *Config) { withKind(c, kind) }
	}
	for _, kind := range loss.Kinds() {
		cases["loss "+kind] = func(c *Config) { c.Loss.Kind = kind }
	}
	for name, change := range cases {
		c := testConfig(data, t.TempDir())
		change(&c)
		tr, l := first(t, c)
		if !(l.GradientNorm > 0) || l.Supervised == 0 || math.IsNaN(l.Loss) {
			t.Errorf("%s: %+v", name, l)
		}
		if second := tr.steps(t, 1, 2)[0]; math.IsNaN(second.Loss) {
			t.Errorf("%s: %+v", name, second)
		}
	}
}

// TestRemat: recomputing activations changes no more than the order of sums.
func TestRemat(t *testing.T) {
	c := testConfig(prepared.Write(t, prepared.Small), t.TempDir())
	c.Vision = "all"
	c.Optimiser.Kind = "sgd" // AdamW's first steps magnify the rounding of small gradients
	want := trainerOf(t, c).steps(t, 0, 3)
	c.Remat = true
	for i, got := range trainerOf(t, c).steps(t, 0, 3) {
		if math.Abs(got.Loss-want[i].Loss) > 1e-5*want[i].Loss || math.Abs(got.GradientNorm-want[i].GradientNorm) > 1e-4*want[i].GradientNorm {
			t.Errorf("step %d: %+v, without %+v", i+1, got, want[i])
		}
	}
}

// TestAbsent classes are never predicted, and their labels count as ignored ones, in
// the source and in what is pasted.
func TestAbsent(t *testing.T) {
	o := prepared.Small
	o.Counts[0] = 6
	c := testConfig(prepared.Write(t, o), t.TempDir())
	c.Segmenter.Decoder.Absent = []int{1, 3}
	c.Loader.Strong, c.Loader.Source = loader.ClassMix, 2
	batch := func(tr *trainer, to uint8) *loader.Batch {
		b, err := tr.loader.Batch(context.Background(), 0)
		if err != nil {
			t.Fatal(err)
		}
		pasted := 0
		for _, d := range []any{b.Labels.Data(), b.Paste.Data()} {
			for i, v := range d.([]uint8) {
				if v == 1 || v == 3 {
					pasted++
					d.([]uint8)[i] = to
				}
			}
		}
		if pasted == 0 || !slices.ContainsFunc(b.Paste.Data().([]uint8), func(v uint8) bool { return v == to }) {
			t.Fatal("no absent class is in the batch")
		}
		return b
	}
	var got []Losses
	for _, to := range []uint8{1, 3, semidavil.Ignore} {
		tr := trainerOf(t, c)
		l, err := tr.step(0, batch(tr, to))
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, l)
	}
	if got[0] != got[2] || got[1] != got[2] {
		t.Errorf("labels of absent classes count: %+v", got)
	}
	c.Segmenter.Decoder.Absent = nil
	tr := trainerOf(t, c)
	if l, err := tr.step(0, batch(tr, 1)); err != nil || l.Supervised == got[2].Supervised {
		t.Errorf("the labels make no difference where nothing is absent: %+v %v", l, err)
	}
	c.Segmenter.Decoder.Absent = []int{0, 1, 3}
	c.Steps = 1
	s := run(t, c, Watcher{})
	for _, k := range []int{0, 1, 3} {
		if s.Student.IoU[k] != 0 {
			t.Errorf("IoU of the absent class %d is %v", k, s.Student.IoU[k])
		}
	}
	// Only class 2 is left, so all pixels are predicted as it.
	if s.Student.MIoU != s.Student.IoU[2] || s.Student.MIoU <= 0 || s.Student.PixelAccuracy != 1 {
		t.Errorf("%+v", s.Student)
	}
}

// TestOverfits: thirty steps on a few images bring the loss down, and the prediction up.
func TestOverfits(t *testing.T) {
	c := testConfig(prepared.Write(t, prepared.Options{W: 32, H: 32, Counts: [5]int{4, 4, 4, 1}}), t.TempDir())
	c.Loss.Kind, c.Vision, c.Steps, c.EvaluateEvery, c.CheckpointEvery = "ce", "all", 30, 30, 30
	c.Optimiser.LR, c.VisionLR = 1e-2, 1e-3
	c.Schedule.Kind = "constant"
	var losses []float64
	s := run(t, c, Watcher{Step: func(p Progress) { losses = append(losses, p.Supervised) }})
	if len(losses) != 30 || losses[29] > losses[0]/3 {
		t.Errorf("losses %v", losses)
	}
	t.Logf("loss %.3f to %.3f, student %.3f, teacher %.3f", losses[0], losses[29], s.Student.MIoU, s.Teacher.MIoU)
	if s.Student.MIoU < 0.7 || s.Teacher.MIoU < 0.5 {
		t.Errorf("student %v, teacher %v", s.Student.MIoU, s.Teacher.MIoU)
	}
}

// TestBFloat16 steps as float32 does, nearly.
func TestBFloat16(t *testing.T) {
	c := testConfig(prepared.Write(t, prepared.Small), t.TempDir())
	_, want := first(t, c)
	c.BFloat16 = true
	tr, got := first(t, c)
	if math.Abs(got.Supervised-want.Supervised) > 0.05*want.Supervised || got == want {
		t.Errorf("%+v, in float32 %+v", got, want)
	}
	for name, v := range tr.values(t) {
		if dtype := v.Dtype().Name(); dtype != "float32" && dtype != "int64" {
			t.Errorf("%s is kept in %s", name, dtype)
		}
	}
}
