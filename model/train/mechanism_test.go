package train

import (
	"math/rand/v2"
	"os"
	"slices"
	"testing"

	"semidavil"
	"semidavil/internal/fixture/prepared"
	"semidavil/internal/loader"
	"semidavil/model/dlg"
	"semidavil/transforms/metrics"
)

// mechanism is a training that is long enough to show what a part of the method is for.
func mechanism(data, output string, steps int) Config {
	c := testConfig(data, output)
	c.Segmenter.CLIP.ImageSize, c.Segmenter.CLIP.Embed = 32, 32
	c.Loss.Kind, c.Vision = "ce", "all"
	c.Optimiser.LR, c.VisionLR, c.Schedule.Kind = 1e-2, 3e-3, "poly"
	c.Steps, c.LogEvery, c.EvaluateEvery, c.CheckpointEvery = steps, steps, steps, steps
	return c
}

// The classes of twins: both twins look the same.
const (
	ground = iota
	twinA
	twinB
	sky
)

// twins draws pairs of scenes of the same pixels, in which only a word of the caption says
// which of the twins is there. Words without a meaning may stand before and behind it, so
// that it has no fixed place.
func twins(subset semidavil.Subset, i int, image *semidavil.Image, label *semidavil.LabelMap) (tokens []int32) {
	const patch = 8
	colours := [prepared.Classes][3]int{ground: {110, 120, 100}, twinA: {200, 40, 40}, twinB: {200, 40, 40}, sky: {90, 150, 220}}
	pixels := rand.New(rand.NewPCG(uint64(len(subset)), uint64(i/2)))
	twin := twinA + i%2
	left, top := pixels.IntN(image.W/patch-1), 1+pixels.IntN(image.H/patch-2) // an object of 2x2 patches
	for at := range label.Pix {
		x, y := at%image.W/patch, at/image.W/patch
		class := ground
		switch {
		case y == 0:
			class = sky
		case x-left == 0 || x-left == 1:
			if y-top == 0 || y-top == 1 {
				class = twin
			}
		}
		label.Pix[at] = uint8(class)
		for k, v := range colours[class] {
			image.Pix[3*at+k] = uint8(v + pixels.IntN(33) - 16)
		}
	}
	words := rand.New(rand.NewPCG(uint64(len(subset)), uint64(i)+1<<32))
	fill := func() {
		if words.IntN(2) > 0 {
			tokens = append(tokens, int32(10+words.IntN(6)))
		}
	}
	tokens = append(tokens, 1) // start of text
	fill()
	tokens = append(tokens, int32(twin))
	fill()
	return append(tokens, prepared.Vocab-1) // end of text
}

// TestCaptionDecides: the pixels of twins follow the caption, also when it is exchanged: the
// val scenes come with either caption. Whoever does not read it predicts the same for both.
// Of a pixels that are then predicted as one twin and b as the other, the IoUs are a/(2a+b)
// and b/(a+2b), whose mean is 1/3 at most.
//
// All kinds of guidance are tried with SEMIDAVIL_SLOW=1.
func TestCaptionDecides(t *testing.T) {
	data := prepared.Write(t, prepared.Options{W: 32, H: 32, Counts: [5]int{64, 64, 0, 32}, Draw: twins})
	for _, kind := range dlg.Kinds() {
		if !slices.Contains([]string{"outer_res", "sum_res", "none"}, kind) && os.Getenv("SEMIDAVIL_SLOW") == "" {
			continue
		}
		c := mechanism(data, t.TempDir(), 160)
		withKind(&c, kind)
		c.Loader.Source, c.Loader.Labelled, c.Loader.Unlabelled, c.Loader.Strong = 4, 4, 0, loader.None
		iou := run(t, c, Watcher{}).Student.IoU
		t.Logf("%s: IoU %.3f", kind, iou)
		if iou[ground] < 0.9 || iou[sky] < 0.9 {
			t.Errorf("%s: the IoU of what can be seen is %.3f and %.3f", kind, iou[ground], iou[sky])
		}
		blind := kind == "none" || c.Segmenter.Guidance.NeedsClasses()
		if !blind && min(iou[twinA], iou[twinB]) < 0.7 {
			t.Errorf("%s: the pixels do not follow the caption: the IoU of the twins is %.3f and %.3f", kind, iou[twinA], iou[twinB])
		}
		if blind && (iou[twinA]+iou[twinB])/2 > 0.334 {
			t.Errorf("%s tells the twins apart without a caption: IoU %.3f and %.3f", kind, iou[twinA], iou[twinB])
		}
	}
}

// looks draws four fields. A class shows in their pattern and in their colour; the new look,
// of the unlabelled and the val scenes, is darker, and its colours are more or less gray.
func looks(subset semidavil.Subset, i int, image *semidavil.Image, label *semidavil.LabelMap) []int32 {
	const field = 16
	colours := [prepared.Classes][3]float64{{70, 30, 30}, {-60, 50, -40}, {-40, -30, 80}, {50, 50, -70}}
	rng := rand.New(rand.NewPCG(uint64(len(subset)), uint64(i)))
	light, contrast, saturation := 128.0, 30.0, 1.0
	if subset == semidavil.Unlabelled || subset == semidavil.Val {
		light, contrast, saturation = 103, 23, 0.5*rng.Float64()
	}
	var classes [4]int
	for j := range classes {
		classes[j] = rng.IntN(prepared.Classes)
	}
	for at := range label.Pix {
		x, y := at%image.W, at/image.W
		class := classes[x/field+2*(y/field)]
		label.Pix[at] = uint8(class)
		bright := [prepared.Classes]int{x / 2, y / 2, x/2 + y/2, x/4 + y/4}[class]%2 == 1
		for k, colour := range colours[class] {
			v := light + saturation*colour - contrast + 8*rng.NormFloat64()
			if bright {
				v += 2 * contrast
			}
			image.Pix[3*at+k] = uint8(min(max(v, 0), 255))
		}
	}
	return []int32{1, 2, prepared.Vocab - 1}
}

// TestUnlabelledLift: unlabelled scenes of a new look teach what labelled ones of the old
// look cannot, by the consistency loss. Without it they still help a little, since their
// statistics move those of the batch normalisation.
func TestUnlabelledLift(t *testing.T) {
	data := prepared.Write(t, prepared.Options{W: 32, H: 32, Counts: [5]int{32, 0, 32, 32}, Draw: looks})
	score := func(unlabelled int, lambda float64) (student, teacher metrics.Fraction) {
		c := mechanism(data, t.TempDir(), 96)
		c.Segmenter.Guidance.Kind = "none"
		c.Loader.Source, c.Loader.Labelled, c.Loader.Unlabelled = 4, 0, unlabelled
		c.Seed, c.Loader.Seed = 6, 6
		c.Loader.Flip = false // the patterns have a phase
		c.Lambda, c.Consistency.Threshold, c.Alpha = lambda, 0.95, 0.95
		s := run(t, c, Watcher{})
		return s.Student.MIoU, s.Teacher.MIoU
	}
	alone, _ := score(0, 0)
	cut, _ := score(4, 0)
	student, teacher := score(4, 1)
	t.Logf("mIoU of the new look: labelled scenes alone %.3f, consistency cut %.3f, with it %.3f and %.3f of the teacher", alone, cut, student, teacher)
	if student < alone+0.15 || student < cut+0.09 || teacher < cut+0.09 {
		t.Errorf("unlabelled scenes give no lift: mIoU %.3f, teacher %.3f; labelled scenes alone %.3f, consistency cut %.3f", student, teacher, alone, cut)
	}
}
