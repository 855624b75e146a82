package configs

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml"
)

// Ablate configures pipelines/ablate: a grid of trainings that differ from one base.
type Ablate struct {
	// Prepare and Train are YAML files of these pipelines, the base of all trainings.
	// Without Prepare, MiniCity is drawn; without Train, the settings are those of
	// examples/train_minicity.yaml.
	Prepare string `yaml:"prepare" json:"prepare"`
	Train   string `yaml:"train" json:"train"`
	// CLIP is the pre-trained model folder of the rows that have one; without it, a small
	// one is trained on the data for PretrainSteps.
	CLIP          string `yaml:"clip" json:"clip"`
	PretrainSteps int    `yaml:"pretrain_steps" json:"pretrain_steps"`
	// Rows are names of [AblationRows], of groups of them, or of Own.
	Rows []string `yaml:"rows" json:"rows"`
	// Own are further rows.
	Own []AblationRow `yaml:"own" json:"own"`
	// Labelled are numbers of labelled target images, Seeds those of the trainings.
	Labelled []int `yaml:"labelled" json:"labelled"`
	Seeds    []int `yaml:"seeds" json:"seeds"`
	// Steps replaces the number of steps of Train, unless 0.
	Steps int `yaml:"steps" json:"steps"`
	// Set are further settings of train that all rows have over Train.
	Set map[string]any `yaml:"set" json:"set"`
	// Paper says whose figures stand beside: "gta5", "synthia" or "none".
	Paper   string `yaml:"paper" json:"paper"`
	Backend string `yaml:"backend" json:"backend"`
	Output  string `yaml:"output" json:"output"`
	// Overwrite replaces trainings of other configurations.
	Overwrite bool `yaml:"overwrite" json:"overwrite"`
}

// AblationRow is one variant: settings of train that differ from the base.
type AblationRow struct {
	Name string `yaml:"name" json:"name"`
	// Set are the settings, by their keys in a YAML file of train. The key clip may only
	// be empty: such a row starts from random towers.
	Set map[string]any `yaml:"set" json:"set"`
}

// AblationRows are the rows of the paper's tables, by group: Table 3 (parts of the
// method), Table 6 (losses) and Fig. 5 (kinds of attention), and the baseline that
// learns from the source alone. "VLP" is the vision-language pre-training; rows without
// it start from random towers.
var AblationRows = map[string][]AblationRow{
	"source_only": {
		{"source only", map[string]any{"batch": []int{8, 0, 0}, "guidance": "none", "loss": "ce"}},
	},
	"table3": {
		{"CT", map[string]any{"clip": "", "guidance": "none", "loss": "ce"}},
		{"CT + DyCE", map[string]any{"clip": "", "guidance": "none", "loss": "dyce"}},
		{"CT + VLP", map[string]any{"guidance": "none", "loss": "ce"}},
		{"CT + VLP + DLG", map[string]any{"guidance": "outer_res", "loss": "ce"}},
		{"all", map[string]any{"guidance": "outer_res", "loss": "dyce"}},
	},
	"table6": {
		{"CE", map[string]any{"loss": "ce"}},
		{"WCE", map[string]any{"loss": "wce"}},
		{"DCE", map[string]any{"loss": "dual_ce"}},
		{"FL", map[string]any{"loss": "focal"}},
		{"DFL", map[string]any{"loss": "dual_focal"}},
		{"all", map[string]any{"guidance": "outer_res", "loss": "dyce"}},
	},
	"fig5": {
		{"WPCT", map[string]any{"guidance": "wpct"}},
		{"VLGA", map[string]any{"guidance": "vlga"}},
		{"all", map[string]any{"guidance": "outer_res", "loss": "dyce"}},
	},
	"language": {
		{"CT + VLP + DyCE", map[string]any{"guidance": "none", "loss": "dyce"}},
		{"sum_res", map[string]any{"guidance": "sum_res", "loss": "dyce"}},
		{"add_lang", map[string]any{"guidance": "add_lang", "loss": "dyce"}},
	},
}

// DefaultAblate returns the defaults: Table 3 on MiniCity.
func DefaultAblate() Ablate {
	return Ablate{PretrainSteps: 200, Rows: []string{"source_only", "table3"},
		Labelled: []int{20}, Seeds: []int{0, 1, 2}, Paper: "gta5", Backend: "auto", Output: "out/ablate"}
}

