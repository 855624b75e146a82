package charts_test

import (
	"math"
	"strings"
	"testing"

	"semidavil/transforms/report/charts"
)

func TestMatrix(t *testing.T) {
	nan := math.NaN()
	svg, err := charts.Matrix(charts.MatrixChart{Title: "t", Names: []string{"road", "<b>&\"", "sky"}, Values: [][]float64{{1, 0, 0}, {nan, nan, nan}, {0.004, 0.25, 0.746}}})
	if err != nil {
		t.Fatal(err)
	}
	all := parse(t, svg)
	cells, none := class(all, "chart-cell"), class(all, "chart-none")
	if len(cells) != 6 || len(none) != 3 {
		t.Fatalf("%d cells with and %d without a value, want 6 and 3", len(cells), len(none))
	}
	// Cells are 44 wide; row 0 and row 2 are the ones with values.
	left, top := cells[0].num(t, "x"), cells[0].num(t, "y")
	for i, c := range cells {
		near(t, "x", c.num(t, "x"), left+44*float64(i%3))
		near(t, "y", c.num(t, "y"), top+88*float64(i/3))
		near(t, "width", c.num(t, "width"), 44)
	}
	// Viridis ends at these colours; 0.25 is at 2.25 of 9 steps: a quarter of the
	// way from #3e4989 to #31688e, (58.75, 80.75, 138.25).
	for i, want := range map[int]string{0: "#fde725", 1: "#440154", 4: "#3b518a"} {
		if cells[i].attributes["fill"] != want {
			t.Errorf("cell %d is %s, want %s", i, cells[i].attributes["fill"], want)
		}
	}
	if cells[4].title != `sky → <b>&": 25.0%` {
		t.Errorf("title %q", cells[4].title)
	}
	for _, s := range []string{"100", "25", "75", "–", `<b>&"`, "truth", "prediction"} {
		written(t, all, s)
	}
	for _, e := range all {
		if e.name == "text" && e.text == "0" {
			t.Error("0.4% has a number")
		}
	}
}

// TestMatrixMany has too many classes for numbers in the cells.
func TestMatrixMany(t *testing.T) {
	svg, err := charts.Matrix(matrixSample(34))
	if err != nil {
		t.Fatal(err)
	}
	all := parse(t, svg)
	if n := len(class(all, "chart-cell")); n != 34*33 {
		t.Errorf("%d cells, want %d", n, 34*33)
	}
	for _, e := range all {
		if e.name == "text" && e.text == "95" {
			t.Error("a number in a cell")
		}
	}
}

func TestMatrixErrors(t *testing.T) {
	for want, c := range map[string]charts.MatrixChart{
		"no title":                 {Names: []string{"a"}, Values: [][]float64{{1}}},
		"0 classes":                {Title: "t"},
		"35 classes":               {Title: "t", Names: make([]string, 35)},
		"1 rows of 2 classes":      {Title: "t", Names: []string{"a", "b"}, Values: [][]float64{{1, 0}}},
		`row "b": 1 values of 2`:   {Title: "t", Names: []string{"a", "b"}, Values: [][]float64{{1, 0}, {1}}},
		"share 1.5":                {Title: "t", Names: []string{"a"}, Values: [][]float64{{1.5}}},
		`column "a": share -0.1`:   {Title: "t", Names: []string{"a"}, Values: [][]float64{{-0.1}}},
		"share +Inf":               {Title: "t", Names: []string{"a"}, Values: [][]float64{{math.Inf(1)}}},
		"every share is NaN":       {Title: "t", Names: []string{"a"}, Values: [][]float64{{math.NaN()}}},
		"no data: every share is ": {Title: "t", Names: []string{"b"}, Values: [][]float64{{math.NaN()}}},
	} {
		if _, err := charts.Matrix(c); err == nil || !strings.HasPrefix(err.Error(), "charts: draw matrix: ") || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
}
