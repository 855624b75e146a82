package demo

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"time"

	"semidavil"
	"semidavil/configs"
	"semidavil/internal/store"
	"semidavil/model/backend"
	"semidavil/model/train"
	"semidavil/stages"
	"semidavil/transforms/classstats"
	"semidavil/transforms/pseudo"
	"semidavil/transforms/report"
	"semidavil/transforms/report/charts"
	"semidavil/transforms/report/figures"
)

type named struct{ row, name string }

// names are those of the trainings in the report, in their order.
var names = []named{{sourceOnly, "source only"}, {withoutDyCE, "without DyCE"}, {full, "all parts"}}

// report makes the page.
func (r *run) report(ctx context.Context, record configs.Record, took time.Duration) ([]byte, error) {
	evaluation, err := stages.ReadEvaluation(ctx, r.Output+"/evaluate")
	if err != nil {
		return nil, err
	}
	stats, err := stages.ReadLabelStats(ctx, r.Output+"/pseudolabel")
	if err != nil {
		return nil, err
	}
	set := evaluation.ClassSet
	document := report.Document{
		Title: "SemiDAViL on MiniCity",
		Lead: fmt.Sprintf("A segmenter for the target domain of MiniCity, a small drawn city, from 240 labelled scenes of the source domain, %d labelled "+
			"scenes of the target and the unlabelled rest, guided by captions. The scenes and all figures on this page were made by one command.", r.Labelled),
		Facts: r.facts(stats, evaluation),
	}
	for _, section := range []func() (report.Section, error){
		func() (report.Section, error) { return r.scores(set) },
		func() (report.Section, error) { return captionSection(set, evaluation) },
		func() (report.Section, error) { return r.scenes(ctx, set) },
		func() (report.Section, error) { return r.curves(ctx) },
		func() (report.Section, error) { return r.classes(ctx, set) },
		func() (report.Section, error) { return labelSection(set, stats) },
		func() (report.Section, error) { return trustSection(set, evaluation) },
		func() (report.Section, error) { return r.about(record, took), nil },
	} {
		made, err := section()
		if err != nil {
			return nil, err
		}
		document.Sections = append(document.Sections, made)
	}
	return document.HTML()
}

func percent(v float64) string { return fmt.Sprintf("%.1f %%", 100*v) }

func (r *run) facts(stats pseudo.Report, e stages.Evaluation) (facts []report.Fact) {
	for _, n := range names {
		facts = append(facts, report.Fact{Label: "mIoU, " + n.name, Value: fmt.Sprint(r.results[n.row].Student, " %")})
	}
	facts = append(facts, report.Fact{Label: "pixels pseudo-labelled", Value: percent(1 - stats.IgnoredShare)})
	if c := e.Networks[0].Report.CalibrationError; c != nil {
		facts = append(facts, report.Fact{Label: "calibration error", Value: c.String() + " %"})
	}
	return facts
}

// scores compares the trainings.
func (r *run) scores(set semidavil.ClassSet) (report.Section, error) {
	s := report.Section{Title: "Scores", Text: []string{
		fmt.Sprintf("Three trainings of %d steps each, scored after the last step on the val scenes, which none of them has seen. \"Source only\" sees no target scene. \"Without DyCE\" "+
			"learns from unlabelled scenes too, through a teacher and language guidance, with ordinary cross-entropy. \"All parts\" replaces that by the "+
			"dynamic cross-entropy, which lifts rare classes.", r.Steps),
		"The mean IoU (mIoU) of all classes is the usual score: as a class counts the same however rare it is, it is far below the share of right pixels. " +
			"The teacher is a moving average of the student.",
		"One seed and few steps: differences of a point or two mean nothing here. docs/BENCHMARKS.md has several seeds and longer trainings."}}
	table := report.Table{Head: []string{"training", "student mIoU, %", "teacher mIoU, %", "pixels right, %", "time, s"}}
	chart := charts.BarChart{Title: "IoU of each class on val", Axis: "intersection over union", Unit: "%", Decimals: 1, Categories: set.Names(), Colors: figures.Colors(set)}
	for i, n := range names {
		x := r.results[n.row]
		table.Colors = append(table.Colors, charts.Color(i))
		table.Rows = append(table.Rows, []string{n.name, x.Student.String(), x.Teacher.String(), x.Pixels.String(), fmt.Sprintf("%.0f", x.Seconds)})
		bars := charts.Series{Name: fmt.Sprintf("%s (mean %v)", n.name, x.Student)}
		for _, v := range x.Classes {
			bars.Values = append(bars.Values, 100*float64(v))
		}
		chart.Series = append(chart.Series, bars)
	}
	svg, err := charts.Bars(chart)
	s.Tables, s.Figures = []report.Table{table}, []report.Figure{{Caption: "Intersection over union (IoU): of the pixels that are a class in truth or in the prediction, the share that are it in both", SVG: svg}}
	return s, err
}

