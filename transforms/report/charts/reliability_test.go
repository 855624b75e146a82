package charts_test

import (
	"math"
	"strings"
	"testing"

	"semidavil/transforms/report/charts"
)

func TestReliability(t *testing.T) {
	nan := math.NaN()
	bins := []charts.Bin{{nan, nan, 0}, {0.3, 0.5, 0.25}, {0.6, 0.6, 0}, {0.8, 0.6, 0.75}}
	svg, err := charts.Reliability(charts.ReliabilityChart{Title: "t", Bins: bins})
	if err != nil {
		t.Fatal(err)
	}
	all := parse(t, svg)
	if want := "t – expected calibration error 20.0%"; all[0].title != want { // 0.25*0.2 + 0.75*0.2
		t.Errorf("title %q, want %q", all[0].title, want)
	}
	bars, gaps, shares := class(all, "chart-bar"), class(all, "chart-gap"), class(all, "chart-share")
	if len(bars) != 2 || len(gaps) != 2 || len(shares) != 4 {
		t.Fatalf("%d bars, %d gaps, %d shares", len(bars), len(gaps), len(shares))
	}
	diagonal := class(all, "chart-diagonal")[0]
	left, base, side := diagonal.num(t, "x1"), diagonal.num(t, "y1"), 440.0
	near(t, "diagonal", diagonal.num(t, "x2")-left, side)
	near(t, "diagonal", base-diagonal.num(t, "y2"), side)
	legend := ""
	for i, e := range all {
		if e.name == "text" && e.text == "gap to the mean confidence" {
			legend = all[i-1].attributes["fill"]
		}
	}
	for i, want := range []struct{ bin, accuracy, from float64 }{{1, 0.5, 0.5}, {3, 0.6, 0.8}} {
		near(t, "bar x", bars[i].num(t, "x"), left+side*want.bin/4+0.5)
		near(t, "bar width", bars[i].num(t, "width"), side/4-1)
		near(t, "bar height", bars[i].num(t, "height"), side*want.accuracy)
		near(t, "gap top", gaps[i].num(t, "y"), base-side*want.from)
		near(t, "gap height", gaps[i].num(t, "height"), side*0.2)
		near(t, "gap x", gaps[i].num(t, "x"), left+side*(want.bin+0.3)/4)
		near(t, "gap width", gaps[i].num(t, "width"), side/4*0.4)
		if fill := gaps[i].attributes["fill"]; fill != legend || gaps[i].attributes["fill-opacity"] != "" {
			t.Errorf("gap is painted %v, in the legend %s", gaps[i].attributes, legend)
		}
	}
	near(t, "share of an empty bin", shares[0].num(t, "height"), 0)
	near(t, "share", shares[3].num(t, "height"), 3*shares[1].num(t, "height"))
	written(t, all, "75")
}

func TestReliabilityErrors(t *testing.T) {
	for want, bins := range map[string][]charts.Bin{
		"0 bins":                       nil,
		"51 bins":                      make([]charts.Bin, 51),
		"shares add up to 0.5":         {{0.5, 0.5, 0.5}},
		"shares add up to 0":           {{0.5, 0.5, 0}},
		"bin 0: share NaN":             {{0.5, 0.5, math.NaN()}},
		"bin 0: share 50":              {{0.5, 0.5, 50}},
		"bin 0: accuracy NaN":          {{0.5, math.NaN(), 1}},
		"bin 0: accuracy +Inf":         {{0.5, math.Inf(1), 1}},
		"bin 1: mean confidence 0.3, ": {{0.2, 0.5, 0.5}, {0.3, 0.5, 0.5}},
		"bin 0: mean confidence NaN":   {{math.NaN(), 0.5, 1}},
	} {
		_, err := charts.Reliability(charts.ReliabilityChart{Title: "t", Bins: bins})
		if err == nil || !strings.HasPrefix(err.Error(), "charts: draw reliability: ") || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
	if _, err := charts.Reliability(charts.ReliabilityChart{Bins: []charts.Bin{{0.5, 0.5, 1}}}); err == nil {
		t.Error("no error without a title")
	}
}
