package stages

import (
	"encoding/json"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"semidavil"
	"semidavil/internal/fixture"
	"semidavil/transforms/metrics"
	"semidavil/transforms/report/figures"
)

// FuzzReadLabelStats, FuzzReadEvaluation and FuzzLabelRows: any bytes in a file of an output
// are what it holds, and are read again when written, or an error that names it.
func FuzzReadLabelStats(f *testing.F) {
	part := partOf(f, "a", 1<<15)
	report, err := part.Stats.Report(semidavil.Cityscapes19)
	if err != nil {
		f.Fatal(err)
	}
	data, err := report.Encode()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(data)
	f.Add([]byte(`{"images":1099511627776,"pixels":18446744073709551615,"classes":[{"name":"\u0000","kept_share":1e308}]}`))
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, data []byte) {
		fixture.Write(t, dir, LabelStatsFile, data)
		fixture.Modest(t, 4<<20+200*len(data), func() {
			r, err := ReadLabelStats(t.Context(), dir)
			if err != nil {
				named(t, err, dir)
				return
			}
			r.Text()
			again, err := r.Encode()
			if err != nil {
				t.Fatal(err)
			}
			fixture.Write(t, dir, LabelStatsFile, again)
			if back, err := ReadLabelStats(t.Context(), dir); err != nil || !reflect.DeepEqual(back, r) {
				t.Fatalf("%+v reads back as %+v, %v", r, back, err)
			}
		})
	})
}

// FuzzReadEvaluation is described at FuzzReadLabelStats.
func FuzzReadEvaluation(f *testing.F) {
	set := semidavil.CamVid11
	tally := tallyOf(f, "student", set.Len(), []uint8{0, 0, 1, 1}, []uint8{0, 1, 1, 1}, []float32{1, 1, 0.5, 1})
	report, err := metrics.NewReport(set, tally.Tally)
	if err != nil {
		f.Fatal(err)
	}
	data, err := json.Marshal(Evaluation{ClassSet: set, Rejects: 1, Networks: []NetworkReport{{"student", report}}})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(data)
	f.Add([]byte(`{"class_set":{"Classes":[{},{}]},"networks":[{"report":{"scores":[{"classes":[{}]}],"confusion":{"classes":1,"matrix":[1],"missed":[0]}}}]}`))
	f.Add([]byte(`{"networks":[{"report":{"confusion":{"classes":1099511627776}}}]}`))
	f.Add([]byte(`{"networks":[{"report":{"expected_calibration_error":0.5,"calibration":{}}},{}]}`))
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, data []byte) {
		fixture.Write(t, dir, ReportFile, data)
		e, err := ReadEvaluation(t.Context(), dir)
		if err != nil {
			named(t, err, dir)
			return
		}
		_, _ = metrics.Text(e.Columns())
		_, _ = EvaluationMarkdown(e)
		_, _ = figures.IoU(e.ClassSet, "IoU", e.Named())
		for _, n := range e.Networks {
			n.Report.Main()
			_, _ = figures.Confusion(e.ClassSet, n.Network, n.Report.Confusion)
			if n.Report.Calibration != nil {
				_, _ = figures.Reliability(n.Network, *n.Report.Calibration)
			}
		}
		again, err := json.Marshal(e)
		if err != nil {
			t.Fatal(err)
		}
		fixture.Write(t, dir, ReportFile, again)
		back, err := ReadEvaluation(t.Context(), dir)
		if err != nil {
			t.Fatal(err)
		}
		if third, err := json.Marshal(back); err != nil || string(third) != string(again) {
			t.Fatalf("%s reads back as %s, %v", again, third, err)
		}
	})
}

// FuzzLabelRows is described at FuzzReadLabelStats.
func FuzzLabelRows(f *testing.F) {
	data, err := lines(partOf(f, "a", 1<<15).Rows)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(data)
	f.Add([]byte("{\"key\":\"a\",\"label\":\"../../b\",\"width\":1099511627776}\r\n\r\n"))
	f.Add([]byte("\xef\xbb\xbf{\"key\":\"a\"}"))
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, data []byte) {
		fixture.Write(t, dir, LabelsFile, data)
		fixture.Modest(t, 8<<20+100*len(data), func() {
			rows, err := readLabelRows(t.Context(), dir)
			if err != nil {
				named(t, err, dir)
				return
			}
			var list []LabelRow
			for key, row := range rows {
				if key == "" || row.Key != key || row.Label == "" {
					t.Errorf("%q: %+v", key, row)
				}
				list = append(list, row)
			}
			again, err := lines(list)
			if err != nil {
				t.Fatal(err)
			}
			fixture.Write(t, dir, LabelsFile, again)
			if back, err := readLabelRows(t.Context(), dir); err != nil || !reflect.DeepEqual(back, rows) {
				t.Fatalf("%+v reads back as %+v, %v", rows, back, err)
			}
		})
	})
}

// named checks that an error names the output that is at fault.
func named(t *testing.T, err error, dir string) {
	t.Helper()
	if !strings.Contains(err.Error(), filepath.ToSlash(dir)) {
		t.Errorf("the error names no file: %v", err)
	}
}