// captionSection shows what captions are worth to the network with all parts.
func captionSection(set semidavil.ClassSet, e stages.Evaluation) (report.Section, error) {
	network, check := e.Networks[0].Network, e.Captions
	s := report.Section{Title: "What captions are worth", Text: []string{"The network with all parts once more on the val scenes, with each scene's own caption, " +
		"with the caption of another scene, with one sentence of all class names, and with none. A network that makes use of captions does best with the own ones."}}
	if check == nil || !check.Read {
		s.Text = []string{"This network reads no captions."}
		return s, nil
	}
	s.Text = append(s.Text, check.Text(network))
	table := report.Table{Head: []string{"captions", "mean IoU, %", "pixels right, %"}}
	for _, c := range check.Columns(network) {
		table.Rows = append(table.Rows, []string{c.Title, c.Scores.MeanIoU.String(), c.Scores.PixelAccuracy.String()})
	}
	svg, err := check.Figure(set, network, slices.IndexFunc(names, func(n named) bool { return n.row == full }))
	s.Tables, s.Figures = []report.Table{table}, []report.Figure{{Caption: "IoU of each class by the captions that the network reads", SVG: svg}}
	return s, err
}

// scenes shows val images.
func (r *run) scenes(ctx context.Context, set semidavil.ClassSet) (report.Section, error) {
	s := report.Section{Title: "Scenes", Text: []string{"Val scenes with the caption that guides the network, the truth, what the network with all parts predicts, " +
		"what of it is kept as pseudo-label by the thresholds below, and its confidence, from dark (low) to yellow (high). Black has no label."}}
	for _, c := range set.Classes {
		s.Legend = append(s.Legend, report.Swatch{Name: c.Name, Color: c.Color})
	}
	var err error
	s.Cards, err = r.cards(ctx, set)
	return s, err
}

// curves shows how the trainings went.
func (r *run) curves(ctx context.Context) (report.Section, error) {
	s := report.Section{Title: "Learning"}
	score := charts.LineChart{Title: "Student's mIoU on val", YAxis: "mean IoU", Unit: "%"}
	loss := charts.LineChart{Title: "Loss", YAxis: "loss, no unit", Log: true}
	sure := charts.LineChart{Title: "Pixels that the teacher is sure of", YAxis: "share of the unlabelled pixels", Unit: "%"}
	for _, n := range names {
		rows, err := train.ReadMetrics(ctx, r.results[n.row].Output)
		if err != nil {
			return s, err
		}
		m, l, k := charts.Curve{Name: n.name}, charts.Curve{Name: n.name}, charts.Curve{Name: n.name}
		add := func(c *charts.Curve, step int, v float64) { c.X, c.Y = append(c.X, float64(step)), append(c.Y, v) }
		for _, x := range rows {
			if x.Student != nil {
				add(&m, x.Step, 100*float64(x.Student.MIoU))
			}
			if x.Losses != nil {
				add(&l, x.Step, x.Loss)
			}
			if x.Losses != nil && n.row != sourceOnly { // that has no teacher
				add(&k, x.Step, 100*x.Kept)
			}
		}
		score.Curves, loss.Curves, sure.Curves = append(score.Curves, m), append(loss.Curves, l), append(sure.Curves, k)
	}
	for _, x := range []struct {
		chart   charts.LineChart
		caption string
	}{
		{score, "Score of the student during the trainings"},
		{loss, "DyCE, the loss of all parts, is not on the scale of cross-entropy: its value is up to four times that of equally good predictions, so the losses are not to be compared with one another"},
		{sure, "Unlabelled pixels in which the student learns from the teacher, since that is sure of them; the source alone has no teacher"},
	} {
		x.chart.XAxis = "training step"
		svg, err := charts.Lines(x.chart)
		if err != nil {
			return s, err
		}
		s.Figures = append(s.Figures, report.Figure{Caption: x.caption, SVG: svg})
	}
	return s, nil
}

// classes shows the long tail.
func (r *run) classes(ctx context.Context, set semidavil.ClassSet) (report.Section, error) {
	s := report.Section{Title: "Classes", Text: []string{"How often each class occurs in the labels. The rare ones are what the source alone, and plain cross-entropy, lose first."}}
	data, err := store.ReadFile(ctx, r.data()+"/"+stages.StatsFile, 0)
	if err != nil {
		return s, err
	}
	table, err := classstats.Decode(data)
	if err != nil {
		return s, err
	}
	svg, err := figures.Frequencies(set, table)
	s.Figures = []report.Figure{{Caption: "Source scenes, labelled target scenes and val scenes; the axis is logarithmic", SVG: svg}}
	return s, err
}

