package charts_test

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"semidavil/transforms/report/charts"
)

// The left end is the margin 16, the name "ab" of two characters of 0.62*12, and
// 10; the right end leaves 16, "100" of three characters of 0.62*10.5, and 6.
func TestBarsLinear(t *testing.T) {
	svg, err := charts.Bars(charts.BarChart{Title: "t", Categories: []string{"ab", "cd", "ef", "gh"}, Series: []charts.Series{{Values: []float64{100, 50, math.NaN(), 12.5}}}})
	if err != nil {
		t.Fatal(err)
	}
	all := parse(t, svg)
	bars := class(all, "chart-bar")
	if len(bars) != 3 {
		t.Fatalf("%d bars, want 3", len(bars))
	}
	const left, full = 16 + 14.88 + 10, 680 - 16 - 19.53 - 6 - 40.88
	for i, part := range []float64{1, 0.5, 0.125} {
		near(t, "start", bars[i].num(t, "x"), left)
		near(t, "length", bars[i].num(t, "width"), full*part)
	}
	for label, part := range map[string]float64{"0": 0, "20": 0.2, "80": 0.8} {
		near(t, "tick "+label, written(t, all, label).num(t, "x"), left+full*part)
	}
	// Rows are 14+6 apart; the third has no bar but a dash.
	near(t, "second row", bars[1].num(t, "y")-bars[0].num(t, "y"), 20)
	near(t, "fourth row", bars[2].num(t, "y")-bars[1].num(t, "y"), 40)
	near(t, "dash", written(t, all, "–").num(t, "x"), left+4)
	if bars[1].title != "cd: 50" {
		t.Errorf("title %q", bars[1].title)
	}
}

func TestBarsLog(t *testing.T) {
	svg, err := charts.Bars(charts.BarChart{Title: "t", Unit: "%", Log: true, Categories: []string{"a", "b", "c", "d"},
		Series: []charts.Series{{Name: "p", Values: []float64{36.9, 0.01, 1, 0}}, {Name: "q", Values: []float64{10, math.NaN(), 0.5, 2}}}})
	if err != nil {
		t.Fatal(err)
	}
	all := parse(t, svg)
	bars := class(all, "chart-bar")
	if len(bars) != 6 {
		t.Fatalf("%d bars, want 6", len(bars))
	}
	// The least value is a power of ten: the axis begins one decade below it.
	low, high := written(t, all, "0.001").num(t, "x"), written(t, all, "100").num(t, "x")
	for i, v := range []float64{36.9, 10, 0.01, 1, 0.5, 2} {
		near(t, "start", bars[i].num(t, "x"), low)
		near(t, "length", bars[i].num(t, "width"), (math.Log10(v)+3)/5*(high-low))
	}
	near(t, "0 has a number at the axis", written(t, all, "0%").num(t, "x"), low+4)
	written(t, all, "37%")
	written(t, all, "% (logarithmic)")
}

func TestBarsSigned(t *testing.T) {
	svg, err := charts.Bars(charts.BarChart{Title: "t", Decimals: 1, Categories: []string{"a", "b"}, Series: []charts.Series{{Values: []float64{-2, 6}}}})
	if err != nil {
		t.Fatal(err)
	}
	all := parse(t, svg)
	bars := class(all, "chart-bar")
	zero := written(t, all, "0").num(t, "x")
	near(t, "negative bar ends at 0", bars[0].num(t, "x")+bars[0].num(t, "width"), zero)
	near(t, "positive bar starts at 0", bars[1].num(t, "x"), zero)
	near(t, "lengths", bars[1].num(t, "width"), 3*bars[0].num(t, "width"))
	if number := written(t, all, "-2.0"); number.attributes["text-anchor"] != "end" || number.num(t, "x") >= bars[0].num(t, "x") {
		t.Errorf("number of the negative bar: %v", number.attributes)
	}
}

func TestBarsSwatches(t *testing.T) {
	svg, err := charts.Bars(charts.BarChart{Title: "t", Categories: []string{"a", "b"}, Colors: [][3]uint8{{128, 64, 128}, {0, 0, 7}}, Series: []charts.Series{{Values: []float64{0, 0}}}})
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`fill="#804080"`, `fill="#000007"`} {
		if !strings.Contains(string(svg), want) {
			t.Errorf("no %s", want)
		}
	}
}

func TestBarsColors(t *testing.T) {
	svg, err := charts.Bars(charts.BarChart{Title: "t", First: 6, Categories: []string{"a"}, Series: []charts.Series{{Name: "p", Values: []float64{1}}, {Name: "q", Values: []float64{2}}}})
	if err != nil {
		t.Fatal(err)
	}
	all := parse(t, svg)
	for i, c := range [][3]uint8{charts.Color(6), charts.Color(0)} {
		if fill, want := class(all, "chart-bar")[i].attributes["fill"], fmt.Sprintf("#%02x%02x%02x", c[0], c[1], c[2]); fill != want {
			t.Errorf("bar %d is %s, want %s", i, fill, want)
		}
	}
}

