package configs

import (
	"flag"
	"io"
	"reflect"
	"strings"
	"testing"
)

// TestInlineKeys: settings that several pipelines share are plain keys of the file, and
// unknown keys are refused all the same.
func TestInlineKeys(t *testing.T) {
	e := DefaultEvaluate()
	if err := Decode([]byte("data: d\ncheckpoint: c\nscales: [0.5, 1]\ncaptions: classnames\nmodels: [teacher]\nbatch: 7\n"), &e); err != nil {
		t.Fatal(err)
	}
	if e.Data != "d" || e.Checkpoint != "c" || len(e.Scales) != 2 || e.Captions != "classnames" || e.Batch != 7 || e.Models[0] != "teacher" || e.Filter != "bicubic" {
		t.Errorf("%+v", e)
	}
	p := DefaultPseudolabel()
	if err := Decode([]byte("input: i\nrule: cb\ncaption_model: m\nwindow: whole\n"), &p); err != nil || p.Rule != "cb" || p.CaptionModel != "m" || p.Window != "whole" || p.Threshold != 0.95 {
		t.Errorf("%v %+v", err, p)
	}
	for _, c := range []any{new(Evaluate), new(Pseudolabel), new(Prepare), new(Ablate), new(Caption)} {
		if err := Decode([]byte("capshuns: x\n"), c); err == nil || !strings.Contains(err.Error(), "capshuns") {
			t.Errorf("%T: %v", c, err)
		}
	}
}

// TestFlagsCoverFields: what a file can say, flags can say.
func TestFlagsCoverFields(t *testing.T) {
	keys := func(v any) map[string]bool {
		out := map[string]bool{}
		var walk func(reflect.Type)
		walk = func(x reflect.Type) {
			for i := range x.NumField() {
				f := x.Field(i)
				if f.Anonymous {
					walk(f.Type)
					continue
				}
				out[strings.Split(f.Tag.Get("json"), ",")[0]] = true
			}
		}
		walk(reflect.TypeOf(v))
		return out
	}
	for name, c := range map[string]struct {
		value  any
		bind   func(*flag.FlagSet)
		except string
	}{
		"evaluate":    {Evaluate{}, func(fs *flag.FlagSet) { Bind(fs, new(Evaluate)) }, ""},
		"pseudolabel": {Pseudolabel{}, func(fs *flag.FlagSet) { Bind(fs, new(Pseudolabel)) }, ""},
		"caption":     {Caption{}, func(fs *flag.FlagSet) { Bind(fs, new(Caption)) }, ""},
		"ablate":      {Ablate{}, func(fs *flag.FlagSet) { Bind(fs, new(Ablate)) }, "own,set"},
		"demo":        {Demo{}, func(fs *flag.FlagSet) { Bind(fs, new(Demo)) }, ""},
		"prepare":     {Prepare{}, func(fs *flag.FlagSet) { Bind(fs, new(Prepare)) }, ""},
		"pretrain":    {Pretrain{}, func(fs *flag.FlagSet) { Bind(fs, new(Pretrain)) }, ""},
		"train":       {Train{}, func(fs *flag.FlagSet) { Bind(fs, new(Train)) }, ""},
	} {
		fs := flag.NewFlagSet(name, flag.ContinueOnError)
		fs.SetOutput(io.Discard)
		c.bind(fs)
		want := keys(c.value)
		for _, key := range strings.Split(c.except, ",") {
			delete(want, key)
		}
		for key := range want {
			if fs.Lookup(key) == nil {
				t.Errorf("%s: no flag --%s", name, key)
			}
		}
		fs.VisitAll(func(f *flag.Flag) {
			if !want[f.Name] {
				t.Errorf("%s: the flag --%s has no key", name, f.Name)
			}
		})
	}
}

func TestLoopFaults(t *testing.T) {
	pseudo := func(change func(*Pseudolabel)) error {
		c := DefaultPseudolabel()
		change(&c)
		return c.Validate()
	}
	for want, err := range map[string]error{
		"cb, cb-cap":             pseudo(func(c *Pseudolabel) { c.Rule = "luck" }),
		"threshold: 1.5":         pseudo(func(c *Pseudolabel) { c.Threshold = 1.5 }),
		"scales: 0":              pseudo(func(c *Pseudolabel) { c.Scales = []float64{1, 0} }),
		"only --window":          pseudo(func(c *Pseudolabel) { c.WindowSize = "64x64" }),
		"batch: 0 is below 1":    pseudo(func(c *Pseudolabel) { c.Batch = 0 }),
		"model: \"both\"":        pseudo(func(c *Pseudolabel) { c.Model = "both" }),
		"max_rejects: 2 is":      pseudo(func(c *Pseudolabel) { c.MaxRejects = 2 }),
		"http needs":             pseudo(func(c *Pseudolabel) { c.Captions = "http" }),
		"blip2 needs":            pseudo(func(c *Pseudolabel) { c.Captions = "blip2" }),
		"9 is more than":         pseudo(func(c *Pseudolabel) { c.CaptionMinTokens, c.CaptionMaxTokens = 9, 8 }),
		"sheet: 20001 is":        func() error { c := DefaultCaption(); c.Sheet = 20001; return c.Validate() }(),
		"models: none given":     func() error { c := DefaultEvaluate(); c.Models = nil; return c.Validate() }(),
		"teacher is given":       func() error { c := DefaultEvaluate(); c.Models = []string{"teacher", "teacher"}; return c.Validate() }(),
		"labelled: 20 is":        func() error { c := DefaultAblate(); c.Labelled = []int{20, 20}; return c.Validate() }(),
		"valid: baselines, fig5": func() error { c := DefaultAblate(); c.Rows = []string{"table9"}; return c.Validate() }(),
		"clip may only be": func() error {
			c := DefaultAblate()
			c.Own = []AblationRow{{Name: "x", Set: map[string]any{"clip": "/a"}}}
			c.Rows = []string{"x"}
			return c.Validate()
		}(),
		"row \"y\"": func() error {
			c := DefaultAblate()
			c.Own = []AblationRow{{Name: "y", Set: map[string]any{"omga": 1}}}
			c.Rows = []string{"y"}
			return c.Validate()
		}(),
		"labelled: 0 is below": func() error { c := DefaultDemo(); c.Labelled = 0; return c.Validate() }(),
	} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
	for _, err := range []error{DefaultEvaluate().Validate(), DefaultPseudolabel().Validate(), DefaultExport().Validate(), DefaultAblate().Validate(), DefaultDemo().Validate(), DefaultCaption().Validate()} {
		if err != nil {
			t.Error(err)
		}
	}
}

