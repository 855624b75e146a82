package report_test

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"math"
	"testing"

	"semidavil"
	"semidavil/transforms/report"
	"semidavil/transforms/report/charts"
)

// tilePNG draws a street of 256x128: sky, buildings, road, a car; kind is image,
// truth or confidence.
func tilePNG(t testing.TB, kind string, frame int) []byte {
	t.Helper()
	m := image.NewRGBA(image.Rect(0, 0, 256, 128))
	for y := range 128 {
		for x := range 256 {
			id := 10
			switch {
			case y > 80:
				id = 0
			case y > 74:
				id = 1
			case y > 30+((x/32+frame)*7)%25:
				id = 2
			}
			if y > 64 && y < 92 && x > 60+20*frame && x < 120+20*frame {
				id = 13
			}
			if x > 180 && x < 183 && y > 20 && y < 80 {
				id = 5
			}
			c := semidavil.Cityscapes19.Classes[id].Color
			switch kind {
			case "image":
				noise := uint8((x*7 + y*13 + x*y) % 23)
				c = [3]uint8{c[0]/2 + 50 + noise, c[1]/2 + 60 + noise, c[2]/2 + 50 + noise}
			case "confidence":
				v := uint8(255 * (0.5 + 0.5*math.Sin(float64(x)/30)*math.Cos(float64(y)/20)))
				c = [3]uint8{v, v, v}
			}
			m.Set(x, y, color.RGBA{c[0], c[1], c[2], 255})
		}
	}
	var b bytes.Buffer
	if err := png.Encode(&b, m); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// sample is a report with everything in it.
func sample(t testing.TB) report.Document {
	t.Helper()
	must := func(svg []byte, err error) []byte {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return svg
	}
	classes := semidavil.Cityscapes19.Classes
	bars := charts.BarChart{Title: "Intersection over union by class", Axis: "IoU", Unit: "%", Decimals: 1, Series: []charts.Series{{Name: "without DyCE"}, {Name: "with DyCE"}}}
	shares := charts.BarChart{Title: "Class shares: predicted and kept", Axis: "share of the pixels", Unit: "%", Log: true, Series: []charts.Series{{Name: "predicted"}, {Name: "kept"}}}
	matrix := charts.MatrixChart{Title: "Confusion of classes"}
	table := report.Table{Caption: "Scores by class, validation frames", Head: []string{"class", "IoU", "accuracy", "precision", "pixels", "share", "kept as pseudo-label"}}
	var legend []report.Swatch
	for i, c := range classes {
		legend = append(legend, report.Swatch{Name: c.Name, Color: c.Color})
		v := 95 * math.Exp(-float64(i)/14)
		share := 37 * math.Exp(-float64(i)/2.4)
		bars.Categories, bars.Colors = append(bars.Categories, c.Name), append(bars.Colors, c.Color)
		bars.Series[0].Values = append(bars.Series[0].Values, v)
		bars.Series[1].Values = append(bars.Series[1].Values, math.Min(v*1.05+1, 98))
		shares.Categories, shares.Colors = append(shares.Categories, c.Name), append(shares.Colors, c.Color)
		shares.Series[0].Values = append(shares.Series[0].Values, share)
		shares.Series[1].Values = append(shares.Series[1].Values, share*0.7)
		matrix.Names = append(matrix.Names, c.Name)
		row := make([]float64, 19)
		for j := range row {
			row[j] = (100 - v) / 18 / 100
		}
		row[i] = v / 100
		matrix.Values = append(matrix.Values, row)
		table.Colors = append(table.Colors, c.Color)
		table.Rows = append(table.Rows, []string{c.Name, fmt.Sprintf("%.1f%%", v), fmt.Sprintf("%.1f%%", v+2), fmt.Sprintf("%.1f%%", v+1.5), fmt.Sprint(int(share * 20971)), fmt.Sprintf("%.2f%%", share), fmt.Sprintf("%.2f%%", share*0.7)})
	}
	lines := charts.LineChart{Title: "Mean IoU while training", XAxis: "step", YAxis: "mean IoU, %", Unit: "%"}
	for k, name := range []string{"semidavil", "without DyCE", "mean teacher"} {
		curve := charts.Curve{Name: name}
		for i := range 21 {
			curve.X = append(curve.X, float64(i)*500)
			curve.Y = append(curve.Y, (62-4*float64(k))*(1-math.Exp(-float64(i+1)/5)))
		}
		lines.Curves = append(lines.Curves, curve)
	}
	reliability := charts.ReliabilityChart{Title: "Reliability of the teacher"}
	for i := range 15 {
		conf := (float64(i) + 0.5) / 15
		reliability.Bins = append(reliability.Bins, charts.Bin{Confidence: conf, Accuracy: conf * 0.9, Share: float64(i+1) / 120})
	}
	var cards []report.Card
	for frame := range 3 {
		cards = append(cards, report.Card{Title: fmt.Sprintf("target_%04d", frame), Caption: "A street with a car in front of buildings; mean IoU of the frame 61.8%.", Tiles: []report.Tile{
			{Label: "image", PNG: tilePNG(t, "image", frame), Photo: true},
			{Label: "truth", PNG: tilePNG(t, "truth", frame), Alt: "label map of the annotators"},
			{Label: "prediction", PNG: tilePNG(t, "truth", frame+1)},
			{Label: "pseudo-label", PNG: tilePNG(t, "truth", frame)},
			{Label: "confidence", PNG: tilePNG(t, "confidence", frame), Photo: true},
		}})
	}
	return report.Document{
		Title: "SemiDAViL on MiniCity", Lead: "Semi-supervised adaptation from rendered to photographed streets, guided by captions.",
		Facts: []report.Fact{{"mean IoU", "62.1%"}, {"pixel accuracy", "91.4%"}, {"ECE", "4.3%"}, {"frames", "64"}, {"steps", "10 000"}, {"duration", "48 min"}},
		Sections: []report.Section{
			{Title: "Scores", Text: []string{"Classes that do not occur in the validation frames count in no mean."}, Tables: []report.Table{table},
				Figures: []report.Figure{{Caption: "With DyCE, rare classes gain most.", SVG: must(charts.Bars(bars))}, {Caption: "Rows are the truth.", SVG: must(charts.Matrix(matrix))}}},
			{Title: "Training", Figures: []report.Figure{{Caption: "Evaluated every 500 steps.", SVG: must(charts.Lines(lines))}}},
			{Title: "Pseudo-labels", Figures: []report.Figure{{Caption: "What the threshold keeps.", SVG: must(charts.Bars(shares))}, {Caption: "Reliability diagram", SVG: must(charts.Reliability(reliability))}}},
			{Title: "Frames", Legend: legend, Cards: cards},
		},
	}
}