func TestBarsEscape(t *testing.T) {
	const evil = "<b>&\"' \x00\xff</title><script>"
	svg, err := charts.Bars(charts.BarChart{Title: `a<b>&"`, Note: evil, Axis: evil, Unit: evil, Categories: []string{`<b>&"`}, Series: []charts.Series{{Name: evil, Values: []float64{1}}}})
	if err != nil {
		t.Fatal(err)
	}
	all := parse(t, svg)
	written(t, all, `<b>&"`)
	if all[0].attributes["aria-label"] != `a<b>&"` {
		t.Errorf("label %q", all[0].attributes["aria-label"])
	}
	for _, e := range all {
		if e.name == "b" || e.name == "script" {
			t.Errorf("element %s", e.name)
		}
	}
}

// TestBarsWhiskers: the axis reaches to the ends, and numbers stand behind them.
func TestBarsWhiskers(t *testing.T) {
	nan := math.NaN()
	svg, err := charts.Bars(charts.BarChart{Title: "t", Unit: "%", Decimals: 1, Categories: []string{"a", "b", "c"},
		Series: []charts.Series{{Values: []float64{50, 20, nan}, Low: []float64{40, nan, nan}, High: []float64{80, nan, nan}}}})
	if err != nil {
		t.Fatal(err)
	}
	all := parse(t, svg)
	zero, eighty := written(t, all, "0").num(t, "x"), written(t, all, "80").num(t, "x")
	at := func(v float64) float64 { return zero + v/80*(eighty-zero) }
	near(t, "bar", class(all, "chart-bar")[0].num(t, "width"), at(50)-zero)
	var ends []float64
	for _, e := range class(all, "chart-axis") {
		if e.name == "line" && e.attributes["stroke-width"] == "1.5" {
			ends = append(ends, e.num(t, "x1"), e.num(t, "x2"))
		}
	}
	if len(ends) != 6 { // the whisker and its two ends
		t.Fatalf("%v", ends)
	}
	for i, want := range []float64{40, 80, 40, 40, 80, 80} {
		near(t, "end", ends[i], at(want))
	}
	near(t, "number", written(t, all, "50.0%").num(t, "x"), at(80)+4)
	near(t, "number without a whisker", written(t, all, "20.0%").num(t, "x"), at(20)+4)
	if title := class(all, "chart-bar")[0].title; title != "a: 50.0% (40.0 to 80.0)" {
		t.Errorf("title %q", title)
	}
}

func TestBarsErrors(t *testing.T) {
	good := func() charts.BarChart {
		return charts.BarChart{Title: "t", Categories: []string{"a", "b"}, Series: []charts.Series{{Name: "s", Values: []float64{1, 2}}}}
	}
	if _, err := charts.Bars(good()); err != nil {
		t.Fatal(err)
	}
	for want, change := range map[string]func(*charts.BarChart){
		"no title":                        func(c *charts.BarChart) { c.Title = " " },
		"0 categories":                    func(c *charts.BarChart) { c.Categories = nil },
		"0 series":                        func(c *charts.BarChart) { c.Series = nil },
		"1 values of 2 categories":        func(c *charts.BarChart) { c.Series[0].Values = []float64{1} },
		"1 colours of 2 categories":       func(c *charts.BarChart) { c.Colors = make([][3]uint8, 1) },
		`value of "b": +Inf`:              func(c *charts.BarChart) { c.Series[0].Values[1] = math.Inf(1) },
		"at most 1e100":                   func(c *charts.BarChart) { c.Series[0].Values[1] = -1e101 },
		"-1 on a logarithmic axis":        func(c *charts.BarChart) { c.Log = true; c.Series[0].Values[1] = -1 },
		"first colour 7":                  func(c *charts.BarChart) { c.First = 7 },
		"no data":                         func(c *charts.BarChart) { c.Series[0].Values = []float64{math.NaN(), math.NaN()} },
		"s\": 1 low and 2 high ends of 2": func(c *charts.BarChart) { c.Series[0].Low, c.Series[0].High = []float64{1}, []float64{1, 2} },
		"\"b\": 2 is not within 0 to 1":   func(c *charts.BarChart) { c.Series[0].Low, c.Series[0].High = []float64{0, 0}, []float64{1, 1} },
		"7 decimals":                      func(c *charts.BarChart) { c.Decimals = 7 },
		"8 series, want at most 7":        func(c *charts.BarChart) { c.Series = make([]charts.Series, 8) },
		"a series without a name among ":  func(c *charts.BarChart) { c.Series = append(c.Series, charts.Series{Values: []float64{1, 2}}) },
	} {
		c := good()
		change(&c)
		if _, err := charts.Bars(c); err == nil || !strings.HasPrefix(err.Error(), "charts: draw bars: ") || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
}