// labelSection shows what pseudolabel kept.
func labelSection(set semidavil.ClassSet, stats pseudo.Report) (report.Section, error) {
	s := report.Section{Title: "Pseudo-labels", Text: []string{fmt.Sprintf("%d unlabelled scenes, labelled by the network with all parts. Thresholds are class-balanced: "+
		"of each class the most certain fifth is kept, and anything from 0.95 on.", stats.Images)}}
	table := report.Table{Head: []string{"class", "predicted, % of pixels", "kept, % of pixels", "mean confidence", "threshold"}}
	for _, c := range stats.Classes {
		share := func(n uint64) string {
			v := 100 * float64(n) / float64(max(stats.Pixels, 1))
			if n > 0 && v < 0.005 {
				return "<0.01"
			}
			return fmt.Sprintf("%.2f", v)
		}
		row := []string{c.Name, share(c.Predicted), share(c.Kept), "-", fmt.Sprintf("%.3f", c.Threshold)}
		if c.Predicted > 0 {
			row[3] = fmt.Sprintf("%.3f", c.PredictedConfidence)
		}
		table.Rows = append(table.Rows, row)
	}
	s.Tables = []report.Table{table}
	for _, x := range []struct {
		draw    func(semidavil.ClassSet, pseudo.Report) ([]byte, error)
		caption string
	}{
		{figures.LabelShares, "What is predicted in the unlabelled scenes, and what of it is kept; the axis is logarithmic, so that rare classes are seen"},
		{figures.LabelThresholds, "The threshold of each class, and the mean confidence of the pixels that are predicted as it"},
	} {
		svg, err := x.draw(set, stats)
		if err != nil {
			return s, err
		}
		s.Figures = append(s.Figures, report.Figure{Caption: x.caption, SVG: svg})
	}
	return s, nil
}

// trustSection shows confusion and calibration.
func trustSection(set semidavil.ClassSet, e stages.Evaluation) (report.Section, error) {
	r := e.Networks[0].Report
	s := report.Section{Title: "Confusion and confidence", Text: []string{"Rows of the matrix are true classes. The reliability diagram compares the network's confidence " +
		"with how often it is right; thresholds on the confidence rely on it."}}
	confusion, err := figures.Confusion(set, "Confusion on val", r.Confusion)
	if err != nil {
		return s, err
	}
	s.Figures = append(s.Figures, report.Figure{Caption: "What the pixels of each true class are taken for, in %", SVG: confusion})
	if r.Calibration != nil {
		reliability, err := figures.Reliability("Reliability on val", *r.Calibration)
		if err != nil {
			return s, err
		}
		s.Figures = append(s.Figures, report.Figure{Caption: "Where bars reach the dashed line, just 80 % of the predictions with a confidence of 80 % are right. Below, how many pixels have which confidence", SVG: reliability})
	}
	table := report.Table{Caption: "What thresholds keep of the val pixels", Head: []string{"threshold", "kept, %", "of them right, %"}}
	for _, k := range r.Kept {
		table.Rows = append(table.Rows, []string{fmt.Sprintf("%g", k.Threshold), k.Share.String(), k.Accuracy.String()})
	}
	if len(table.Rows) > 0 {
		s.Tables = []report.Table{table}
	}
	return s, nil
}

// about says how the page was made.
func (r *run) about(record configs.Record, took time.Duration) report.Section {
	table := report.Table{Head: []string{"fact", "value"}, Rows: [][]string{
		{"time", record.Started.Format("2006-01-02 15:04 MST")},
		{"took", took.Round(time.Second).String()},
	}}
	for _, p := range r.phases {
		table.Rows = append(table.Rows, []string{"of it: " + p.name, fmt.Sprintf("%.0f s", p.seconds)})
	}
	for _, x := range []struct {
		name  string
		value int
	}{{"training steps", r.Steps}, {"steps of a pre-training of its own", r.PretrainSteps}, {"labelled target scenes", r.Labelled}, {"seed", r.Seed}} {
		table.Rows = append(table.Rows, []string{x.name, fmt.Sprint(x.value)})
	}
	table.Rows = append(table.Rows, []string{"backend", r.results[full].Backend}, []string{"vector instructions", fmt.Sprint(backend.SIMD)},
		[]string{"machine", fmt.Sprintf("%s/%s, %d cores", runtime.GOOS, runtime.GOARCH, runtime.NumCPU())},
		[]string{"built with", record.Go}, []string{"revision", record.Revision})
	return report.Section{Title: "This run", Text: []string{"If a part was finished by an earlier run, its time is not in these figures."}, Tables: []report.Table{table}}
}
