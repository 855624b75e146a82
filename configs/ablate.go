package configs

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Ablate configures pipelines/ablate: a grid of trainings that differ from one base.
type Ablate struct {
	// Prepare and Train are YAML files of these pipelines, the base of all trainings.
	// Without Prepare, MiniCity is drawn; without Train, the settings are those of
	// examples/train_minicity.yaml.
	Prepare string `json:"prepare" is:"place" group:"Base" help:"YAML <file> of prepare with the data; default: MiniCity"`
	Train   string `json:"train" is:"place" group:"Base" help:"YAML <file> of train, the base of all rows; default: the example of MiniCity"`
	// CLIP is the pre-trained model of the rows that have one: a folder, or minicity. Where
	// PretrainSteps is not 0, a small one is trained on the data in its place.
	CLIP          string `json:"clip" default:"minicity" is:"place" need:"the rows with pre-training need one" group:"Base" help:"CLIP model <FOLDER> of the rows with pre-training, or minicity, the built-in one"`
	PretrainSteps int    `json:"pretrain_steps" range:"0.." group:"Base" help:"train a small CLIP on the data for so many <steps> in the place of --clip; 0 does not"`
	// Rows are names of [AblationRows], of groups of them, or of Own.
	Rows []string `json:"rows" default:"source_only,supervised,table3" group:"Grid" help:"<ROWS>: groups (baselines, fig5, language, source_only, supervised, table3, table5, table6) or names of rows"`
	// Own are further rows.
	Own []AblationRow `json:"own"`
	// Labelled are numbers of labelled target images, Seeds those of the trainings.
	Labelled []int `json:"labelled" default:"20" range:"0.." once:"true" need:"want one number at least" group:"Grid" help:"<NUMBERS> of labelled target images"`
	Seeds    []int `json:"seeds" default:"0,1,2" range:"0.." once:"true" need:"want one number at least" group:"Grid" help:"<SEEDS> of the trainings of each row"`
	// Steps replaces the number of steps of Train, unless 0.
	Steps int `json:"steps" range:"0.." group:"Grid" help:"<steps> of each training; 0: as in --train"`
	// Set are further settings of train that all rows have over Train.
	Set map[string]any `json:"set"`
	// Paper says which data's figures of the paper are shown for comparison: "gta5", "synthia", "synapse" or "none".
	Paper   string `json:"paper" default:"gta5" valid:"gta5,synthia,synapse,none" group:"Grid" help:"<whose> figures stand beside: gta5, synthia, synapse (Table 5) or none"`
	Backend string `json:"backend" default:"auto" group:"Output and computation" help:"what computes: <NAME> auto, go, xla:cpu, xla:cuda or xla:PATH of a PJRT plug-in"`
	Output  string `json:"output" default:"out/ablate" before:"backend" is:"place" need:"no folder or bucket given" group:"Output and computation" help:"<FOLDER> or gs:// prefix to write to"`
	// Overwrite replaces trainings of other configurations.
	Overwrite bool `json:"overwrite" before:"backend" group:"Output and computation" help:"replace trainings of other configurations"`
}

// AblationRow is one variant: settings of train that differ from the base.
type AblationRow struct {
	Name string `json:"name"`
	// Images says which images the row learns from: those of the base where it is empty;
	// "labelled", the base's without the unlabelled ones; "both", as many unlabelled ones as labelled
	// ones too where the base has none; "source", the source's alone, as many in a step as the base
	// has labelled ones.
	Images string `json:"images"`
	// Set are the settings, by their keys in a YAML file of train. The key clip may only
	// be empty: such a row starts from random towers.
	Set map[string]any `json:"set"`
}

// Baseline is the row that every other is compared with: the same labelled images and the same
// loss, without unlabelled images and without language.
const Baseline = "supervised DyCE"

// PretrainedBaseline is the same from pre-trained towers, for grids without [Baseline].
const PretrainedBaseline = Baseline + " + VLP"

// VolumeBaseline is that of Table 5: labelled volumes alone.
const VolumeBaseline = "V-Net"

// WithDyCE ends the name of a row that differs from another one by DyCE alone.
const WithDyCE = " + DyCE"

