package train

import (
	"bytes"
	"encoding/json"
	"testing"

	"semidavil/internal/fixture"
)

// FuzzRows: any bytes are rows of metrics.jsonl, which are read again when written, or an error.
func FuzzRows(f *testing.F) {
	f.Add([]byte(`{"step":5,"lr":0.001,"loss":1.5}` + "\n" + `{"step":10,"student":{"mean_iou":null}}` + "\n"))
	f.Add([]byte(`{"step":1099511627776,"retrieval":{}}`))
	f.Add([]byte(`{"step":1}` + "\n\n" + `{"step"`))
	f.Fuzz(func(t *testing.T, data []byte) {
		fixture.Modest(t, 4<<20+200*len(data), func() {
			rows, err := decodeRows(data)
			if err != nil {
				return
			}
			again := marshalRows(t, rows)
			back, err := decodeRows(again)
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
