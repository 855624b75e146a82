package stages

import (
	"encoding/json"
	"reflect"
	"testing"

	"semidavil"
	"semidavil/internal/fixture"
	"semidavil/transforms/metrics"
	"semidavil/transforms/report/figures"
)

// FuzzEvaluation: any bytes are a report that can be shown, and is read again when written, or
// an error.
func FuzzEvaluation(f *testing.F) {
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
	f.Add([]byte(`{"networks":[{"report":{"expected_calibration_error":0.5,"kept":[{"classes":[{}]},{}]}}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		e, err := decodeEvaluation(data)
		if err != nil {
			return
		}
		_, _ = metrics.Text(e.Columns())
		_, _ = EvaluationMarkdown(e)
		_, _ = figures.IoU(e.ClassSet, "IoU", e.Named(), 0)
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
		back, err := decodeEvaluation(again)
		if err != nil {
			t.Fatal(err)
		}
		if third, err := json.Marshal(back); err != nil || string(third) != string(again) {
			t.Fatalf("%s reads back as %s, %v", again, third, err)
		}
	})
}

// FuzzLabelRows: any bytes are rows with a key and a label each, and are read again when
// written, or an error.
func FuzzLabelRows(f *testing.F) {
	data, err := lines(partOf(f, "a", 1<<15).Rows)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(data)
	f.Add([]byte("{\"key\":\"a\",\"label\":\"../../b\",\"width\":1099511627776}\r\n\r\n"))
	f.Add([]byte("\xef\xbb\xbf{\"key\":\"a\"}"))
	f.Fuzz(func(t *testing.T, data []byte) {
		fixture.Modest(t, 8<<20+100*len(data), func() {
			rows, err := decodeLabelRows(data)
			if err != nil {
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
			if back, err := decodeLabelRows(again); err != nil || !reflect.DeepEqual(back, rows) {
				t.Fatalf("%+v reads back as %+v, %v", rows, back, err)
			}
		})
	})
}