// AblationRows are the rows of the paper's tables, by group: Table 3 (parts of the
// method), other methods, Table 5 (methods on volumes), Table 6 (losses) and Fig. 5 (kinds of attention), and the baselines that
// learn from the source alone and from labelled images alone. "VLP" is the vision-language
// pre-training; rows without it start from random towers. "DLG" is the guidance of the base,
// which the rows without it switch off.
var AblationRows = map[string][]AblationRow{
	"source_only": {
		{Name: "source only", Images: "source", Set: without("ce")},
	},
	"supervised": {
		{Name: "supervised CE", Images: "labelled", Set: without("ce")},
		{Name: Baseline, Images: "labelled", Set: without("dyce")},
	},
	"table3": {
		{Name: "CT", Set: without("ce")},
		{Name: "CT + DyCE", Set: without("dyce")},
		{Name: "CT + VLP", Set: map[string]any{"guidance": "none", "loss": "ce"}},
		{Name: "CT + VLP + DLG", Set: map[string]any{"loss": "ce"}},
		{Name: "all", Set: map[string]any{"loss": "dyce"}},
	},
	"table6": {
		{Name: "CE", Set: map[string]any{"loss": "ce"}},
		{Name: "WCE", Set: map[string]any{"loss": "wce"}},
		{Name: "DCE", Set: map[string]any{"loss": "dual_ce"}},
		{Name: "FL", Set: map[string]any{"loss": "focal"}},
		{Name: "DFL", Set: map[string]any{"loss": "dual_focal"}},
		{Name: "all", Set: map[string]any{"loss": "dyce"}},
	},
	// Other methods on images, without language, each with cross-entropy and with DyCE.
	"baselines": slices.Concat(
		baseline("ClassMix", "semidavil", map[string]any{"strong": "classmix"}),
		baseline("CowMix", "semidavil", map[string]any{"strong": "cowmix"}),
		baseline("CPS of images", "cps", map[string]any{"lambda_ramp": 1}),
		baseline("DePL of images", "depl", map[string]any{"lambda_ramp": 1, "threshold": 0.9}),
		baseline("DHC of images", "dhc", map[string]any{"lambda_ramp": 1}),
	),
	// On volumes: the methods, each with cross-entropy and with DyCE.
	"table5": slices.Concat(
		onVolumes(VolumeBaseline, "labelled", "vnet", 0),
		onVolumes("UA-MT", "both", "uamt", 0.1),
		onVolumes("URPC", "both", "urpc", 0.1),
		onVolumes("CPS", "both", "cps", 0.1),
		onVolumes("DePL", "both", "depl", 0.1),
		onVolumes("DHC", "both", "dhc", 0.1),
		onVolumes("A&D", "both", "ad", 10),
	),
	"fig5": {
		{Name: "WPCT", Set: map[string]any{"guidance": "wpct"}},
		{Name: "VLGA", Set: map[string]any{"guidance": "vlga"}},
		{Name: "all", Set: map[string]any{"loss": "dyce"}},
	},
	"language": {
		{Name: PretrainedBaseline, Images: "labelled", Set: map[string]any{"guidance": "none", "loss": "dyce"}},
		{Name: "CT + VLP + DyCE", Set: map[string]any{"guidance": "none", "loss": "dyce"}},
		{Name: "outer_res", Set: map[string]any{"guidance": "outer_res", "loss": "dyce"}},
		{Name: "sum_res", Set: map[string]any{"guidance": "sum_res", "loss": "dyce"}},
		{Name: "add_lang", Set: map[string]any{"guidance": "add_lang", "loss": "dyce"}},
	},
}

// onVolumes are the rows of a method on volumes, with the weight of its loss on unlabelled volumes and
// the constants that the cited code has.
func onVolumes(name, images, method string, weight float64) []AblationRow {
	return withAndWithout(AblationRow{Name: name, Images: images, Set: map[string]any{
		"method": method, "lambda": weight, "lambda_ramp": 1, "alpha": 0.99, "threshold": 0.9}})
}

// baseline are the rows of another method on images, without language.
func baseline(name, method string, more map[string]any) []AblationRow {
	set := without("")
	set["method"] = method
	maps.Copy(set, more)
	return withAndWithout(AblationRow{Name: name, Set: set})
}

// withAndWithout are two rows of a row without a loss: with cross-entropy and with DyCE.
func withAndWithout(r AblationRow) []AblationRow {
	ce, dyce := r, r
	ce.Set, dyce.Set = maps.Clone(r.Set), maps.Clone(r.Set)
	ce.Set["loss"], dyce.Set["loss"] = "ce", "dyce"
	dyce.Name += WithDyCE
	return []AblationRow{ce, dyce}
}

// without are the settings of a row without language, with a supervised loss.
func without(loss string) map[string]any {
	return map[string]any{"clip": "", "guidance": "none", "loss": loss}
}

// DefaultAblate returns the defaults: Table 3 on MiniCity, behind the baselines.
func DefaultAblate() Ablate {
	return defaults[Ablate]()
}

// Validate reports all faults at once.
func (c Ablate) Validate() error {
	f := check(&c)
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
	if len(r.Set) > 0 {
		data, err := json.Marshal(r.Set) // JSON is YAML
		if err != nil {
			return base, fmt.Errorf("configs: row %q: %w", r.Name, err)
		}
		if err := Decode(data, &base); err != nil {
			return base, err
		}
	}
	switch r.Images {
	case "":
	case "labelled":
		base.Batch[2] = 0
	case "both":
		if base.Batch[2] == 0 {
			base.Batch[2] = base.Batch[0] + base.Batch[1]
		}
	case "source":
		base.Batch = [3]int{base.Batch[0] + base.Batch[1]}
	default:
		return base, fmt.Errorf("configs: row %q: images %q is unknown; valid: labelled, both, source, or empty for those of the base", r.Name, r.Images)
	}
	return base, base.Validate()
}
