package ablate

import (
	"context"
	"math"
	"strings"
	"testing"

	"semidavil/configs"
)

// TestMarkdown computes the table of some results by hand.
func TestMarkdown(t *testing.T) {
	cfg := configs.DefaultAblate()
	cfg.Labelled, cfg.Seeds = []int{20, 500}, []int{0, 1, 2}
	results := []Result{
		{Row: "CT", Labelled: 20, Seed: 0, Student: 0.10}, {Row: "all", Labelled: 20, Seed: 0, Student: 0.30},
		{Row: "CT", Labelled: 20, Seed: 1, Student: 0.12}, {Row: "all", Labelled: 20, Seed: 1, Failure: "not finite"},
		{Row: "CT", Labelled: 20, Seed: 2, Student: 0.14}, {Row: "all", Labelled: 20, Seed: 2, Student: 0.31},
		{Row: "CT", Labelled: 500, Seed: 0, Student: 0.5}, {Row: "mine", Labelled: 500, Seed: 0, Failure: "x"},
	}
	want := `| val mIoU, % | 20 labels, 3 seeds | paper, gta5, 100 labels | 500 labels, 3 seeds | paper, gta5, 500 labels |
|---|---:|---:|---:|---:|
| CT | 12.0 ± 2.0 (10.0 to 14.0) | 54.5 | 50.0 | 62.3 |
| all | 30.5 ± 0.7 (30.0 to 31.0), 1 failed | 71.1 | - | 72.9 |
| mine | - | - | -, 1 failed | - |
`
	if got := markdown(cfg, results); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	cfg.Paper = "none"
	if got := markdown(cfg, results); strings.Contains(got, "paper") || !strings.Contains(got, "| CT | 12.0 ± 2.0 (10.0 to 14.0) | 50.0 |") {
		t.Error(got)
	}
	svg, err := draw(cfg, results)
	if err != nil || !strings.Contains(string(svg), "mine") {
		t.Errorf("%v %s", err, svg)
	}
	if failures(results) != 2 || !math.IsNaN(mean(nil)) {
		t.Error(failures(results))
	}
	if svg, err := draw(cfg, results[7:]); svg != nil || err != nil {
		t.Error("a plot of nothing", err)
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
	cfg.Labelled, cfg.Seeds, cfg.Rows, cfg.Output, cfg.Steps, cfg.Set = []int{0, 20}, []int{3, 4}, []string{"table3", "source_only"}, "/o", 7, map[string]any{"window": "whole"}
	cells, err := grid(context.Background(), cfg, "/clip")
	if err != nil || len(cells) != 24 {
		t.Fatalf("%d cells, %v", len(cells), err)
	}
	outputs := map[string]bool{}
	for _, c := range cells {
		outputs[c.config.Output] = true
		if c.config.Steps != 7 || c.config.Window != "whole" || int(c.config.Seed) != c.seed || c.config.Data != dataOf(cfg, c.labelled) {
			t.Errorf("%+v", c)
		}
		if (c.config.CLIP == "") != (c.row == "CT" || c.row == "CT + DyCE") {
			t.Errorf("%s has the CLIP %q", c.row, c.config.CLIP)
		}
		if c.labelled == 0 && c.config.Batch[1] != 0 {
			t.Errorf("%s draws labelled images of none", c.row)
		}
	}
	if len(outputs) != 24 {
		t.Errorf("%d outputs", len(outputs))
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
