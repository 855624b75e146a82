package train

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"semidavil/internal/fixture"
)

// FuzzReadMetrics: any bytes in metrics.jsonl are its rows, and are read again when written, or
// an error that names the file; a training that is resumed leaves out what is no row.
func FuzzReadMetrics(f *testing.F) {
	f.Add([]byte(`{"step":5,"lr":0.001,"loss":1.5}` + "\n" + `{"step":10,"student":{"mean_iou":null}}` + "\n"))
	f.Add([]byte(`{"step":1099511627776,"retrieval":{}}`))
	f.Add([]byte(`{"step":1}` + "\n\n" + `{"step"`))
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, data []byte) {
		fixture.Write(t, dir, MetricsFile, data)
		fixture.Modest(t, 4<<20+200*len(data), func() {
			rows, err := ReadMetrics(t.Context(), dir)
			if err != nil {
				if !strings.Contains(err.Error(), MetricsFile) {
					t.Errorf("the error names no file: %v", err)
				}
				return
			}
			again := marshalRows(t, rows)
			fixture.Write(t, dir, MetricsFile, again)
			back, err := ReadMetrics(t.Context(), dir)
			if err != nil {
				t.Fatal(err)
			}
			if third := marshalRows(t, back); !bytes.Equal(third, again) {
				t.Fatalf("%s reads back as %s", again, third)
			}
		})
	})
}

func marshalRows(t *testing.T, rows []Row) []byte {
	t.Helper()
	var b bytes.Buffer
	for _, r := range rows {
		line, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		b.Write(append(line, '\n'))
	}
	return b.Bytes()
}