// BindAblate registers a flag for every field of c but Own and Set.
func BindAblate(fs *flag.FlagSet, c *Ablate) {
	fs.StringVar(&c.Prepare, "prepare", c.Prepare, "YAML `file` of prepare with the data; default: MiniCity")
	fs.StringVar(&c.Train, "train", c.Train, "YAML `file` of train, the base of all rows; default: the example of MiniCity")
	fs.StringVar(&c.CLIP, "clip", c.CLIP, "CLIP model `FOLDER` of the rows with pre-training; default: a small one is trained on the data")
	fs.IntVar(&c.PretrainSteps, "pretrain_steps", c.PretrainSteps, "`steps` of that training")
	fs.Var(&list{dst: &c.Rows}, "rows", "`ROWS`: groups ("+strings.Join(slices.Sorted(maps.Keys(AblationRows)), ", ")+") or names of rows")
	fs.Var(&integers{&c.Labelled}, "labelled", "`NUMBERS` of labelled target images")
	fs.Var(&integers{&c.Seeds}, "seeds", "`SEEDS` of the trainings of each row")
	fs.IntVar(&c.Steps, "steps", c.Steps, "`steps` of each training; 0: as in --train")
	fs.StringVar(&c.Paper, "paper", c.Paper, "`whose` figures stand beside: gta5, synthia or none")
	fs.StringVar(&c.Backend, "backend", c.Backend, "what computes: `NAME` auto, go, xla:cpu, xla:cuda or xla:PATH of a PJRT plug-in")
	fs.StringVar(&c.Output, "output", c.Output, "`FOLDER` or gs:// prefix to write to")
	fs.BoolVar(&c.Overwrite, "overwrite", c.Overwrite, "replace trainings of other configurations")
}

// Validate reports all faults at once.
func (c Ablate) Validate() error {
	var f faults
	f.output(c.Output)
	f.place("prepare", c.Prepare)
	f.place("train", c.Train)
	f.place("clip", c.CLIP)
	f.oneOf("paper", c.Paper, "gta5", "synthia", "none")
	f.atLeast("steps", c.Steps, 0)
	f.atLeast("pretrain_steps", c.PretrainSteps, 1)
	if len(c.Labelled) == 0 || len(c.Seeds) == 0 {
		f.add("labelled, seeds", "want one of each at least")
	}
	for key, values := range map[string][]int{"labelled": c.Labelled, "seeds": c.Seeds} {
		for i, n := range values {
			f.atLeast(key, n, 0)
			if slices.Contains(values[:i], n) {
				f.add(key, "%d is given twice", n)
			}
		}
	}
	if _, err := c.Chosen(); err != nil {
		f = append(f, err)
	}
	return f.err()
}

// Chosen returns the rows that Rows names, each once, in the order given.
func (c Ablate) Chosen() ([]AblationRow, error) {
	var out []AblationRow
	var f faults
	add := func(r AblationRow) {
		if !slices.ContainsFunc(out, func(o AblationRow) bool { return o.Name == r.Name }) {
			out = append(out, r)
		}
	}
	known := map[string]AblationRow{}
	for _, group := range slices.Sorted(maps.Keys(AblationRows)) {
		for _, r := range AblationRows[group] {
			known[r.Name] = r
		}
	}
	for _, r := range c.Own {
		if r.Name == "" {
			f.add("own", "a row has no name")
		}
		known[r.Name] = r
	}
	for _, name := range c.Rows {
		if group, ok := AblationRows[name]; ok {
			for _, r := range group {
				add(known[r.Name])
			}
			continue
		}
		r, ok := known[name]
		if !ok {
			f.add("rows", "%q is unknown; valid: %s, or one of: %s", name, strings.Join(slices.Sorted(maps.Keys(AblationRows)), ", "), strings.Join(slices.Sorted(maps.Keys(known)), ", "))
			continue
		}
		add(r)
	}
	if len(out) == 0 && len(f) == 0 {
		f.add("rows", "none given")
	}
	for _, r := range out {
		if clip, ok := r.Set["clip"]; ok && clip != "" {
			f.add("own", "row %q: clip may only be empty; --clip gives the folder", r.Name)
		}
		if _, err := r.Over(DefaultTrain()); err != nil {
			f.add("own", "row %q: %v", r.Name, err)
		}
	}
	return out, f.err()
}

// Over returns the base with the settings of the row.
func (r AblationRow) Over(base Train) (Train, error) {
	if len(r.Set) == 0 {
		return base, nil
	}
	var b bytes.Buffer
	if err := yaml.NewEncoder(&b).Encode(r.Set); err != nil {
		return base, fmt.Errorf("configs: row %q: %w", r.Name, err)
	}
	if err := Decode(b.Bytes(), &base); err != nil {
		return base, err
	}
	return base, base.Validate()
}

// integers is a flag of comma-separated numbers.
type integers struct{ dst *[]int }

func (n *integers) String() string {
	if n.dst == nil {
		return ""
	}
	return strings.Trim(strings.ReplaceAll(fmt.Sprint(*n.dst), " ", ","), "[]")
}

func (n *integers) Set(s string) error {
	*n.dst = nil
	for _, part := range strings.Split(s, ",") {
		v, err := strconv.Atoi(strings.TrimSpace(part))
		if err != nil {
			return errors.New(strconv.Quote(part) + " is not a number")
		}
		*n.dst = append(*n.dst, v)
	}
	return nil
}
