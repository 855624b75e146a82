package ablate

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"slices"
	"strings"
	"testing"

	"semidavil/configs"
	"semidavil/model/train"
	"semidavil/transforms/metrics"
)

// TestTable computes the table of some results by hand.
func TestTable(t *testing.T) {
	cfg := configs.DefaultAblate()
	cfg.Labelled, cfg.Seeds = []int{20, 500}, []int{0, 1, 2}
	nan := metrics.Fraction(math.NaN())
	results := []Result{
		{Row: "supervised DyCE", Labelled: 20, Seed: 0, Student: 0.15, Seconds: 7, StepSeconds: 0.25, PeakBytes: 3e6, Classes: []metrics.Fraction{0.5, nan}},
		{Row: "CT", Labelled: 20, Seed: 0, Student: 0.10, Seconds: 60}, {Row: "all", Labelled: 20, Seed: 0, Student: 0.30, Seconds: 90, Classes: []metrics.Fraction{0.25, nan}},
		{Row: "CT", Labelled: 20, Seed: 1, Student: 0.12, Seconds: 61}, {Row: "all", Labelled: 20, Seed: 1, Failure: "not finite"},
		{Row: "CT", Labelled: 20, Seed: 2, Student: 0.14, Seconds: 68}, {Row: "all", Labelled: 20, Seed: 2, Student: 0.31, Seconds: 110, Classes: []metrics.Fraction{0.75, 0.4}},
		{Row: "CT", Labelled: 500, Seed: 0, Student: 0.5, Seconds: 59}, {Row: "mine", Labelled: 500, Seed: 0, Failure: "x"},
	}
	want := `| val mIoU, % | 20 labels, 3 seeds | rare | over supervised DyCE | paper, gta5, 100 labels | 500 labels, 3 seeds | rare | over supervised DyCE | paper, gta5, 500 labels | s a training | s a step | peak MB |
|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|
| supervised DyCE | 15.0 | 50.0 | +0.0 | - | - | - | - | - | 7 | 0.25 | 3 |
| CT | 12.0 ± 2.0 (10.0 to 14.0) | - | -3.0 | 54.5 | 50.0 | - | - | 62.3 | 61 | - | - |
| all | 30.5 ± 0.7 (30.0 to 31.0), 1 failed | 50.0 ± 35.4 | +15.5 | 71.1 | - | - | - | 72.9 | 100 | - | - |
| mine | - | - | - | - | -, 1 failed | - | - | - | - | - | - |

Student's mean IoU after the last step: mean ± standard deviation (least to most) of the seeds; rare is the mean of the classes with the fewest labelled pixels in training: road. 7 trainings, 7m35s of computing.
`
	a := sumUp(cfg, Ablation{Metric: "mIoU", Classes: []string{"road", "car"}, Rarest: []int{0}}, results)
	if got := markdown(cfg, a); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	want = `
| IoU, %, 20 labels | supervised DyCE | CT | all | mine |
|---|---:|---:|---:|---:|
| road | 50.0 | - | 50.0 | - |
| car | - | - | 40.0 | - |
`
	if got := classTable(cfg, a); !strings.HasPrefix(got, want) {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	data, err := json.Marshal(a)
	if err != nil {
		t.Fatal(err)
	}
	var rows struct {
		Rows []map[string]any `json:"rows"`
	}
	if err := json.Unmarshal(data, &rows); err != nil || len(rows.Rows) != 8 {
		t.Fatalf("%v %s", err, data)
	}
	for key, want := range map[string]string{"row": "CT", "trainings": "3", "mean": "0.12", "deviation": "0.02", "least": "0.1", "most": "0.14", "over_baseline": "-0.03",
		"paper": "0.545", "paper_labelled": "100", "seconds": "63", "failed": "0"} {
		got := rows.Rows[1][key]
		if v, ok := got.(float64); ok {
			got = math.Round(v*1e9) / 1e9
		}
		if fmt.Sprint(got) != want {
			t.Errorf("%s of CT is %v, want %s", key, got, want)
		}
	}
	if v, there := rows.Rows[0]["deviation"]; v != nil || !there {
		t.Errorf("a deviation of one seed: %v", v)
	}
	svg, err := draw(cfg, a)
	if err != nil || !strings.Contains(string(svg), "mine") || !strings.Contains(string(svg), "CT, 20 labels: 12.0% (10.0 to 14.0)") || !strings.Contains(string(svg), "supervised DyCE, 20 labels: 15.0%<") {
		t.Errorf("%v %s", err, svg)
	}
	cfg.Paper = "none"
	a = sumUp(cfg, Ablation{Metric: "mIoU"}, results[1:])
	if got := markdown(cfg, a); strings.Contains(got, "paper") || strings.Contains(got, "over") || !strings.Contains(got, "| CT | 12.0 ± 2.0 (10.0 to 14.0) | - | 50.0 | - | 61 | - | - |") {
		t.Error(got)
	}
	pretrained := slices.Clone(results)
	pretrained[0].Row = "supervised DyCE + VLP"
	if got := markdown(cfg, sumUp(cfg, Ablation{Metric: "mIoU"}, pretrained)); !strings.Contains(got, "| over supervised DyCE + VLP |") || !strings.Contains(got, "| -3.0 |") {
		t.Error(got)
	}
	if failures(results) != 2 || !math.IsNaN(mean(nil)) {
		t.Error(failures(results))
	}
	if svg, err := draw(cfg, sumUp(cfg, Ablation{}, results[8:])); svg != nil || err != nil {
		t.Error("a plot of nothing", err)
	}
}

// TestMethodTable: rows of volumes are compared with V-Net, and each with itself without DyCE.
func TestMethodTable(t *testing.T) {
	cfg := configs.DefaultAblate()
	cfg.Labelled, cfg.Seeds, cfg.Paper = []int{4}, []int{0}, "synapse"
	nan := metrics.Fraction(math.NaN())
	var results []Result
	for i, name := range []string{"V-Net", "V-Net + DyCE", "A&D", "A&D + DyCE"} {
		v := metrics.Fraction(i)
		results = append(results, Result{Row: name, Labelled: 4, Student: 0.5 + v*v/100, Classes: []metrics.Fraction{nan, 0.6, v / 10}, Seconds: 9, StepSeconds: 2, PeakBytes: 5e6, Output: t.TempDir()})
	}
	for _, r := range results {
		if err := os.WriteFile(r.Output+"/"+train.MetricsFile, []byte(`{"step":2,"organs":{"mean":{"dice":0.3}}}`+"\n"+`{"step":4,"organs":{"mean":{"dice":0.5}}}`+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	a := sumUp(cfg, Ablation{Metric: "Dice", Classes: []string{"background", "liver", "adrenal"}, Rarest: []int{2}}, results)
	want := `| val Dice, % | 4 labels, 1 seed | rare | over V-Net | DyCE adds | to rare | paper, Synapse, 20 % | s a training | s a step | peak MB |
|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|
| V-Net | 50.0 | 0.0 | +0.0 | - | - | 62.1 | 9 | 2.00 | 5 |
| V-Net + DyCE | 51.0 | 10.0 | +1.0 | +1.0 | +10.0 | - | 9 | 2.00 | 5 |
| A&D | 54.0 | 20.0 | +4.0 | - | - | 60.9 | 9 | 2.00 | 5 |
| A&D + DyCE | 59.0 | 30.0 | +9.0 | +5.0 | +10.0 | 65.5 | 9 | 2.00 | 5 |
`
	if got := markdown(cfg, a); !strings.HasPrefix(got, want) {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	html, err := page(t.Context(), cfg, a)
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{"4 trainings compared", "A&amp;D + DyCE (mean 59.0)", "Dice on val by step, with DyCE", "Learning curves"} {
		if !strings.Contains(string(html), text) {
			t.Errorf("the page has no %q", text)
		}
	}
	if strings.Contains(string(html), ">background<") {
		t.Error("the page shows the background")
	}
}

// TestPaper checks some figures of the paper's tables as they were typed (docs/METHOD.md#reported-figures).
func TestPaper(t *testing.T) {
	for set, rows := range paperRows {
		for name, figures := range rows {
			for i, v := range figures {
				if v != none && (v < 54 || v > 81) {
					t.Errorf("%s %s: %v at %d labels", set, name, v, paperLabels[i])
				}
			}
		}
		// Orders that the paper reports in every column.
		for i := 1; i < 5; i++ {
			for _, order := range [][2]string{{"CT", "CT + DyCE"}, {"CT + DyCE", "CT + VLP"}, {"CT + VLP", "CT + VLP + DLG"}, {"CT + VLP + DLG", "all"}, {"WCE", "CE"}} {
				if a, b := rows[order[0]][i], rows[order[1]][i]; a >= b {
					t.Errorf("%s, %d labels: %s %v is not below %s %v", set, paperLabels[i], order[0], a, order[1], b)
				}
			}
		}
	}
	for _, c := range [][3]int{{0, 0, 0}, {20, 1, 100}, {100, 1, 100}, {2975, 5, 2975}, {300, 1, 100}} {
		if column, n := paperAt(c[0]); column != c[1] || n != c[2] {
			t.Errorf("%d labels stand beside %d", c[0], n)
		}
	}
}

// TestGrid: every combination once, each with an output of its own.
func TestGrid(t *testing.T) {
	cfg := configs.DefaultAblate()
	cfg.Labelled, cfg.Seeds, cfg.Rows, cfg.Output, cfg.Steps, cfg.Set = []int{0, 20}, []int{3, 4}, []string{"table3", "source_only", "supervised"}, "/o", 7, map[string]any{"window": "whole"}
	cells, err := grid(context.Background(), cfg, "/clip")
	if err != nil || len(cells) != 32 {
		t.Fatalf("%d cells, %v", len(cells), err)
	}
	outputs := map[string]bool{}
	for _, c := range cells {
		outputs[c.config.Output] = true
		if c.config.Steps != 7 || c.config.Window != "whole" || int(c.config.Seed) != c.seed || c.config.Data != dataOf(cfg, c.labelled) {
			t.Errorf("%+v", c)
		}
		if (c.config.CLIP != "") != (strings.Contains(c.row, "VLP") || c.row == "all") {
			t.Errorf("%s has the CLIP %q", c.row, c.config.CLIP)
		}
		if (c.config.Batch[2] == 0) != (c.row == "source only" || strings.HasPrefix(c.row, "supervised")) {
			t.Errorf("%s has batches of %v", c.row, c.config.Batch)
		}
		if c.labelled == 0 && c.config.Batch[1] != 0 {
			t.Errorf("%s draws labelled images of none", c.row)
		}
	}
	if len(outputs) != 32 {
		t.Errorf("%d outputs", len(outputs))
	}
	cfg.Set["guidance"], cfg.Rows = "none", []string{"all"}
	if _, err := grid(context.Background(), cfg, ""); err == nil || !strings.Contains(err.Error(), `"all" has the guidance of --train, and that is none`) {
		t.Error(err)
	}
	cfg.Own = []configs.AblationRow{{Name: "A b"}, {Name: "a_B"}}
	cfg.Rows = []string{"A b", "a_B"}
	if _, err := grid(context.Background(), cfg, ""); err == nil || !strings.Contains(err.Error(), "same folder") {
		t.Error(err)
	}
	cfg.Train = "/no/such.yaml"
	if _, err := grid(context.Background(), cfg, ""); err == nil || !strings.Contains(err.Error(), "--train=/no/such.yaml") {
		t.Error(err)
	}
}

// TestVolumeRows: a V-Net has no CLIP, whatever the other rows have.
func TestVolumeRows(t *testing.T) {
	cfg := configs.DefaultAblate()
	cfg.Rows, cfg.Labelled, cfg.Seeds, cfg.Train = []string{"source only"}, []int{2}, []int{0}, t.TempDir()+"/vnet.yaml"
	if err := os.WriteFile(cfg.Train, []byte("method: vnet\nbatch: [0, 2, 0]\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	cells, err := grid(t.Context(), cfg, "minicity")
	if err != nil || len(cells) != 1 || cells[0].config.Method != "vnet" || cells[0].config.CLIP != "" {
		t.Errorf("%+v, %v", cells, err)
	}
}
