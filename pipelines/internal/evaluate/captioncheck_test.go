package evaluate

import (
	"encoding/json"
	"fmt"
	"path"
	"strings"
	"testing"

	"semidavil"
	"semidavil/internal/fixture"
	"semidavil/internal/fixture/trained"
	"semidavil/model/infer"
	"semidavil/stages"
)

// captionOf is where the caption of a val image of a fixture stands.
func captionOf(i int) string { return strings.TrimSuffix(imageOf(i), ".png") + ".txt" }

// TestCaptionCheck: the scores with exchanged captions are those of a run of its own over
// sidecars that were exchanged by hand, those with the class names of one with
// --captions=classnames, and those with none of a network that reads an empty text.
func TestCaptionCheck(t *testing.T) {
	const images = 5
	n, root := network(t), t.TempDir()
	fixture.Cityscapes(t, root, 0, images, 0)
	captions := map[string]string{} // by file name of the image
	for i, text := range []string{"a road and two cars", "people beside a bus", "a train behind trees", "a road and two cars", "night over a long wall with bicycles"} {
		fixture.Write(t, root, captionOf(i), []byte(text))
		captions[path.Base(imageOf(i))] = text
	}
	cfg := settings(t, n, "cityscapes:"+root)
	cfg.Models, cfg.CaptionCheck, cfg.CaptionSeed = []string{"student", "teacher"}, true, 4
	stdout, checked := must(t, cfg)
	if c := checked.Captions; c == nil || !c.Read || c.Guidance != "outer_res" || c.Seed != 4 || len(c.Scores) != 8 {
		t.Fatalf("%+v", c)
	}
	files := wellFormed(t, cfg.Output)
	for _, name := range []string{"student_captions.svg", "teacher_captions.svg"} {
		if !strings.Contains(files[name].Data, "class names (mean") {
			t.Errorf("%s lacks a bar", name)
		}
	}
	for _, text := range []string{stdout, files[stages.TableFile].Data} {
		if !strings.Contains(text, "other images'") || !strings.Contains(text, "Mean IoU of the teacher beside that") {
			t.Errorf("no table of captions in\n%s", text)
		}
	}
	// The images by whose captions they had.
	of, by := map[string]string{}, map[string]string{}
	for line := range strings.Lines(files[stages.ScoresFile].Data) {
		var s stages.ImageScore
		if err := json.Unmarshal([]byte(line), &s); err != nil {
			t.Fatal(err)
		}
		by[s.Key] = path.Base(s.Image)
		if s.Captions == stages.OtherCaption && s.Network == "student" {
			of[path.Base(s.Image)] = s.CaptionOf
		}
	}
	hand := settings(t, n, "cityscapes:"+root)
	hand.Models = cfg.Models
	_, own := must(t, hand)
	for i := range images {
		name := path.Base(imageOf(i))
		text := captions[by[of[name]]]
		if text == captions[name] || text == "" {
			t.Fatalf("%s has %q of %q", name, text, of[name])
		}
		fixture.Write(t, root, captionOf(i), []byte(text))
	}
	hand.Output = t.TempDir()
	_, other := must(t, hand)
	hand.Output, hand.Captions = t.TempDir(), "classnames"
	_, names := must(t, hand)
	var none []pair // of the student
	oracle := trained.NewOracle(t, infer.Options{Checkpoint: n.Best(), Network: "student"})
	for i := range images {
		p, _, _ := oracle.Image(t, read(t, root, imageOf(i)), "")
		none = append(none, pair{trainIDs(t, read(t, root, labelOf(i)), true), p.Label, nil})
	}
	empty := count(none)
	different := map[string]bool{}
	for i, s := range checked.Captions.Scores {
		kind := []string{stages.OwnCaption, stages.OtherCaption, stages.ClassNamesCaption, stages.NoCaption}[i%4]
		if s.Captions != kind || s.Network != cfg.Models[i/4] {
			t.Fatalf("scores %d are those of the %s with %s", i, s.Network, s.Captions)
		}
		different[fmt.Sprint(s.Scores)] = true
		if kind == stages.NoCaption {
			if i < 4 && (!near(s.Scores[0].MeanIoU, empty.mean) || !near(s.Scores[0].PixelAccuracy, empty.accuracy)) {
				t.Errorf("without captions: %v, want %v", s.Scores[0].MeanIoU, empty.mean)
			}
			continue
		}
		want := map[string]stages.Evaluation{stages.OwnCaption: own, stages.OtherCaption: other, stages.ClassNamesCaption: names}[kind].Networks[i/4]
		if fmt.Sprint(s.Scores) != fmt.Sprint(want.Report.Scores) {
			t.Errorf("the %s with %s captions: %v, want %v", s.Network, kind, s.Scores, want.Report.Scores)
		}
	}
	if len(different) < 7 {
		t.Errorf("only %d of 8 scores differ: captions decide too little here", len(different))
	}
	a, err := json.Marshal(checked.Networks)
	if err != nil {
		t.Fatal(err)
	}
	if b, err := json.Marshal(own.Networks); err != nil || string(a) != string(b) {
		t.Errorf("the check changes the report: %v", err)
	}
}

// TestCaptionCheckWithout: a network without guidance says so, and images of one caption have
// no others.
func TestCaptionCheckWithout(t *testing.T) {
	n, root := trained.Write(t, trained.Options{Set: semidavil.Cityscapes19, Guidance: "none"}), t.TempDir()
	fixture.Cityscapes(t, root, 0, 2, 0)
	cfg := settings(t, n, "cityscapes:"+root)
	cfg.CaptionCheck = true
	stdout, e := must(t, cfg)
	const want = "The network reads no captions (guidance none)"
	if e.Captions == nil || e.Captions.Read || len(e.Captions.Scores) != 0 || strings.Count(stdout, want) != 1 || strings.Count(string(read(t, cfg.Output, stages.TableFile)), want) != 1 {
		t.Errorf("%+v\n%s", e.Captions, stdout)
	}
	cfg = settings(t, network(t), "cityscapes:"+root) // without captions: class names all over
	cfg.CaptionCheck = true
	stdout, e = must(t, cfg)
	if len(e.Captions.Scores) != 3 || !strings.Contains(stdout, "All images have the same caption") {
		t.Errorf("%+v\n%s", e.Captions.Scores, stdout)
	}
	if a, b := fmt.Sprint(e.Captions.Scores[0].Scores), fmt.Sprint(e.Captions.Scores[1].Scores); a != b {
		t.Errorf("class names as own captions and as further ones: %s, %s", a, b)
	}
}