// TestAblationRows: every row of the tables is a valid training that differs as it says.
func TestAblationRows(t *testing.T) {
	base := DefaultTrain()
	if err := Decode(TrainMiniCity, &base); err != nil {
		t.Fatal(err)
	}
	base.CLIP = "clip"
	for group, rows := range AblationRows {
		for _, r := range rows {
			if strings.Contains(r.Name, ",") {
				t.Errorf("%s: %q cannot be given to --rows", group, r.Name)
			}
			if _, err := r.Over(base); err != nil {
				t.Errorf("%s: %q: %v", group, r.Name, err)
			}
		}
	}
	c := DefaultAblate()
	c.Own = []AblationRow{{Name: "omega 0.3", Set: map[string]any{"omega": 0.3}}}
	c.Rows = []string{"table3", "all", "omega 0.3", "source_only"}
	rows, err := c.Chosen()
	if err != nil || len(rows) != 7 || rows[0].Name != "CT" || rows[5].Name != "omega 0.3" || rows[6].Name != "source only" {
		t.Fatalf("%v %v", rows, err)
	}
	ct, err := rows[0].Over(base)
	if err != nil || ct.CLIP != "" || ct.Guidance != "none" || ct.Loss != "ce" || ct.Steps != base.Steps {
		t.Errorf("%v %+v", err, ct)
	}
	// The baselines see as many labelled images in a step as the base, whatever that has.
	base.Batch, base.Guidance = [3]int{3, 2, 5}, "sum_res"
	for name, want := range map[string]Train{
		"source only":     {Batch: [3]int{5, 0, 0}, Guidance: "none", Loss: "ce"},
		"supervised CE":   {Batch: [3]int{3, 2, 0}, Guidance: "none", Loss: "ce"},
		"supervised DyCE": {Batch: [3]int{3, 2, 0}, Guidance: "none", Loss: "dyce"},
		"CT + DyCE":       {Batch: [3]int{3, 2, 5}, Guidance: "none", Loss: "dyce"},
		"CT + VLP":        {Batch: [3]int{3, 2, 5}, Guidance: "none", Loss: "ce", CLIP: "clip"},
		"CT + VLP + DLG":  {Batch: [3]int{3, 2, 5}, Guidance: "sum_res", Loss: "ce", CLIP: "clip"},
		"all":             {Batch: [3]int{3, 2, 5}, Guidance: "sum_res", Loss: "dyce", CLIP: "clip"},
	} {
		c := DefaultAblate()
		c.Rows = []string{name}
		rows, err := c.Chosen()
		if err != nil || len(rows) != 1 {
			t.Fatalf("%s: %v", name, err)
		}
		got, err := rows[0].Over(base)
		if err != nil || got.Batch != want.Batch || got.Guidance != want.Guidance || got.Loss != want.Loss || got.CLIP != want.CLIP {
			t.Errorf("%s: %v, batch %v, guidance %s, loss %s, clip %q", name, err, got.Batch, got.Guidance, got.Loss, got.CLIP)
		}
	}
	if _, err := (AblationRow{Name: "z", Images: "all"}).Over(base); err == nil || !strings.Contains(err.Error(), `row "z": images "all" is unknown`) {
		t.Error(err)
	}
	own, err := rows[5].Over(base)
	if err != nil || own.Omega != 0.3 || own.CLIP != "clip" || own.Loss != "dyce" {
		t.Errorf("%v %+v", err, own)
	}
}

// TestImagesOfRows: a row learns from the base's images, or from those that it is named after.
func TestImagesOfRows(t *testing.T) {
	base := DefaultTrain()
	for _, c := range []struct {
		images      string
		batch, want [3]int
	}{
		{"", [3]int{4, 2, 0}, [3]int{4, 2, 0}}, {"labelled", [3]int{4, 2, 3}, [3]int{4, 2, 0}}, {"source", [3]int{4, 2, 3}, [3]int{6, 0, 0}},
		{"both", [3]int{4, 2, 3}, [3]int{4, 2, 3}}, {"both", [3]int{0, 2, 0}, [3]int{0, 2, 2}},
	} {
		base.Batch = c.batch
		if got, err := (AblationRow{Name: "row", Images: c.images}).Over(base); err != nil || got.Batch != c.want {
			t.Errorf("%q of %v: %v, %v", c.images, c.batch, got.Batch, err)
		}
	}
	if _, err := (AblationRow{Name: "row", Images: "none"}).Over(base); err == nil || !strings.Contains(err.Error(), "valid: labelled, both, source") {
		t.Error(err)
	}
}
