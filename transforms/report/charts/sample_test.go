package charts_test

import (
	"math"
	"os"
	"path/filepath"
	"testing"

	"semidavil"
	"semidavil/transforms/report/charts"
)

// The samples have the shape of what a run draws: 19 classes, absent ones among
// them, shares over four decades, curves with gaps.

func barSample() charts.BarChart {
	c := charts.BarChart{Title: "Intersection over union by class", Note: "MiniCity val, 64 frames, mean over the classes that occur", Axis: "IoU", Unit: "%", Decimals: 1}
	without, with := charts.Series{Name: "without DyCE"}, charts.Series{Name: "with DyCE"}
	for i, class := range semidavil.Cityscapes19.Classes {
		c.Categories = append(c.Categories, class.Name)
		c.Colors = append(c.Colors, class.Color)
		v := 96.4 * math.Exp(-float64(i)/9)
		without.Values = append(without.Values, v)
		with.Values = append(with.Values, math.Min(v*1.07+1.5, 98.2))
	}
	without.Values[16], with.Values[16] = math.NaN(), math.NaN()
	without.Values[12] = 0
	c.Series = []charts.Series{without, with}
	return c
}

func logBarSample() charts.BarChart {
	c := charts.BarChart{Title: "Class shares: predicted and kept as pseudo-labels", Axis: "share of the pixels", Unit: "%", Log: true, Decimals: 1}
	predicted, kept := charts.Series{Name: "predicted"}, charts.Series{Name: "kept"}
	for i, class := range semidavil.Cityscapes19.Classes {
		c.Categories = append(c.Categories, class.Name)
		c.Colors = append(c.Colors, class.Color)
		v := 36.9 * math.Exp(-float64(i)/2.4)
		predicted.Values = append(predicted.Values, v)
		kept.Values = append(kept.Values, v*0.8*math.Exp(-float64(i)/9))
	}
	kept.Values[18] = 0
	c.Series = []charts.Series{predicted, kept}
	return c
}

func signedBarSample() charts.BarChart {
	return charts.BarChart{Title: "Change of IoU with DyCE", Unit: "points", Decimals: 1, Categories: []string{"road", "traffic light", "a class with a name that is far too long for any column of names", "train"},
		Series: []charts.Series{{Values: []float64{0.4, 6.2, -2.1, math.NaN()}}}}
}

func lineSample() charts.LineChart {
	c := charts.LineChart{Title: "Mean IoU while training", XAxis: "step", YAxis: "mean IoU, %", Unit: "%"}
	for k, name := range []string{"semidavil", "without DyCE", "without captions", "mean teacher"} {
		curve := charts.Curve{Name: name}
		for i := range 21 {
			x := float64(i) * 500
			y := (62 - 3*float64(k)) * (1 - math.Exp(-float64(i+1)/5))
			if k == 2 && i > 8 && i < 12 {
				y = math.NaN()
			}
			curve.X, curve.Y = append(curve.X, x), append(curve.Y, y)
		}
		c.Curves = append(c.Curves, curve)
	}
	return c
}

func lossSample() charts.LineChart {
	c := charts.LineChart{Title: "Loss while training", XAxis: "step", YAxis: "loss", Log: true}
	for k, name := range []string{"labelled", "pseudo-label", "language guidance"} {
		curve := charts.Curve{Name: name}
		for i := range 200 {
			wobble := 1 + 0.2*math.Sin(float64(i*(k+3))*1.7)
			curve.X = append(curve.X, float64(i)*50)
			curve.Y = append(curve.Y, wobble*2.5/(1+float64(i)/float64(4+8*k)))
		}
		c.Curves = append(c.Curves, curve)
	}
	return c
}

// matrixSample has k classes, the third of which does not occur.
func matrixSample(k int) charts.MatrixChart {
	c := charts.MatrixChart{Title: "Confusion of classes"}
	for i := range k {
		c.Names = append(c.Names, semidavil.Cityscapes19.Classes[i%19].Name)
		row := make([]float64, k)
		right := 0.95 - 0.02*float64(i)
		for j := range row {
			row[j] = (1 - right) / float64(k-1) * 0.5
			switch {
			case i == 2:
				row[j] = math.NaN()
			case i == j:
				row[j] = right
			case j == (i+5)%k:
				row[j] += (1 - right) / 2
			}
		}
		c.Values = append(c.Values, row)
	}
	return c
}

func reliabilitySample() charts.ReliabilityChart {
	c := charts.ReliabilityChart{Title: "Reliability of the teacher"}
	const n = 15
	var sum float64
	for i := range n {
		conf := (float64(i) + 0.6) / n
		b := charts.Bin{Confidence: conf, Accuracy: conf * (0.75 + 0.2*conf), Share: math.Exp(float64(i-n) / 2)}
		if i < 3 {
			b = charts.Bin{Confidence: math.NaN(), Accuracy: math.NaN()}
		}
		if i == 5 {
			b.Accuracy = 0.48
		}
		sum += b.Share
		c.Bins = append(c.Bins, b)
	}
	for i := range c.Bins {
		c.Bins[i].Share /= sum
	}
	return c
}

// samples draws every sample.
func samples(t testing.TB) map[string][]byte {
	t.Helper()
	out := map[string][]byte{}
	add := func(name string, svg []byte, err error) {
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		out[name] = svg
	}
	for name, c := range map[string]charts.BarChart{"bars": barSample(), "logbars": logBarSample(), "signedbars": signedBarSample()} {
		svg, err := charts.Bars(c)
		add(name, svg, err)
	}
	for name, c := range map[string]charts.LineChart{"lines": lineSample(), "loss": lossSample()} {
		svg, err := charts.Lines(c)
		add(name, svg, err)
	}
	for name, k := range map[string]int{"matrix2": 3, "matrix19": 19, "matrix34": 34} {
		svg, err := charts.Matrix(matrixSample(k))
		add(name, svg, err)
	}
	svg, err := charts.Reliability(reliabilitySample())
	add("reliability", svg, err)
	return out
}

// TestSamples writes the samples to the folder SEMIDAVIL_CHARTS, to look at them.
func TestSamples(t *testing.T) {
	dir := os.Getenv("SEMIDAVIL_CHARTS")
	for name, svg := range samples(t) {
		if dir != "" {
			if err := os.WriteFile(filepath.Join(dir, name+".svg"), svg, 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
}
