package charts_test

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"semidavil/transforms/report/charts"
)

func TestLines(t *testing.T) {
	nan := math.NaN()
	svg, err := charts.Lines(charts.LineChart{Title: "t", YAxis: "IoU", Curves: []charts.Curve{
		{Name: "a", X: []float64{0, 10, 20, 30, 40}, Y: []float64{0, 10, nan, 40, nan}},
		{Name: "b", X: []float64{0, 40}, Y: []float64{20, 39.9}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	all := parse(t, svg)
	// The ticks of 40 on either axis, y first, give the scale.
	var ticks []element
	for _, e := range all {
		if e.name == "text" && e.text == "40" {
			ticks = append(ticks, e)
		}
	}
	if len(ticks) < 2 {
		t.Fatalf("%d ticks of 40, want one on each axis", len(ticks))
	}
	top, x40 := ticks[0].num(t, "y")-3.7, ticks[1].num(t, "x")
	dots := class(all, "chart-dot")
	if len(dots) != 5 {
		t.Fatalf("%d dots, want 5", len(dots))
	}
	left, bottom := dots[0].num(t, "cx"), dots[0].num(t, "cy") // (0, 0)
	for i, p := range [][2]float64{{0, 0}, {10, 10}, {30, 40}, {0, 20}, {40, 39.9}} {
		near(t, "x", dots[i].num(t, "cx"), left+(x40-left)*p[0]/40)
		near(t, "y", dots[i].num(t, "cy"), bottom-(bottom-top)*p[1]/40)
	}
	near(t, "height", bottom-top, 280)
	lines := class(all, "chart-line")
	if len(lines) != 2 || strings.Count(lines[0].attributes["d"], "M") != 2 || strings.Count(lines[0].attributes["d"], "L") != 1 {
		t.Errorf("paths %v", lines)
	}
	// The last values, 40 and 39.9, are 0.7 apart in pixels: their numbers move.
	if gap := written(t, all, "39.9").num(t, "y") - written(t, all, "40.0").num(t, "y"); gap < 12.98 {
		t.Errorf("last numbers %v apart, want 13", gap)
	}
	near(t, "the upper number stays at its curve", written(t, all, "40.0").num(t, "y"), top+3.7)
}

// TestLinesColors: a curve without values is not in the legend, and the next one keeps its
// colour; the unit stands at the axis.
func TestLinesColors(t *testing.T) {
	svg, err := charts.Lines(charts.LineChart{Title: "t", YAxis: "kept pixels", Unit: "%", Curves: []charts.Curve{{Name: "none"}, {Name: "some", X: []float64{0, 1}, Y: []float64{1, 2}}}})
	if err != nil {
		t.Fatal(err)
	}
	all := parse(t, svg)
	written(t, all, "kept pixels, %")
	written(t, all, "some")
	c := charts.Color(1)
	if color := fmt.Sprintf("#%02x%02x%02x", c[0], c[1], c[2]); class(all, "chart-line")[0].attributes["stroke"] != color || color != "#e69f00" {
		t.Errorf("stroke %v, want %s", class(all, "chart-line")[0].attributes, color)
	}
	for _, e := range all {
		if e.name == "text" && e.text == "none" {
			t.Error("a curve without values is in the legend")
		}
	}
}

func TestLinesLog(t *testing.T) {
	svg, err := charts.Lines(charts.LineChart{Title: "t", Log: true, Curves: []charts.Curve{{X: []float64{1, 2, 3, 4, 5}, Y: []float64{0.02, 0, 0.3, 7, 1000}}}})
	if err != nil {
		t.Fatal(err)
	}
	all := parse(t, svg)
	low, high := written(t, all, "0.01").num(t, "y")-3.7, written(t, all, "1000").num(t, "y")-3.7
	dots := class(all, "chart-dot")
	if len(dots) != 4 {
		t.Fatalf("%d dots, want 4", len(dots))
	}
	for i, v := range []float64{0.02, 0.3, 7, 1000} {
		near(t, "y", dots[i].num(t, "cy"), low+(high-low)*(math.Log10(v)+2)/5)
	}
}

// TestLinesDots draws no dots on long curves, save on points that stand alone.
func TestLinesDots(t *testing.T) {
	c := charts.Curve{}
	for i := range 100 {
		c.X, c.Y = append(c.X, float64(i)), append(c.Y, 1+float64(i))
	}
	c.Y[50], c.Y[52] = math.NaN(), math.NaN()
	svg, err := charts.Lines(charts.LineChart{Title: "t", Curves: []charts.Curve{c}})
	if err != nil {
		t.Fatal(err)
	}
	if dots := class(parse(t, svg), "chart-dot"); len(dots) != 1 || !strings.Contains(dots[0].title, "51, 52") {
		t.Errorf("dots %v", dots)
	}
}

func TestLinesErrors(t *testing.T) {
	good := func() charts.LineChart {
		return charts.LineChart{Title: "t", Curves: []charts.Curve{{Name: "a", X: []float64{0, 1}, Y: []float64{1, 2}}}}
	}
	if _, err := charts.Lines(good()); err != nil {
		t.Fatal(err)
	}
	for want, change := range map[string]func(*charts.LineChart){
		"no title":                          func(c *charts.LineChart) { c.Title = "" },
		"0 curves":                          func(c *charts.LineChart) { c.Curves = nil },
		"8 curves, want 1 to 7":             func(c *charts.LineChart) { c.Curves = make([]charts.Curve, 8) },
		"2 x and 1 y":                       func(c *charts.LineChart) { c.Curves[0].Y = []float64{1} },
		"x of point 1: NaN":                 func(c *charts.LineChart) { c.Curves[0].X[1] = math.NaN() },
		"point 1: -Inf":                     func(c *charts.LineChart) { c.Curves[0].Y[1] = math.Inf(-1) },
		"point 0: -1 on a logarithmic axis": func(c *charts.LineChart) { c.Curves[0].Y[0] = -1; c.Log = true },
		"no data":                           func(c *charts.LineChart) { c.Curves[0].Y = []float64{math.NaN(), math.NaN()} },
		"a curve without a name among":      func(c *charts.LineChart) { c.Curves = append(c.Curves, charts.Curve{}) },
	} {
		c := good()
		change(&c)
		if _, err := charts.Lines(c); err == nil || !strings.HasPrefix(err.Error(), "charts: draw lines: ") || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
}

// FuzzLines draws whatever numbers it gets without a panic and without a NaN in
// the drawing.
func FuzzLines(f *testing.F) {
	f.Add(0.0, 1.0, 0.0, 1.0, false)
	f.Add(5.0, 5.0, 0.0, 0.0, true)
	f.Add(-1e100, 1e100, 1e-300, 3e-310, false)
	f.Add(1e15, 1e15+1, 1e-99, 1e99, true)
	f.Fuzz(func(t *testing.T, x1, x2, y1, y2 float64, log bool) {
		svg, err := charts.Lines(charts.LineChart{Title: "t", Log: log, Curves: []charts.Curve{{X: []float64{x1, x2}, Y: []float64{y1, y2}}}})
		if err != nil {
			return
		}
		if len(svg) > 20_000 {
			t.Errorf("%d bytes", len(svg))
		}
		for _, e := range parse(t, svg) {
			for key, v := range e.attributes {
				if strings.Contains(v, "NaN") || strings.Contains(v, "Inf") {
					t.Errorf("%s=%q", key, v)
				}
			}
		}
	})
}

// TestLinesEnds keeps the last numbers of curves that end at the axis inside the
// plot.
func TestLinesEnds(t *testing.T) {
	c := charts.LineChart{Title: "t"}
	for i, name := range []string{"a", "b", "c"} {
		c.Curves = append(c.Curves, charts.Curve{Name: name, X: []float64{0, 1}, Y: []float64{50, float64(i) / 10}})
	}
	svg, err := charts.Lines(c)
	if err != nil {
		t.Fatal(err)
	}
	all := parse(t, svg)
	bottom := class(all, "chart-dot")[1].num(t, "cy") // (1, 0)
	for i, s := range []string{"0.200", "0.100"} {
		near(t, s, written(t, all, s).num(t, "y"), bottom+3.7-13*float64(2-i))
	}
}
